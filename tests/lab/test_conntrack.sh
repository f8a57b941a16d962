#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Connection tracking beside the rules: entries that others forge open nothing, connections whose
# flow is taken away are cut, and what routers say about a path comes through.
#   test_conntrack.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

grep -E '^host (acd-lb[12]|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"

# acd-lb1 -1500- near -1280- back -1500- far
wide_mtu=1500 narrow_mtu=1280
for name in near back far; do
    ip netns add $name
    lab_in $name sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
done
join() { # number, mtu, namespace, namespace: 192.0.2.NUMBER1 and 2001:db8:ee:NUMBER::1 to …2
    local number=$1 mtu=$2 left=$3 right=$4
    ip link add "to-$right" netns "$left" mtu "$mtu" type veth peer name "to-$left" netns "$right" mtu "$mtu"
    lab_in "$left" ip -batch - <<.
addr add 192.0.2.${number}1 peer 192.0.2.${number}2/32 dev to-$right
addr add 2001:db8:ee:$number::1/64 dev to-$right nodad
link set to-$right up
.
    lab_in "$right" ip -batch - <<.
addr add 192.0.2.${number}2 peer 192.0.2.${number}1/32 dev to-$left
addr add 2001:db8:ee:$number::2/64 dev to-$left nodad
link set to-$left up
.
}
join 1 $wide_mtu acd-lb1 near
join 2 $narrow_mtu near back
join 3 $wide_mtu back far
route() { # namespace, number and end of the next hop, IPv4 and IPv6 destinations [words]
    local name=$1 number=$2 end=$3 v4=$4 v6=$5
    shift 5
    lab_in "$name" ip route add "$v4" via "192.0.2.$number$end" "$@"
    lab_in "$name" ip -6 route add "$v6" via "2001:db8:ee:$number::$end"
}
far4=203.0.113.65 far6=2001:db8:77::1
route acd-lb1 1 2 $far4 $far6 src 10.1.0.11
route near 2 2 $far4 $far6
route back 3 2 $far4 $far6
lab_in far ip addr add $far4/32 dev lo
lab_in far ip addr add $far6/128 dev lo
lab_in far ip link set lo up
route near 1 1 10.1.0.11 2001:db8:1::11
route back 2 1 10.1.0.11 2001:db8:1::11
route far 3 1 10.1.0.11 2001:db8:1::11 src $far4

jq --arg far4 $far4 --arg far6 $far6 '.flows += [
    { "id": "live-in", "from": ["host:acd-lb2"], "to": ["self"], "services": ["tcp/7100-7101"] },
    { "id": "live-out", "from": ["self"], "to": ["host:acd-lb2"], "services": ["tcp/7100-7101"] },
    { "id": "bulk-in", "from": [$far4, $far6], "to": ["self"], "services": ["tcp/7200"] },
    { "id": "bulk-out", "from": ["self"], "to": [$far4, $far6], "services": ["tcp/7200"] }]' \
    "$lab_site" >"$lab_state/site"
install -m 0644 "$lab_state/site" "$lab_site"
lab_portd acd-lb1
# A witness of what connection tracking makes of each packet, before anybody's rules.
lab_in acd-lb1 nft 'add table inet seen
    add chain inet seen in { type filter hook input priority -150 ; }
    add chain inet seen out { type filter hook output priority -150 ; }
    add rule inet seen in ct state established counter
    add rule inet seen out ct state established counter'
lab_in acd-lb1 "$lab_dir/connections.py" "$lab_state/acd-lb1.sock" "$lab_site"
