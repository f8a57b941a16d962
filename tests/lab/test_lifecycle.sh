#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Starts, restarts, reloads, crashes and faults: what stays in force, what is said, with which
# exit status.
#   test_lifecycle.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
portd=$binary_dir/daemon/portd
ctl=$binary_dir/daemon/portd-ctl
passed=0 failed=0
work=$lab_state/life
state=$work/state
socket=$work/s
site=$work/site.json
pid=

mkdir -m 0755 "$work"
ip link set lo up
cp "$lab_site" "$site"

check() { # what, command…
    local what=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        lab_say "FAILED: $what"
        sed 's/^/    /' "$work/out"
    fi
}
says() { # pattern, status, command…: its exit status and what it says
    local pattern=$1 want=$2 got=0
    shift 2
    "$@" >"$work/said" 2>&1 </dev/null || got=$?
    cat "$work/said"
    [ "$got" = "$want" ] || { echo "status $got, not $want"; return 1; }
    grep -qE -- "$pattern" "$work/said" || { echo "nothing says: $pattern"; return 1; }
}
options=(--site "$site" --policy-dir "$lab_policies" --socket "$socket" --user nobody \
    --learn 0)
daemon() { # further options: portd in the foreground
    "$portd" "${options[@]}" --host acd-lb1 --state-dir "$state" "$@"
}
start() {
    pid=$("$binary_dir/tests/lab/lab-start" "$work/log" "$portd" "${options[@]}" \
        --host acd-lb1 --state-dir "$state" "$@") || { cat "$work/log"; exit 1; }
}
stop() {
    kill -TERM "$pid"
    lab_await_end "$pid"
}
ask() { "$ctl" "$@" --socket "$socket"; }
# await WHAT FILTER: until it is true of the status.
await() { lab_until "$1" status_is "$2"; }
status_is() { ask status --json | jq -e "$1"; }
# The table without what doesn't matter: the order of elements of a hash, counted packets, whether
# a portd that runs holds it.
table() { nft -s list table inet "${1:-portd}" | sed 's/-spare {/ {/; s/ # progname.*//; /^\tflags/d; s/[{},]/ /g; s/elements =//; s/^\s*//' | tr -s ' ' '\n' | sort; }
is_table() { cmp <(table) "$1"; }
no_table() { ! nft list table inet portd >/dev/null 2>&1; }
commits_of() { # command…: how many commits nf_tables saw meanwhile
    local lines
    coproc WITNESS { "$binary_dir/tests/lab/lab-generations"; }
    read -r lines <&"${WITNESS[0]}" # "ready"
    "$@" >/dev/null
    nft add table inet witness # the mark behind which nothing counts
    local n=0 who
    while read -r _ _ _ who <&"${WITNESS[0]}"; do
        [ "$who" = nft ] && break
        n=$((n + 1))
    done
    nft delete table inet witness
    exec {WITNESS[1]}>&-
    wait "$WITNESS_PID" 2>/dev/null || true
    echo "$n"
}

lab_say "nothing was ever accepted: broken files write nothing"
echo '{ "format": 1, "site": "x", "hosts": { "a": { "addresses": ["10.0.0.300"] } }, "ports": 1 }' >"$site"
check "broken files end the start" says '10.0.0.300' 78 daemon
check "every mistake is told" grep -q '"ports"\|/ports' "$work/said"
check "with its place" grep -qE 'site.json:1:[0-9]+: /hosts/a/addresses/0' "$work/said"
check "and nothing was written" no_table
cp "$lab_site" "$site"
check "an unknown host is refused" says 'mars.*acd-lb1' 78 \
    "$portd" "${options[@]}" --host mars --state-dir "$state"
check "and nothing was written" no_table

lab_say "start, adopt, stop"
start
table >"$work/want"
check "status is fine" says 'enforcing' 0 ask status
check "only CAP_NET_ADMIN is left" grep -qE '^CapEff:\s*0000000000001000$' "/proc/$pid/status"
check "in the bounding set too" grep -qE '^CapBnd:\s*0000000000001000$' "/proc/$pid/status"
check "and no new privileges" grep -qE '^NoNewPrivs:\s*1$' "/proc/$pid/status"
check "another portd is refused" says 'another portd' 1 daemon
check "it still answers" says 'enforcing' 0 ask status
stop
check "SIGTERM leaves the rules" is_table "$work/want"
restart() { start && stop; }
check "a restart with nothing changed claims the table, and writes nothing else" \
    test "$(commits_of restart)" = 1
check "and the rules are the same" is_table "$work/want"

lab_say "reload"
start
check "reload of the same is no change" test "$(commits_of ask reload)" = 0
sed -i 's/"tts": true/"tts": false/' "$site"
check "reload of a changed site" says 'generation 2' 0 ask reload
check "changes the rules" test "$(commits_of ask reload)" = 0
check "the feature is off" says 'feature tts is off' 0 ask explain out udp/20643 to 10.1.0.31
sed -i 's/"tts": false/"tts": tru/' "$site"
check "a broken site is refused" says 'site.json:[0-9]+:[0-9]+' 1 ask reload
check "and the rules stay" says 'enforcing.*' 0 ask status
cp "$lab_site" "$site"
kill -HUP "$pid"
await "SIGHUP counts" '.generation == 3'
check "SIGHUP loads too" is_table "$work/want"
chmod o+w "$site"
check "a site that others can write is refused" says 'chmod' 1 ask reload
chmod o-w "$site"
ip link add dummy0 type veth peer name dummy1
nft add table inet theirs
check "off wants to be sure" says '--yes' 2 ask off
check "off" says '' 0 ask off --yes
check "takes our table" no_table
check "and no other" nft list table inet theirs
check "status says so" says 'off' 3 ask status
check "and so does explain" says 'ACCEPT.*off' 0 ask explain in tcp/9 from 198.51.100.7
check "reload enforces again" says '' 0 ask reload
check "as before" is_table "$work/want"
nft delete table inet theirs
stop

lab_say "broken files at start, with a last good snapshot"
echo '{ "format": 1' >"$site"
start
check "the last good policy is in force" is_table "$work/want"
check "status is degraded and says why" says 'degraded' 3 ask status
check "with the mistake's place" grep -q 'site.json:' "$work/said"
stop
cp "$lab_site" "$site"
nft delete table inet portd # as after a boot
start --host renamed
check "a host that has lost its name is whom it was" is_table "$work/want"
check "and says that it is not in the site" says 'renamed' 3 ask status
stop
echo '{ "format": 1' >"$site"
printf X | dd of="$state/last-good.json" bs=1 seek=3000 conv=notrunc status=none
check "a damaged snapshot is not used" says 'damaged' 78 daemon
check "but the rules in force stay" is_table "$work/want"
cp "$lab_site" "$site"

lab_say "kill -9 at 100 random moments, between two sites"
sed 's/"redundant": true/"redundant": false/' "$lab_site" >"$site"
start
table >"$work/other"
stop
check "the two sites differ" eval '! cmp -s "$work/want" "$work/other"'
torn=0
for i in $(seq 100); do
    if [ $((i % 2)) = 0 ]; then cp "$lab_site" "$site"; else
        sed 's/"redundant": true/"redundant": false/' "$lab_site" >"$site"; fi
    "$portd" "${options[@]}" --host acd-lb1 --state-dir "$state" >/dev/null 2>&1 &
    pid=$!
    read -rt "0.0$((RANDOM % 10))$((RANDOM % 10))" <> <(:) || true
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    is_table "$work/want" >/dev/null || is_table "$work/other" >/dev/null || torn=$((torn + 1))
done
check "the table is whole each time (torn: $torn of 100)" test $torn = 0
cp "$lab_site" "$site"
start
check "and the next start puts it right" is_table "$work/want"
stop

lab_say "signals, streams, umask"
jq '.hosts += ([range(20000) | {"key": "h\(.)", "value": {"addresses":
    ["172.\(16 + . / 65536 | floor).\(. / 256 | floor % 256).\(. % 256)"]}}] | from_entries)' \
    "$lab_site" >"$site"
here=("$portd" "${options[@]}" --host acd-lb1 --state-dir "$state") # no function: $! is portd
rm "$socket"
"${here[@]}" 2>"$work/log" &
pid=$!
lab_until "the socket is bound" test -S "$socket" # and a large site still to be loaded
kill -HUP "$pid"
check "a SIGHUP while it starts is kept" says 'enforcing' 0 \
    timeout 120 sh -c "until '$ctl' status --socket '$socket'; do kill -0 $pid || exit 1; done"
kill -TERM "$pid"
wait "$pid" || true
cp "$lab_site" "$site"
"${here[@]}" 2> >(head -n 1 >/dev/null) &
pid=$!
lab_until "portd answers" ask status
kill -HUP "$pid"
check "nobody reads its stderr" says 'generation' 0 ask reload
check "and it goes on" says 'enforcing' 0 ask status
kill -TERM "$pid"
wait "$pid" || true
umask 077
"${here[@]}" --socket "$work/run/s" 2>"$work/log" &
pid=$!
umask 022
lab_until "the socket is there" test -S "$work/run/s"
check "a umask doesn't close the socket's directory" test "$(stat -c %a "$work/run")" = 755
check "nor open the socket" test "$(stat -c %a "$work/run/s")" = 660
kill -TERM "$pid"
wait "$pid" || true

lab_say "faults"
check "no CAP_NET_ADMIN" says 'CAP_NET_ADMIN' 1 setpriv --bounding-set -net_admin \
    --inh-caps -net_admin "$portd" "${options[@]}" --host acd-lb1 --state-dir "$state"
check "no nf_tables" says 'nf_tables' 1 "$binary_dir/tests/lab/lab-without" \
    "$portd" "${options[@]}" --host acd-lb1 --state-dir "$state"
long=$work/$(printf 'x%.0s' $(seq 120))
check "the socket's path is too long" says '10[78]|too long' 1 \
    "$portd" --site "$site" --policy-dir "$lab_policies" --user nobody --host acd-lb1 \
    --state-dir "$state" --socket "$long"
check "no such user" says 'useradd' 1 daemon --user nosuchuser
check "no such option" says 'help' 2 daemon --frob
mkdir "$work/full"
mount -t tmpfs -o size=16k,mode=0777 full "$work/full"
start --state-dir "$work/full"
check "a full disk doesn't keep the rules out" is_table "$work/want"
check "but status says that nothing was saved" says 'saved' 0 ask status
stop
first() { daemon --state-dir "$work/first" "$@"; } # no last good files to fall back on
truncate -s 1G "$work/huge.json"
check "a site of 1 GiB" says 'large|MiB|bytes' 78 first --site "$work/huge.json"
{ printf '{"a":'; printf '[%.0s' $(seq 100000); } >"$work/deep.json"
check "nesting of 100,000" says 'deep|nest' 78 first --site "$work/deep.json"
mkfifo "$work/pipe.json"
check "a FIFO for a site" says 'regular' 78 first --site "$work/pipe.json"
check "no site file" says 'site' 78 first --site "$work/none.json"
check "the rules in force were never touched" is_table "$work/want"

lab_say "somebody else owns a table of our name"
claim() {
    coproc CLAIM { "$binary_dir/tests/lab/lab-claim" "$@"; }
    read -r line <&"${CLAIM[0]}"
    check "$* claimed" test "$line" = claimed
}
release() {
    local claimer=$CLAIM_PID

    exec {CLAIM[1]}>&-
    wait "$claimer" || true
}
claim portd
start
check "status says whose it is and where the rules are" says 'portd-spare' 3 ask status
check "they are in the spare table" cmp <(table portd-spare) "$work/want"
release
await "the name is free" '.state == "enforcing"'
check "once it is gone the rules are back" is_table "$work/want"
check "and the spare table is gone" eval '! nft list table inet portd-spare >/dev/null 2>&1'
stop
claim portd
start
kill -9 "$pid"
lab_await_end "$pid"
release
check "killed meanwhile, it leaves the spare table" nft list table inet portd-spare
start
check "the next start removes it" eval '! nft list table inet portd-spare >/dev/null 2>&1'
check "and has the rules where they belong" is_table "$work/want"
check "in sync" says 'in sync' 0 ask diff
stop
claim portd portd-spare
check "both names: the start is refused, and says what to do" says 'ss -f netlink' 1 daemon
release

lab_say "unsealed for a while"
start
check "it wants to know for how long" says '--for' 2 ask unseal
check "not for ever" says '24h' 2 ask unseal --for 25h
check "sealed: nobody writes" says 'not permitted' 1 nft flush chain inet portd input
check "unsealed" says 'unsealed until' 0 ask unseal --for 1h --reason "a cable"
check "others write" nft flush chain inet portd input
check "status says so" says 'unsealed' 3 ask status
check "seal seals at once" says 'sealed again' 0 ask seal
await "it is repaired" '.state == "enforcing"'
check "and repairs" is_table "$work/want"
check "which is drift, and of nft" says 'nft.*input' 0 ask drift
flush_in_time() { ask unseal --for 2s && nft flush chain inet portd input; }
lab_until "somebody uses the two seconds" flush_in_time
await "it is sealed again by itself" '.state == "enforcing"'
check "and repairs then, too" is_table "$work/want"
sed -i 's/"format": 1,/"format": 1, "seal": false,/' "$site"
check "a site may want no seal" says 'generation' 0 ask reload
check "then the table is watched" says 'watched' 0 ask status
check "the rules are the same" is_table "$work/want"
check "others write" nft flush chain inet portd input
lab_until "which is repaired" is_table "$work/want"
check "and nothing can be unsealed" says 'not sealed' 1 ask unseal --for 1m
cp "$lab_site" "$site"
check "sealed again" says 'generation' 0 ask reload
check "as before" is_table "$work/want"
stop

lab_say "the history of drifts"
history=$state/drifts.jsonl
drifts() { ask drift --json | jq -c '[.drifts[].number]'; }
# `chain` is what anybody can count with sha256sum: the line up to that member.
chain_holds() {
    local line previous='' chain
    while read -r line; do
        chain=$(jq -r .chain <<<"$line")
        [ "$(printf %s "${line%%,\"chain\":*}" | sha256sum | cut -d' ' -f1)" = "$chain" ] || return 1
        [ -z "$previous" ] || [ "$(jq -r .previous <<<"$line")" = "$previous" ] || return 1
        previous=$chain
    done <"$history"
    [ "$previous" = "$(jq -r .chain "$history.end")" ]
}
start
kept=$(drifts)
check "it is there after a restart" jq -e 'length >= 3 and . == [range(1; length + 1)]' <<<"$kept"
check "and verified" says 'intact' 0 ask drift --verify
check "sha256sum counts the same" chain_holds
check "status counts since the start" jq -e '.drifts == 0' <<<"$(ask status --json)"
sed -i '2s/nft/NFT/' "$history"
check "an edit shows, and where" says 'line 2 .*number 2' 3 ask drift --verify
stop
start
check "also at the next start" says 'drifts.jsonl.damaged' 0 ask status
check "which begins anew" says '\[\]' 0 drifts
check "and is intact" says 'intact: 0 ' 0 ask drift --verify
check "what was there is kept" grep -q NFT "$history.damaged"
ask unseal --for 1h >/dev/null
nft flush chain inet portd input
ask seal >/dev/null
is_next() { [ "$(drifts)" = "$(jq -c '[length + 1]' <<<"$kept")" ]; }
lab_until "a drift with the next number" is_next
kill -9 "$pid"
lab_await_end "$pid"
start
check "the numbers go on, also behind a kill -9" says 'intact: [01] ' 0 ask drift --verify
stop
rm -f "$history"*

lab_say "who may ask"
start
check "others may not" says 'may not ask' 1 \
    setpriv --reuid 12345 --regid 12345 --clear-groups "$ctl" status --socket "$socket"
stop
check "nobody there" says 'systemctl' 4 ask status

lab_say "$passed passed, $failed failed"
[ $failed = 0 ]
