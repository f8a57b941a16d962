#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ports that containers publish, by the rules that docker, podman and a masquerading engine make:
# who reaches them is what the policy says for the port of the host, in hook forward.
#   test_published.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
host=acd-rest1 box4=172.17.0.2 box6=fd00:17::2

ctl() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/$host.sock"; }

grep -E "^host ($host|acd-lb1|stranger) " "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_in $host sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'

# container NAME NUMBER: behind a bridge of its own
container() {
    local name=$1 number=$2

    ip netns add "$name"
    lab_in "$name" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
    lab_in $host ip link add "pod$number" type bridge mcast_snooping 0 forward_delay 0
    lab_in $host ip link add "to-$name" type veth peer name eth0 netns "$name"
    lab_in $host ip -batch - <<.
link set to-$name master pod$number up
addr add 172.$number.0.1/24 dev pod$number
addr add fd00:$number::1/64 dev pod$number nodad
link set pod$number up
.
    lab_in "$name" ip -batch - <<.
link set lo up
addr add 172.$number.0.2/24 dev eth0
addr add fd00:$number::2/64 dev eth0 nodad
link set eth0 up
route add 0.0.0.0/0 via 172.$number.0.1
route add ::/0 via fd00:$number::1
.
}
container box 17
container box2 18
lab_in acd-lb1 ip route add 172.17.0.0/24 via 10.1.0.81 dev eth0 onlink
lab_in acd-lb1 ip route add fd00:17::/64 via 2001:db8:1::81 dev eth0 onlink

jq '.flows += [
    { "id": "live", "from": ["host:acd-lb1"], "to": ["host:acd-rest1"], "services": ["tcp/7500"] },
    { "id": "own", "from": ["host:acd-lb1"], "to": ["host:acd-rest1"], "services": ["tcp/7400"] },
    { "id": "media", "from": ["host:acd-lb1"], "to": ["host:acd-rest1"], "services": ["udp/7300"] }]' \
    "$lab_site" >"$lab_state/site"
install -m 0644 "$lab_state/site" "$lab_site"
# A witness of what connection tracking makes of each packet, before anybody's rules.
lab_in $host nft 'add table inet seen
    add chain inet seen through { type filter hook forward priority -150 ; }
    add rule inet seen through ct state established counter'

# The rules of docker, by the tool that it uses.
docker() {
    local tool to net

    for tool in iptables-nft ip6tables-nft; do
        to=$box4 net=172.17.0.0/16
        [[ $tool == iptables-nft ]] || to="[$box6]" net=fd00:17::/64
        lab_in $host $tool-restore --noflush <<.
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s $net ! -o pod17 -j MASQUERADE
-A DOCKER -p tcp -m tcp --dport 8091 -j DNAT --to-destination $to:80
-A DOCKER -p tcp -m tcp --dport 9000 -j DNAT --to-destination $to:80
-A DOCKER -p tcp -m tcp --dport 7500 -j DNAT --to-destination $to:75
-A DOCKER -p udp -m udp --dport 7300 -j DNAT --to-destination $to:73
-A DOCKER -p udp -m udp --dport 9000 -j DNAT --to-destination $to:73
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:DOCKER - [0:0]
-A FORWARD -o pod17 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o pod17 -j DOCKER
-A FORWARD -i pod17 ! -o pod17 -j ACCEPT
-A DOCKER -d ${to//[\[\]]/} ! -i pod17 -o pod17 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
.
    done
}
netavark() { lab_in $host nft -f "$lab_dir/foreign/netavark.nft"; }
# As netavark, and the container sees the host's address instead of the asker's.
masquerading() {
    netavark
    lab_in $host nft insert rule inet netavark POSTROUTING ct status dnat masquerade
}
clear() {
    local tables

    mapfile -t tables < <(lab_in $host nft list tables | sed -n 's/^table //p' | grep -Ev '^inet (portd|seen)$')
    lab_in $host nft "${tables[@]/#/; delete table }"
}
reload() { # FILTER: of the site
    jq "$1" "$lab_site" >"$lab_state/site"
    install -m 0644 "$lab_state/site" "$lab_site"
    ctl reload >/dev/null
}
# asks NAME PORT: answered, refused or lost.
asks() {
    lab_in "$1" python3 - 10.1.0.81 "$2" <<'PY'
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1):
        print("answered")
except ConnectionRefusedError:
    print("refused")
except OSError:
    print("lost")
PY
}
hears() { # NAME PORT OUTCOME
    local heard

    heard=$(asks "$1" "$2")
    [[ $heard == "$3" ]] || { lab_say "FAILED: $1 asked $2: $heard, not $3"; exit 1; }
}
# audits STATUS WORD…: what it exits with, and words that stand in its answer.
audits() {
    local status=0 text expected=$1 word

    text=$(COLUMNS=400 ctl audit) || status=$?
    shift
    for word in "$@"; do
        [[ $text == *"$word"* ]] || { lab_say "FAILED: no \"$word\" in:" $'\n'"$text"; exit 1; }
    done
    [[ $status == "$expected" ]] || { lab_say "FAILED: audit exits with $status:" $'\n'"$text"; exit 1; }
}
forms=(netavark masquerading docker)
if ! lab_in $host iptables-nft -t nat -S >/dev/null 2>&1; then
    lab_say "no iptables-nft here: docker's rules are not tried"
    forms=(netavark masquerading)
fi

for form in "${forms[@]}"; do
    lab_say "$form, without portd"
    $form
    lab_in $host "$lab_dir/published.py" open
    clear
done
lab_portd $host
for form in "${forms[@]}"; do
    lab_say "$form"
    $form
    if [[ $form == netavark ]]; then
        lab_in $host "$lab_dir/published.py" enforced "$lab_state/$host.sock" "$lab_site"
    else
        lab_in $host "$lab_dir/published.py" enforced
    fi
    ctl audit --json >"$lab_state/audit" || [[ $? == 3 ]]
    jq -e '[.findings[] | select(.code == "published") | .enforced] | length > 0 and all' \
        "$lab_state/audit" >/dev/null || { cat "$lab_state/audit"; exit 1; }
    clear
done

lab_say "other modes, who is told, and what the audit says"
lab_in $host nft 'add table ip nat
    add chain ip nat prerouting { type nat hook prerouting priority dstnat ; }
    add rule ip nat prerouting fib daddr type local tcp dport { 8091, 9000 } dnat to 172.17.0.2:80'
audits 0 "nothing of others goes around the policy" "portd enforces it" "flows: jtel-acd/rest"
ctl status --json | jq -e 'all(.warnings[]; .code != "audit")' >/dev/null
lab_in box socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:true &
until lab_in box ss -Hltn 'sport = :80' | grep -q .; do :; done
hears acd-lb1 8091 answered
hears stranger 8091 lost
hears stranger 9000 lost
reload '.deny.ingress = "reject"'
hears acd-lb1 8091 answered
hears stranger 8091 refused
hears stranger 9000 refused
for egress in audit off; do
    reload ".egress = \"$egress\""
    hears acd-lb1 8091 answered
    hears stranger 8091 refused
    audits 0 "portd enforces it"
done
for ingress in audit off; do
    reload ".ingress = \"$ingress\""
    hears stranger 8091 answered
    hears stranger 9000 answered
    audits 3 "ingress is \"$ingress\" in the site: whoever asks is sent on" 'set ingress to "enforce"'
done
reload '.ingress = "enforce" | .egress = "enforce"'
hears stranger 8091 refused

lab_say "the listing loads again"
lab_in $host nft -s list table inet portd | sed 's/ # progname.*//; /flags owner/d' >"$lab_state/listing"
unshare --net nft -c -f "$lab_state/listing"
# shellcheck disable=SC2016 # for the shell inside
unshare --net sh -ec 'nft -f "$1"; nft -s list table inet portd' - "$lab_state/listing" >"$lab_state/again"
words() { tr -s ' \t\n,' '\n' <"$1" | sort; } # elements of a hash come in any order
diff <(words "$lab_state/listing") <(words "$lab_state/again")
grep -q 'ct original proto-dst vmap @published_tcp' "$lab_state/again"
