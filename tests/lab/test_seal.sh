#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody else writes the sealed table: all ways to change it by nft and by hand, then the other
# tools that write firewall rules, do what they do beside portd, while datagrams of a denied and
# of an allowed flow come in. The other firewalls are set to let everything in: what they drop is
# dropped, whatever portd says, and what they let in has to be denied by portd alone. At last
# somebody claims the table's name before portd does.
#   test_seal.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
packets=${PACKETS:-30000}
socket=$lab_state/acd-lb1.sock
failed=0

grep -E '^host (acd-lb[12]|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_portd acd-lb1
here() { lab_in acd-lb1 "$@"; }
ask() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$socket"; }
# As nft sees it, without the order of elements of a hash and what was counted.
listing() { here nft -s list table inet portd | sed 's/[{},]/ /g; s/elements =//' | tr -s ' \t' '\n' | sort; }

# What others bring along stays inside: /etc and /var/lib are copied when they are written to.
overlay() {
    local name=${1//\//_}
    mkdir -p "$lab_state/$name/upper" "$lab_state/$name/work"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$lab_state/$name/upper,workdir=$lab_state/$name/work" "$1"
}
overlay /etc
overlay /var/lib
chmod 0755 /run

mapfile -t flows <<.
allowed=acd-lb2,10.1.0.11,acd-lb1,5405
denied port=acd-lb2,10.1.0.11,acd-lb1,9999
denied sender=stranger,10.1.0.11,acd-lb1,5405
.
flood_begin() { # count
    coproc FLOOD { "$lab_dir/flood.py" 3000 "$1" "${flows[@]}"; }
    flood_pid=$FLOOD_PID
    read -r _ <&"${FLOOD[0]}"
}
flood_end() { # count
    exec {FLOOD[1]}>&-
    read -r figures <&"${FLOOD[0]}"
    wait "$flood_pid" || true
    jq -r 'to_entries[] | "\(.key): \(.value.sent) datagrams, \(.value.arrived) arrived, \(.value.lost) did not"' <<<"$figures" |
        while read -r line; do lab_say "$line"; done
    jq -e --argjson n "$1" 'all(.[]; .sent >= $n) and .allowed.lost == 0 and .["denied port"].arrived == 0 and
        .["denied sender"].arrived == 0' <<<"$figures" >/dev/null || { lab_say "FAILED: a wrong verdict"; failed=1; }
}
flood_begin "$packets"

here "$lab_dir/seal.py" "$socket" sealed || failed=1
listing >"$lab_state/want"
owner=$(here "$lab_dir/seal.py" "$socket" owner)

tool() { # what, command…
    local what=$1 said=$lab_state/said
    shift
    here "$@" >"$said" 2>&1 </dev/null || { lab_say "FAILED: $what ends with an error:"; cat "$said"; failed=1; }
    if [ "$(here "$lab_dir/seal.py" "$socket" owner)" = "$owner" ] && cmp <(listing) "$lab_state/want" &&
        ask diff >"$said" && [ "$(ask status --json | jq '.drifts')" = 0 ]; then
        lab_say "$what: our rules stay in force"
    else
        lab_say "FAILED: $what"
        cat "$said"
        failed=1
    fi
}
iptables_file=$'*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n'
tool "nft flush ruleset" nft flush ruleset
tool "nft -f of what nftables.service loads (flush ruleset, own rules)" nft -f /etc/nftables.conf
tool "nft flush ruleset, as nftables.service stops" nft flush ruleset
for variant in nft legacy; do
    command -v "iptables-$variant" >/dev/null || { lab_say "no iptables-$variant here: skipped"; continue; }
    tool "iptables-$variant -I INPUT -j ACCEPT" "iptables-$variant" -I INPUT -j ACCEPT
    tool "iptables-$variant -F, -X, -P ACCEPT" sh -c "iptables-$variant -F && iptables-$variant -X && iptables-$variant -P INPUT ACCEPT"
    tool "iptables-$variant-restore" sh -c "printf '%s' '$iptables_file' | iptables-$variant-restore"
done
if command -v ufw >/dev/null; then
    tool "ufw default allow" ufw default allow incoming
    tool "ufw enable" sh -c 'ufw --force enable && ufw status | grep -q "Status: active"'
    for verb in reload disable enable reset; do
        tool "ufw $verb" ufw --force "$verb"
    done
else
    lab_say "no ufw here: skipped"
fi
if command -v firewalld >/dev/null && command -v dbus-daemon >/dev/null; then
    sed -i 's/^DefaultZone=.*/DefaultZone=trusted/' /etc/firewalld/firewalld.conf
    mkdir -p /run/dbus
    enter=(nsenter --net=/run/netns/acd-lb1 --) # no function: $! is the program
    "${enter[@]}" dbus-daemon --system --nofork --nosyslog >/dev/null 2>&1 &
    bus=$!
    lab_until "there is a bus" test -S /run/dbus/system_bus_socket
    "${enter[@]}" firewalld --nofork --nopid >"$lab_state/firewalld.log" 2>&1 &
    firewalld=$!
    tool "firewalld starts" timeout 60 sh -c "until firewall-cmd --state; do kill -0 $firewalld || exit 1; done
        nft list table inet firewalld"
    kill -TERM $firewalld
    wait $firewalld || true
    tool "firewalld stops" sh -c '! nft list table inet firewalld'
    kill -TERM $bus
else
    lab_say "no firewalld here: what it does to nf_tables instead, by nft"
    tool "a table as firewalld's" nft 'flush ruleset
        add table inet firewalld
        add chain inet firewalld filter_INPUT { type filter hook input priority filter + 10 ; }
        add rule inet firewalld filter_INPUT accept'
    tool "and without it" nft delete table inet firewalld
fi

flood_end "$packets"

kill -TERM "$(cat "$lab_state/acd-lb1.pid")"
lab_await_end "$(cat "$lab_state/acd-lb1.pid")"
here "$lab_dir/seal.py" "$socket" valid || failed=1

here nft delete table inet portd
mkfifo "$lab_state/hold"
nsenter --net=/run/netns/acd-lb1 -- "$binary_dir/tests/lab/lab-claim" portd \
    <>"$lab_state/hold" >"$lab_state/claimed" &
claimer=$!
until [ -s "$lab_state/claimed" ]; do kill -0 $claimer; done
lab_portd acd-lb1
flood_begin 2000
named() { # filter: of the findings about tables of portd's names
    local answer
    answer=$(ask audit --json) || [ $? = 3 ]
    jq -e "[.findings[] | select(.table // \"\" | startswith(\"portd\"))] | $1" <<<"$answer" >"$lab_state/said" ||
        { lab_say "FAILED: $2"; cat "$lab_state/said"; failed=1; }
}
port=$(here "$lab_dir/seal.py" "$socket" owner | cut -d' ' -f2)
named "length == 1 and (.[0] | .code == \"hostile\" and .table == \"portd\" and .certain and
    (.hint | contains(\"ps -fp $port\")))" "audit does not name the stranger's table, and no other"
kill $claimer
wait $claimer || true
until [ "$(ask status --json | jq -r .seal)" = sealed ]; do :; done
flood_end 2000
named "length == 0" "audit names a table of portd's when there is no stranger"
lab_say "a stranger's table is named, the spare one is not, and no packet is lost on the way back"
[ $failed = 0 ]
