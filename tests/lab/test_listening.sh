#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What listens on a host beside what the policy opens: real sockets, which ss has to see as well;
# what is said to be served is reached by somebody whom the policy lets ask, the rest isn't.
#   test_listening.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
host=acd-lb1 lb=10.1.0.11

ctl() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/$host.sock"; }
fail() { lab_say "FAILED: $*"; exit 1; }

# look [STATUS]: what portd says now, a line each: service, state, flow, address, unit, by whom.
look() {
    local status=0

    ctl flows --listen --json >"$lab_state/answer" || status=$?
    [[ $status == "${1:-0}" ]] || fail "flows --listen exits with $status"
    jq -r '.services[] | [.service, .state, .flow // "-", .address // "-", .unit // "-",
        .dropped_by // .published_by // "-"] | join(" ")' "$lab_state/answer" >"$lab_state/rows"
}

# says LINE…: those are among the rows.
says() {
    local line

    for line in "$@"; do
        grep -Fxq -- "$line" "$lab_state/rows" || fail "\"$line\" is missing in"$'\n'"$(cat "$lab_state/rows")"
        lab_say "ok: $line"
    done
}

# counts STATE NUMBER
counts() {
    local n
    n=$(awk -v state="$1" '$2 == state' "$lab_state/rows" | wc -l)
    [[ $n == "$2" ]] || fail "$n services are $1, not $2"$'\n'"$(cat "$lab_state/rows")"
}

# All sockets of the host, as ss tells of them and as portd does: protocol, address, port.
seen_by_ss() {
    lab_in $host ss -Hltun | awk '{ print $1, $5 }' |
        sed -E 's/%[a-z0-9]+:/:/; s/\[::ffff:([0-9.]+)\]/\1/; s/[][]//g; s/:([0-9]+)$/ \1/' |
        grep -vE '^[a-z]+ (127\.|::1 )' | sort -u
}
seen_by_portd() {
    jq -r '.services[] | select(.address) | (.service | split("/")) as [$protocol, $port]
        | "\($protocol) \(.address) \($port)"' "$lab_state/answer" | sort -u
}
agrees_with_ss() {
    local a b

    look "${1:-0}"
    a=$(seen_by_ss) b=$(seen_by_portd)
    [[ $a == "$b" ]] || fail "ss sees"$'\n'"$a"$'\n'"and portd"$'\n'"$b"
    lab_say "ok: $(grep -c . <<<"$a" || true) sockets, as ss sees them"
}

# listen NAME SOCKET…: they are there when this returns.
listen() {
    local name=$1
    shift
    exec {ready}< <(lab_in $host "$lab_dir/listeners.py" "$@")
    listener[$name]=$!
    read -r _ <&"$ready" || fail "$name doesn't listen"
}
declare -A listener
silence() {
    kill "${listener[$1]}"
    lab_await_end "${listener[$1]}"
}

# gets_in FROM ADDRESS PORT: a connection is made.
gets_in() { lab_in "$1" timeout 20 nc -z "$2" "$3"; }
stays_out() { ! lab_in "$1" timeout 1 nc -z "$2" "$3"; }

grep -E '^host (acd-lb1|acd-jb1) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_portd $host

look
counts nobody-listens "$(wc -l <"$lab_state/rows")"
says "tcp/443 nobody-listens jtel-acd/https - - -" "tcp/3306-3308 nobody-listens jtel-acd/reporting - - -"
! grep -q "jtel-acd/webserver" "$lab_state/rows" || fail "a flow that leaves this host listens nowhere"

lab_say "both families, shared ports, a range, one address, loopback"
listen all tcp/0.0.0.0/443 tcp/::/80 +tcp/only::/3000 tcp/0.0.0.0/3307 "tcp/$lb/9100" udp/::/5405 "udp/::ffff:$lb/9929" "tcp/$lb/9929" \
    tcp/0.0.0.0/4444 udp/2001:db8:1::11/4444 +udp/only::/5353 tcp/127.0.0.1/22 tcp/::1/3003 udp/127.0.0.53/53
agrees_with_ss
says "tcp/443 served jtel-acd/https 0.0.0.0 - -" "tcp/80 served jtel-acd/http * - -" \
    "tcp/3000 served jtel-acd/chat-http :: - -" "tcp/3307 served jtel-acd/reporting 0.0.0.0 - -" \
    "tcp/3307 served jtel-acd/db-realtime 0.0.0.0 - -" "tcp/3306 nobody-listens jtel-acd/db-master - - -" \
    "udp/5405 served jtel-acd/corosync * - -" "udp/9929 served jtel-acd/booth $lb - -" \
    "tcp/22 nobody-listens jtel-acd/ssh - - -" "tcp/3003 nobody-listens jtel-acd/chat-https - - -" \
    "tcp/4444 not-in-policy - 0.0.0.0 - -" "udp/4444 not-in-policy - 2001:db8:1::11 - -" \
    "udp/5353 not-in-policy - :: - -"
counts not-in-policy 3
# The other end of this flow has IPv4 addresses alone, and so has the socket.
says "tcp/9100 served site/monitoring $lb - -"
gets_in acd-jb1 $lb 443 || fail "what is served isn't reached"
gets_in acd-jb1 2001:db8:1::11 80 || fail "what is served isn't reached over IPv6"
stays_out acd-jb1 $lb 4444 || fail "what is not in the policy is reached"
[[ $(ctl flows jtel-acd/http --listen --json | jq -r '[.services[] | .flow] | unique | join(" ")') == jtel-acd/http ]]
[[ $(jq '.services[] | select(.flow == "jtel-acd/https") | .packets' "$lab_state/answer") == 0 ]]
look
[[ $(jq '.services[] | select(.flow == "jtel-acd/https") | .packets' "$lab_state/answer") -gt 0 ]] ||
    fail "the packets of a flow don't show"

lab_say "a chain of others"
lab_in $host nft 'add table ip site
    add chain ip site in { type filter hook input priority 0 ; }
    add rule ip site in tcp dport { 443, 4444 } drop
    add rule ip site in udp dport 9929 drop'
look 3
handle=$(lab_in $host nft -aj list chain ip site in | jq '[.nftables[] | .rule // empty | .handle][0]')
says "tcp/443 dropped-by-others jtel-acd/https 0.0.0.0 - ip site in handle $handle" "tcp/80 served jtel-acd/http * - -" \
    "tcp/4444 not-in-policy - 0.0.0.0 - -" "tcp/9929 served jtel-acd/booth $lb - -" \
    "udp/9929 dropped-by-others jtel-acd/booth $lb - ip site in handle $((handle + 1))"
counts dropped-by-others 2
stays_out acd-jb1 $lb 443 || fail "what others drop is reached"
gets_in acd-jb1 $lb 80 || fail "what others let pass isn't reached"
lab_in $host nft delete table ip site

lab_say "a published port"
lab_in $host nft 'add table ip nat
    add chain ip nat pre { type nat hook prerouting priority -100 ; }
    add rule ip nat pre ip daddr 10.1.0.11 tcp dport 7777 dnat to 172.17.0.2:80'
look
handle=$(lab_in $host nft -aj list chain ip nat pre | jq '.nftables[] | .rule // empty | .handle')
says "tcp/7777 served jtel-acd/haproxy - - ip nat pre handle $handle"
lab_in $host nft delete table ip nat

silence all
agrees_with_ss
says "tcp/443 nobody-listens jtel-acd/https - - -"
counts not-in-policy 0

lab_say "units"
groups=$(findmnt -nt cgroup2 -o TARGET | head -n 1)
if [[ -n $groups ]] && slice=$(mktemp -d -p "$groups" lab-XXXXXX.slice); then
    unit=$(basename "$slice" .slice).service
    end_unit() {
        local tries=0

        kill "${listener[unit]}" 2>/dev/null || true
        until rmdir "$slice/$unit/deeper" "$slice/$unit" "$slice" 2>/dev/null; do ((++tries < 500)) || break; sleep 0.01; done
    }
    trap end_unit EXIT
    chmod 0755 "$slice" # portd is not root
    mkdir -p "$slice/$unit/deeper"
    listen unit --cgroup "$slice/$unit/deeper" tcp/::/443 udp/0.0.0.0/4444
    agrees_with_ss
    says "tcp/443 served jtel-acd/https * $unit -" "udp/4444 not-in-policy - 0.0.0.0 $unit -"
else
    lab_say "not tried: no control groups that can be written to"
fi
lab_say "done"
