/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_TAMPERS_H
#define PORTD_TESTS_TAMPERS_H

/* Changes of the sample table: each is seen, and one transaction puts it right. */
static const char *const tampers[] = {
    /* rules */
    "nft add rule inet portd in_1 accept",
    "nft insert rule inet portd input accept",
    "nft add rule inet portd in_1 meta mark 1 accept",
    "nft add rule inet portd in_1 counter",
    "nft add rule inet portd in_1 ip saddr { 1.2.3.4, 5.6.7.8 } accept",
    "nft add rule inet portd in_1 tcp dport vmap { 1 : accept, 2 : drop }",
    "nft 'add rule inet portd in_1 goto { accept; }'",
    "nft add rule inet portd in_1 ip saddr 1.2.3.4 accept",
    "nft add rule inet portd in_1 ip saddr != @hosts_4 accept",
    "nft add rule inet portd in_1 log prefix x group 3 accept",
    "nft add rule inet portd in_1 log group 3 snaplen 0 accept",
    "nft add rule inet portd in_1 limit rate over 5/second drop",
    "nft add rule inet portd in_1 limit rate 5/minute accept",
    "nft add rule inet portd in_1 reject",
    "nft add rule inet portd in_1 ct original packets 5 accept",
    "nft add rule inet portd in_1 'accept comment \"nothing\"'",
    "nft flush chain inet portd in_1",
    "nft flush table inet portd",
    "nft delete rule inet portd input handle "
    "$(nft -a list chain inet portd input | sed -n 's/.*iif \"lo\" accept # handle //p')",
    /* chains */
    "nft add chain inet portd extra",
    "nft 'add chain inet portd extra { type filter hook forward priority 0; policy drop; }'",
    "nft 'add chain inet portd extra { type nat hook prerouting priority 0; }'",
    "nft 'add chain inet portd extra { type route hook output priority 0; }'",
    "nft 'add chain inet portd extra { type filter hook ingress device lo priority 0; }'",
    "nft 'add chain inet portd extra; add rule inet portd extra accept;"
    " insert rule inet portd input jump extra'",
    "nft 'chain inet portd input { policy accept; }'",
    "nft 'chain inet portd output { policy drop; }'",
    /* the table */
    "nft 'table inet portd { flags dormant; }'",
    "nft delete table inet portd",
    "nft flush ruleset",
    /* sets and elements */
    "nft 'add element inet portd hosts_4 { 9.9.9.9 }'",
    "nft 'delete element inet portd hosts_4 { 10.0.0.1 }'",
    "nft 'add element inet portd hosts_4 { 9.9.9.9 comment \"mine\" }'",
    "nft 'delete element inet portd nets_4 { 10.1.0.0/16 }'",
    "nft 'add element inet portd nets_4 { 10.2.0.0/16 }'", /* touches 10.1.0.0/16 */
    "nft 'add element inet portd nets_4 { 10.0.0.0/16 }'",
    "nft 'add element inet portd nets_4 { 223.255.255.0/24 }'", /* touches the last range */
    "nft 'delete element inet portd nets_4 { 10.1.0.0/16 };"
    " add element inet portd nets_4 { 10.1.0.0/17 }; add element inet portd nets_4 { 10.1.128.0/17 "
    "}'",
    "nft 'add element inet portd nets_6 { fe80::2-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff }'",
    "nft 'add element inet portd empty_6 { ::/0 }'",
    "nft 'delete element inet portd any_4 { 0.0.0.0/0 }'",
    "nft 'add element inet portd in_service { tcp . 23 : accept }'",
    "nft 'delete element inet portd in_service { tcp . 443 : goto in_1 };"
    " add element inet portd in_service { tcp . 443 : accept }'",
    "nft 'add element inet portd peers { 11.0.0.0/8 : accept }'",
    "nft flush set inet portd nets_4",
    "nft 'add element inet portd granted_4 { tcp . 23 . 198.51.100.7 timeout 9m }'",
    "nft 'add element inet portd granted_none { tcp . 23 . 2001:db8::9 }'",
    "nft 'delete element inet portd granted_6 { sctp . 1 . 2001:db8::7 }'",
    "nft 'delete element inet portd granted_4 { tcp . 22 . 198.51.100.7 };"
    " add element inet portd granted_4 { tcp . 22 . 198.51.100.7 timeout 11m }'",
    "nft 'delete element inet portd granted_4 { tcp . 22 . 198.51.100.7 };"
    " add element inet portd granted_4 { tcp . 22 . 198.51.100.7 timeout 9m }'",
    "nft 'delete element inet portd granted_4 { tcp . 22 . 198.51.100.7 };"
    " add element inet portd granted_4 { tcp . 22 . 198.51.100.7 }'",
    "nft 'add set inet portd extra { type ipv4_addr; }'",
    "nft 'add set inet portd extra { type ether_addr; elements = { 00:11:22:33:44:55 } }'",
    "nft 'add set inet portd extra { type ipv4_addr; timeout 1h; elements = { 1.1.1.1 } }'",
    "nft 'add set inet portd extra { type ipv4_addr; flags dynamic; size 9; }'",
    "nft 'add set inet portd extra { type ipv4_addr; counter; elements = { 1.1.1.1 } }'",
    "nft 'add set inet portd extra { type ipv4_addr . inet_service; flags interval;"
    " elements = { 1.1.1.0/24 . 1-5 } }'",
    "nft 'add map inet portd extra { type ipv4_addr : mark; elements = { 1.1.1.1 : 5 } }'",
    "nft 'add map inet portd extra { type ipv4_addr : verdict; elements = { 1.1.1.1 : accept } }'",
    "nft 'add set inet portd extra { type ipv4_addr; elements = { 1.1.1.1 } };"
    " add element inet portd extra { * }'",
    /* named objects */
    "nft 'add quota inet portd extra { over 5 mbytes }'",
    "nft 'add quota inet portd dropped { over 5 mbytes }'", /* the name of a counter of ours */
    "nft 'add limit inet portd extra { rate 5/second }'",
    "nft 'add counter inet portd extra'",
    "nft 'add map inet portd extra { type ipv4_addr : counter; elements = { 1.1.1.1 : dropped } }'",
    "nft 'add synproxy inet portd extra { mss 1460 wscale 7 }'",
};

#endif
