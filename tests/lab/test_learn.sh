#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first rules on a running host: connections that the policy allows and that were open before
# stay so, whichever end speaks first afterwards; those that it doesn't allow are cut, but only once
# the connections are learned. Not at boot, nor at the next start.
#   test_learn.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
failed=0
seconds=3

check() { # what, command…
    local what=$1
    shift
    "$@" >"$lab_state/out" 2>&1 || { lab_say "FAILED: $what"; sed 's/^/    /' "$lab_state/out"; failed=1; }
}
ask() { # host, words
    local host=$1
    shift
    "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/$host.sock"
}
is_state() { [ "$(ask "$1" status --json | jq -r .state)" = "$2" ]; }
can_connect() { lab_in "$1" nc -z -w 10 "$2" "$3"; } # from, address, port

grep -E '^host (acd-lb1|acd-rest1|acd-jb1) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
"$lab_dir/learn.py" "$lab_state/ready" "$lab_state/go" acd-lb1=10.1.0.11 acd-rest1=10.1.0.81 \
    >"$lab_state/fates4" &
four=$!
lab_until "connections are open" test -s "$lab_state/ready"
"$lab_dir/learn.py" "$lab_state/ready6" "$lab_state/go" acd-lb1=2001:db8:1::11 \
    acd-rest1=2001:db8:1::81 >"$lab_state/fates6" &
six=$!
lab_until "connections are open" test -s "$lab_state/ready6"

lab_in acd-jb1 nc -lk 9999 >/dev/null &
lab_until "somebody listens" can_connect acd-rest1 10.1.0.21 9999
lab_learn=3600 lab_portd acd-jb1
check "it says that it learns" is_state acd-jb1 learning
check "status tells for how long" ask acd-jb1 status
check "nothing is denied yet" can_connect acd-rest1 10.1.0.21 9999

lab_learn=$seconds lab_portd acd-lb1
lab_until "it has learned" is_state acd-lb1 enforcing
: >"$lab_state/go"
wait "$four" "$six"
sort -u "$lab_state/fates4" "$lab_state/fates6" >"$lab_state/fates"
for family in 10.1.0.81 2001:db8:1::81; do
    for first in client server; do
        check "3306 to us, allowed, the $first speaks first" \
            grep -qx "in 3306 $family $first lives" "$lab_state/fates"
        check "8091 from us, allowed, the $first speaks first" \
            grep -qx "out 8091 $family $first lives" "$lab_state/fates"
        check "9999 to us, not allowed" grep -qx "in 9999 $family $first dead" "$lab_state/fates"
        check "9999 from us, not allowed" grep -qx "out 9999 $family $first dead" "$lab_state/fates"
    done
done
[ $failed = 0 ] || cat "$lab_state/fates"
kill "$(<"$lab_state/acd-lb1.pid")"
lab_await_end "$(<"$lab_state/acd-lb1.pid")"
lab_learn=3600 lab_portd acd-lb1
check "the next start denies at once" is_state acd-lb1 enforcing

lab_in acd-rest1 ip link set eth0 down # as at boot
lab_learn=3600 lab_portd acd-rest1
check "so does the first one while no network is up" is_state acd-rest1 enforcing
[ $failed = 0 ] && lab_say "$(wc -l <"$lab_state/fates") connections, each with its right fate"
exit $failed
