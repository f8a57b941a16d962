#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is granted is open for whom it is granted to and nobody else, and ends on time though portd is
# dead; it outlives reloads, restarts and whatever others do to the table, and nobody else can open
# or prolong anything.
#   test_grant.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
LAB_TIMEOUT=${LAB_TIMEOUT:-300} lab_isolate "$@"
binary_dir=$1
failed=0
here=10.1.0.11 here6=2001:db8:1::11
stranger=198.51.100.7 stranger6=2001:db8:ffff::7

fail() { lab_say "FAILED: $*"; failed=1; }
check() { # what, command…
    local what=$1
    shift
    "$@" >"$lab_state/out" 2>&1 || { fail "$what"; sed 's/^/    /' "$lab_state/out"; }
}
not() { ! "$@"; }
ask() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/acd-lb1.sock"; }
status_is() { ask status --json | jq -e "$1" >/dev/null; }
nft_here() { lab_in acd-lb1 nft "$@"; }
can() { lab_in stranger "$lab_dir/grant.py" can "$@"; }
talk() { lab_in stranger "$lab_dir/grant.py" talk "$@"; }
end_portd() { # signal
    kill "-$1" "$(<"$lab_state/acd-lb1.pid")"
    lab_await_end "$(<"$lab_state/acd-lb1.pid")"
}
# How many seconds the kernel leaves it, cut; nothing when it is gone.
left() { # set, key
    nft_here -j list set inet portd "$1" | jq -r --arg key "$2" '.nftables[].set?.elem[]?.elem |
        select((.val.concat | map(tostring) | join(" ")) == $key) | .expires'
}
is_left() { # set, key, at least, at most
    local seconds
    seconds=$(left "$1" "$2")
    [[ -n $seconds ]] && ((seconds >= $3 && seconds <= $4)) && return
    echo "${seconds:-nothing} is left"
    return 1
}
is_gone() { [[ -z $(left "$1" "$2") ]]; }
drifts_are() { status_is ".drifts == $1"; }

grep -E '^host (acd-lb1|acd-jb1|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_watched
lab_portd acd-lb1
lab_in acd-lb1 "$lab_dir/grant.py" serve 9998 9999 &
lab_in stranger "$lab_dir/grant.py" serve 9997 &
lab_until "somebody listens" lab_in acd-lb1 "$lab_dir/grant.py" can 127.0.0.1 127.0.0.1 9999

# --- who may, and what ---
refused() { # exit status, text, words…
    local status=0 expected=$1 text=$2
    shift 2
    ask "$@" >"$lab_state/said" 2>&1 || status=$?
    if [[ $status != "$expected" ]] || ! grep -qF -- "$text" "$lab_state/said"; then
        fail "$*: exit status $status, expected $expected and \"$text\":"
        sed 's/^/    /' "$lab_state/said"
    fi
}
grant=(grant in tcp/9999 from "$stranger")
refused 2 "for how long: --for 30m" "${grant[@]}" --reason r
refused 2 "for how long: --for 30m" "${grant[@]}" --reason r --for 25h
refused 2 "for how long: --for 30m" "${grant[@]}" --reason r --for 4s
refused 2 "for how long: --for 30m" "${grant[@]}" --reason r --for ever
refused 2 "wants a reason" "${grant[@]}" --for 1m
refused 2 "one line of text" "${grant[@]}" --for 1m --reason $'a\nb'
refused 2 "at most 255 bytes" "${grant[@]}" --for 1m --reason "$(printf '%0256d' 0)"
refused 2 "is no address" grant in tcp/22 from 10.0.0.0/8 --for 1m --reason r
refused 2 "is no address" grant in tcp/22 from nobody --for 1m --reason r
refused 2 "is no direction" grant up tcp/22 from "$stranger" --for 1m --reason r
refused 2 "one port of tcp, udp or sctp" grant in icmp/echo-request "$stranger" --for 1m --reason r
refused 2 "more than one service" grant in tcp/22-23 "$stranger" --for 1m --reason r
refused 1 "is not granted" revoke in tcp/9999 from "$stranger"
as_other() { setpriv --reuid 12345 --clear-groups "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/acd-lb1.sock"; }
chmod 0755 /run "$lab_state"
check "only root grants" not as_other "${grant[@]}" --for 1m --reason r
check "nothing was granted" status_is '.grants == []'
check "nobody gets in" not can $stranger $here 9999

# --- open for whom it is granted to ---
check "granted" ask "${grant[@]}" --for 1h --reason "the vendor looks at it"
check "the stranger gets in" can $stranger $here 9999
check "not to another port" not can $stranger $here 9998
check "nor by IPv6" not can $stranger6 $here6 9999
check "nor anybody else" not lab_in acd-jb1 "$lab_dir/grant.py" can 10.1.0.21 $here 9999
check "status tells" status_is ".grants | length == 1 and .[0].service == \"tcp/9999\" and
    .[0].reason == \"the vendor looks at it\" and .[0].by != \"\" and .[0].seconds > 3500"
check "as text" grep -q "granted .*in tcp/9999 from $stranger until .*the vendor looks at it" <(ask status)
check "so does explain" grep -q "ACCEPT .*is granted until .*the vendor looks at it" \
    <(ask explain in tcp/9999 from $stranger)
check "the journal too" grep -q "granted: in tcp/9999 from $stranger, .*the vendor looks at it" "$lab_state/acd-lb1.log"
check "it is no drift" drifts_are 0
check "nor a difference" test -z "$(ask diff --json | jq -r '.lines[]')"
check "granted by IPv6" ask grant in tcp/9999 from $stranger6 --for 1h --reason six
check "gets in by IPv6" can $stranger6 $here6 9999
check "not out" not lab_in acd-lb1 "$lab_dir/grant.py" can $here $stranger 9997
check "granted out" ask grant out tcp/9997 to $stranger --for 1h --reason out
check "gets out" lab_in acd-lb1 "$lab_dir/grant.py" can $here $stranger 9997
check "another end is set" ask "${grant[@]}" --for 30m --reason "the vendor looks at it"
check "in the kernel as well" is_left granted_in_4 "tcp 9999 $stranger" 1700 1800

# --- kept ---
jq '.flows += [{ "id": "more", "from": ["host:acd-jb1"], "to": ["self"], "services": ["tcp/9998"] }]' \
    "$lab_site" >"$lab_state/site"
install -m 0644 "$lab_state/site" "$lab_site"
check "reloaded" ask reload
check "a reload keeps it" can $stranger $here 9999
before=$(left granted_in_4 "tcp 9999 $stranger")
for signal in TERM KILL; do
    end_portd $signal
    check "open without portd" can $stranger $here 9999
    lab_portd acd-lb1
    check "open after a restart" can $stranger $here 9999
    check "who and why are known" status_is '.grants | length == 3 and .[0].reason == "the vendor looks at it"'
    check "nobody did anything" drifts_are 0
    check "it ends when it would have" is_left granted_in_4 "tcp 9999 $stranger" 1600 "$before"
done

# --- others ---
drifts=0
drift() { # what, nft's words…
    local what=$1
    shift
    drifts=$((drifts + 1))
    check "$what" nft_here "$@"
    lab_until "$what is a drift" drifts_are $drifts
    lab_until "$what is repaired" status_is '.last_drift.repaired_usec > 0'
    check "$what: as it was" test -z "$(ask diff --json | jq -r '.lines[]')"
}
set4='inet portd granted_in_4' key="tcp . 9999 . $stranger"
drift "an element of a stranger" "add element $set4 { tcp . 9998 . $stranger timeout 1h }"
check "lets nobody in" not can $stranger $here 9998
drift "one without end" "add element $set4 { tcp . 9998 . $stranger }"
drift "a grant deleted" "delete element $set4 { $key }"
check "is open for the rest of the time" is_left granted_in_4 "tcp 9999 $stranger" 1500 "$before"
drift "one prolonged" "delete element $set4 { $key }; add element $set4 { $key timeout 23h }"
check "ends when it did" is_left granted_in_4 "tcp 9999 $stranger" 1500 "$before"
drift "one without end in its place" "delete element $set4 { $key }; add element $set4 { $key }"
check "ends all the same" is_left granted_in_4 "tcp 9999 $stranger" 1500 "$before"
drift "the set emptied" "flush set $set4"
drift "everything gone" "flush ruleset"
check "comes back with what is left" is_left granted_in_4 "tcp 9999 $stranger" 1500 "$before"
check "to the stranger" can $stranger $here 9999

# --- the end ---
talk $stranger $here 9999 >"$lab_state/cut" &
talking=$!
lab_until "they talk" lab_in acd-lb1 ss -Htn state established "( sport = 9999 and dst $stranger )"
sleep 0.3
revoked=$(date +%s.%N)
check "revoked" ask revoke in tcp/9999 from $stranger
after=$(date +%s.%N)
wait $talking
check "the connection is cut at once" awk -v last="$(<"$lab_state/cut")" -v from="$revoked" -v to="$after" \
    'BEGIN { printf "%s, revoked from %s to %s\n", last, from, to; exit !(last > from - 0.2 && last < to + 0.1) }'
check "it is told" grep -q "the grant is ended: in tcp/9999" "$lab_state/acd-lb1.log"
check "nobody gets in" not can $stranger $here 9999

check "granted" ask "${grant[@]}" --for 6s --reason "a short look"
until=$(date -d "$(ask grants --json | jq -r '.grants[] | select(.reason == "a short look").until')" +%s.%N)
talk $stranger $here 9999 >"$lab_state/cut" &
talking=$!
lab_until "they talk" lab_in acd-lb1 ss -Htn state established "( sport = 9999 and dst $stranger )"
end_portd KILL
wait $talking
cut=$(<"$lab_state/cut")
check "it ends on time though portd is dead" awk -v last="$cut" -v until="$until" \
    'BEGIN { printf "%+.3f s\n", last - until; exit !(last > until - 0.5 && last < until + 0.5) }'
lab_say "portd dead: the last packet that passed was sent $(awk -v a="$cut" -v b="$until" 'BEGIN { printf "%+.3f", a - b }') s from the end"
check "nobody gets in" not can $stranger $here 9999
lab_portd acd-lb1
check "nor after a restart" not can $stranger $here 9999
check "the others are still granted" status_is '.grants | length == 2'
check "it is no drift" drifts_are 0

check "granted" ask "${grant[@]}" --for 5s --reason "watched"
lab_until "portd tells of the end" grep -q "the grant is over: in tcp/9999 .*watched" "$lab_state/acd-lb1.log"
check "an end is no drift" drifts_are 0
check "nor a difference" test -z "$(ask diff --json | jq -r '.lines[]')"

# --- a record of another boot, or of nobody ---
end_portd TERM
jq -c '.boot = "another"' "$lab_state/acd-lb1/grants.json" >"$lab_state/grants"
cat "$lab_state/grants" >"$lab_state/acd-lb1/grants.json" # it stays the daemon's
lab_portd acd-lb1
check "a boot has ended it" grep -q "what was granted before the boot has ended" "$lab_state/acd-lb1.log"
check "what is in no record is a stranger's" is_gone granted_in_6 "tcp 9999 $stranger6"
check "and closed" not can $stranger6 $here6 9999

check "granted" ask "${grant[@]}" --for 1h --reason "until off"
check "off" ask off --yes
refused 1 "portd is off" "${grant[@]}" --for 1m --reason r
check "reloaded" ask reload
check "off has ended it" not can $stranger $here 9999
check "for good" status_is '.grants == []'

[ $failed = 0 ] || cat "$lab_state/acd-lb1.log"
exit $failed
