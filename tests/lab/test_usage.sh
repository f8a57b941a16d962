#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# When flows were last hit: real connections, across reloads, restarts, kills and reboots, and with
# a file that is damaged.
#   test_usage.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
host=acd-lb1 flow=jtel-acd/https
file=$lab_state/$host/usage.json

ctl() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/$host.sock"; }
fail() { lab_say "FAILED: $*"; exit 1; }
member() { ctl flows $flow --json | jq -r ".flows[0].$1 // \"-\""; }
# is WHAT WANT GOT
is() {
    [[ $2 == "$3" ]] || fail "$1: \"$3\", not \"$2\""
    lab_say "ok: $1: $3"
}
# is_recent WHAT TIME BEGUN: not before that.
is_recent() {
    [[ $2 != - && ! $2 < $3 ]] || fail "$1: \"$2\" is before $3"
    lab_say "ok: $1: $2"
}
now() { date -u +%Y-%m-%dT%H:%M:%S.%3NZ; }
is_unused() { ctl flows "$@" --json | jq -e --arg flow $flow 'any(.flows[]; .flow == $flow)' >/dev/null; }
stop() { # [SIGNAL]
    local pid
    pid=$(cat "$lab_state/$host.pid")
    kill "-${1:-TERM}" "$pid"
    lab_await_end "$pid"
}
hit() { lab_in acd-jb1 timeout 20 nc -z 10.1.0.11 443 || fail "nobody is let in"; }
# age LAST SINCE: writes it into what was saved, in days ago; the flow opens something both ways.
age() {
    jq --arg flow "$flow" --argjson last "$1" --argjson since "$2" '((now | floor) * 1000000) as $now |
        .flows["in/" + $flow].last_usec = $now - $last * 86400000000 |
        .flows["in/" + $flow, "out/" + $flow].since_usec = $now - $since * 86400000000' "$file" >"$lab_state/aged"
    cat "$lab_state/aged" >"$file"
}

grep -E '^host (acd-lb1|acd-jb1) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
exec {ready}< <(lab_in $host "$lab_dir/listeners.py" tcp/0.0.0.0/443)
read -r _ <&"$ready"
begun=$(now)
lab_portd $host

is "never hit" - "$(member last_hit)"
is_recent "watched" "$(member watched_since)" "$begun"
is_unused --unused || fail "an unused flow isn't told as such"
! is_unused --unused=1 || fail "a flow that is watched since a minute can't be unused for a day"
lab_until "the first look is saved" test -s "$file"
since=$(member watched_since)
begun=$(now)
hit
last=$(member last_hit)
is_recent "hit" "$last" "$begun"
! is_unused --unused || fail "a flow that was hit is told as unused"

lab_say "a reload, a restart"
mkdir "$lab_state/site.d"
echo '{ "flows": [{ "id": "more", "from": ["any"], "to": ["all"], "services": ["tcp/9999"] }] }' >"$lab_state/site.d/more.json"
ctl reload >/dev/null
is "after a reload" "$last $since" "$(member last_hit) $(member watched_since)"
[[ $(ctl flows site/more --json | jq -r '.flows[0].watched_since') > $since ]] || fail "a new flow is watched since it is there"
stop
is "the file's mode" 600 "$(stat -c %a "$file")"
lab_portd $host
is "after a restart" "$last $since" "$(member last_hit) $(member watched_since)"

lab_say "hits that nobody looked at, and time"
stop KILL
hit
begun=$(now)
lab_portd $host
is_recent "hit while portd was dead" "$(member last_hit)" "$begun"
stop
age 40 50
lab_portd $host
is_unused --unused=30 || fail "40 days are more than 30"
! is_unused --unused=45 || fail "40 days are less than 45"
ctl flows $flow | grep -q "40d 0h ago" || fail "it isn't told how long ago that was"
hit
! is_unused --unused=30 || fail "a flow that was hit is told as unused"

lab_say "a reboot"
stop
age 40 50
last=$(jq --arg of "in/$flow" '.flows[$of].last_usec / 1000000' "$file")
lab_in $host nft delete table inet portd
# The machine had been up for longer.
jq --arg of "in/$flow" '.uptime_usec *= 10' "$file" >"$lab_state/aged"
cat "$lab_state/aged" >"$file"
lab_portd $host
is "the last hit of another boot" "$last" "$(date -d "$(member last_hit)" +%s)"
is_unused --unused=30 || fail "what is kept is forgotten"
begun=$(now)
hit
is_recent "a hit in this one" "$(member last_hit)" "$begun"

lab_say "a damaged file"
stop
echo '{ "format": 1, "flows"' >"$file"
lab_portd $host
grep -q "usage.json is damaged" "$lab_state/$host.log" || fail "nothing is said of it"
is_recent "begun anew" "$(member watched_since)" "$begun"
stop
jq -e '.format == 1' "$file" >/dev/null || fail "nothing new was saved"
lab_say "done"
