#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What others put around portd's rules: that it does to packets what `audit` says of it, that the
# flows concerned are named, and that what does no harm is not.
#   test_audit.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lb=10.1.0.11 jb=10.1.0.21

ctl() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/acd-lb1.sock"; }

# serve HOST PORT WORD: says the word to whoever connects.
serve() {
    lab_in "$1" socat "TCP-LISTEN:$2,fork,reuseaddr" "SYSTEM:echo $3" 2>/dev/null &
    lab_until "$1 listens on $2" is_served "$1" "$2"
}
is_served() { [[ -n $(lab_in "$1" ss -Hltn "sport = :$2") ]]; }

# ask HOST PORT ADDRESS SECONDS: what is said there; nothing when nobody answers for so long.
ask() {
    lab_in "$1" socat "-T$4" "TCP:$3:$2,connect-timeout=$4" - </dev/null 2>/dev/null || true
}

# hears HOST PORT WORD [ADDRESS]: who is let through has time, who isn't gets no answer however long.
hears() {
    local said seconds=20

    [[ -n $3 ]] || seconds=0.5
    said=$(ask "$1" "$2" "${4:-$lb}" $seconds)
    [[ $said == "$3" ]] || { lab_say "$1 asked port $2 and heard \"$said\", not \"$3\""; exit 1; }
}

nft_in() { lab_in acd-lb1 nft "$@"; }

# Of each finding a line: code, family, table, chain, enforced, certain or possible, flows.
findings() {
    ctl audit --json | jq -r '.findings[] | [.code, .family // "-", .table // "-", .chain // "-",
        (if .enforced then "enforced" elif .certain then "certain" else "possible" end), (.flows | join(","))] | join(" ")'
}

# finds LINE…: these and no others; of flows, "…," at the end means: and further ones.
finds() {
    local found
    found=$(findings) || [[ $? == 3 ]]
    [[ $found == "$(printf '%s\n' "$@")" ]] || {
        lab_say "found:" $'\n'"$found" $'\n'"instead of:" $'\n'"$(printf '%s\n' "$@")"
        exit 1
    }
    lab_say "ok: ${*:-nothing}"
}

# holds FILTER: of the whole answer.
holds() {
    local answer

    answer=$(ctl audit --json) || [[ $? == 3 ]]
    jq -e "$1" <<<"$answer" >/dev/null || { lab_say "not so: $1" $'\n'"$answer"; exit 1; }
}

# clear TABLE…: "inet filter"
clear() {
    local table

    # shellcheck disable=SC2086 # family and name
    for table in "$@"; do nft_in delete table $table; done
    hears admin 443 https
    finds ""
}

grep -E '^host (acd-lb1|acd-jb1|admin|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_portd acd-lb1
serve acd-lb1 443 https
serve acd-lb1 80 http
serve acd-lb1 22 ssh
serve acd-jb1 80 container
hears admin 443 https
hears admin 80 http
[[ $(ctl audit) == "nothing of others goes around"* ]]

lab_say "harmless tables are no findings"
for harmless in empty-firewall accounting; do
    nft_in -f "$lab_dir/foreign/$harmless.nft"
    hears admin 443 https
    finds ""
done
nft_in delete table inet filter
clear "inet accounting"

lab_say "a rule that drops what a flow opens"
nft_in add table inet mine
nft_in add chain inet mine in '{ type filter hook input priority 0; }'
nft_in add rule inet mine in ip saddr 10.0.0.0/8 tcp dport '{ 443, 4444 }' drop
hears admin 443 ""
hears admin 80 http
finds "denies inet mine in certain jtel-acd/https"
handle=$(nft_in -j list chain inet mine in | jq '[.nftables[].rule // empty][0].handle')
holds ".findings[0].handle == $handle"
text=$(COLUMNS=400 ctl audit) || [[ $? == 3 ]]
[[ $text == *"nft delete rule inet mine in handle "* ]]
nft_in flush chain inet mine in

lab_say "… and of which portd can't read a condition"
nft_in add rule inet mine in meta mark 7 tcp dport 443 drop
hears admin 443 https
finds "denies inet mine in possible jtel-acd/https"
holds '.blind | length == 1'
nft_in flush chain inet mine in

lab_say "… and that is never reached"
nft_in add rule inet mine in tcp dport vmap '{ 443 : accept, 23 : drop }'
nft_in add rule inet mine in tcp dport 443 reject
hears admin 443 https
finds ""
clear "inet mine"

lab_say "answers that are dropped"
nft_in add table ip mine
nft_in add chain ip mine out '{ type filter hook postrouting priority 0; }'
nft_in add rule ip mine out tcp sport 443 drop
hears admin 443 ""
finds "denies ip mine out certain jtel-acd/https"
clear "ip mine"

lab_say "a state that is asked for too early"
nft_in add table inet mine
nft_in add chain inet mine pre '{ type filter hook prerouting priority raw; }'
nft_in add rule inet mine pre tcp dport 443 ct state invalid drop
hears admin 443 ""
finds "denies inet mine pre certain jtel-acd/https"
clear "inet mine"

lab_say "zones: what they let pass is not named, the rest is"
nft_in -f "$lab_dir/foreign/zones.nft"
hears admin 22 ssh
hears admin 443 ""
found=$(findings) || [[ $? == 3 ]]
grep -q '^denies inet zones input [a-z]* .*jtel-acd/https' <<<"$found"
if [[ $(wc -l <<<"$found") != 1 ]] || grep -q 'host-baseline/ssh' <<<"$found"; then
    lab_say "found: $found"
    exit 1
fi
clear "inet zones"

lab_say "a port that is redirected"
nft_in add table ip proxy
nft_in add chain ip proxy pre '{ type nat hook prerouting priority dstnat; }'
nft_in add rule ip proxy pre tcp dport 443 redirect to :80
hears admin 443 http
finds "redirects ip proxy pre certain jtel-acd/https"
status_says() { ctl status --json | jq -e "$1"; }
lab_until "status warns" status_says '.warnings[] | select(.code == "audit").hint == "portd-ctl audit"'
clear "ip proxy"
lab_until "and no longer" status_says 'all(.warnings[]; .code != "audit")'

lab_say "a port that is rewritten by hand, behind portd's own chain"
nft_in add table inet late
nft_in add chain inet late out '{ type filter hook postrouting priority 300; }'
nft_in add rule inet late out tcp sport 443 tcp sport set 444
hears admin 443 ""
finds "redirects inet late out certain jtel-acd/https"
holds '.findings[0].text | test("behind portd")'
clear "inet late"

lab_say "packets that are not tracked"
nft_in add table inet raw
nft_in add chain inet raw pre '{ type filter hook prerouting priority raw; }'
nft_in add rule inet raw pre tcp dport 443 notrack
hears admin 443 ""
finds "untracked inet raw pre certain jtel-acd/https"
clear "inet raw"

lab_say "a published port, which portd enforces"
nft_in -f "$lab_dir/foreign/containers.nft"
lab_in acd-lb1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
hears stranger 9999 ""
finds "published ip nat published enforced "
nft_in add rule ip nat published tcp dport 443 dnat to $jb:80
hears admin 443 container
finds "published ip nat published enforced jtel-acd/https" "published ip nat published enforced "
ctl audit >/dev/null
clear "ip nat" "ip filter"

lab_say "a program that decides"
nft_in add table inet ips
nft_in add chain inet ips in '{ type filter hook input priority 0; }'
if nft_in add rule inet ips in tcp dport 443 queue num 9 2>/dev/null; then
    hears admin 443 ""
    finds "queues inet ips in certain jtel-acd/https"
else
    lab_say "a kernel without queues: not tried"
fi
clear "inet ips"

lab_say "a device's own chain"
nft_in add table netdev early
nft_in add chain netdev early in '{ type filter hook ingress device eth0 priority 0; }'
nft_in add rule netdev early in ip protocol tcp tcp dport 443 drop
hears admin 443 ""
finds "denies netdev early in possible jtel-acd/https"
clear "netdev early"

lab_say "another portd"
nft_in add table inet portd-old
finds "other-portd inet portd-old - certain "
clear "inet portd-old"

if lab_in acd-lb1 iptables-nft -A INPUT -p tcp --dport 443 -m conntrack --ctstate NEW -j DROP 2>/dev/null; then
    lab_say "iptables through nf_tables"
    hears admin 443 ""
    finds "denies ip filter INPUT certain jtel-acd/https"
    clear "ip filter"
else
    lab_say "no iptables-nft here, or a kernel without its extensions: not tried"
fi

# Last: a table of the older iptables never goes away.
if [[ ! -e /proc/net/ip_tables_names ]]; then
    lab_say "this kernel has no older iptables: there is nothing to find"
    finds ""
elif lab_in acd-lb1 iptables-legacy -A INPUT -p tcp --dport 443 -j DROP 2>/dev/null; then
    lab_say "tables of the older iptables"
    hears admin 443 ""
    finds "legacy - - - certain "
    holds '.findings[0].text | test("table filter .* IPv4")'
else
    lab_say "no iptables-legacy here: not tried"
fi
