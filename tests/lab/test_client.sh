#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl with a portd that enforces: over the bridge that ssh would run, examined, completed.
#   test_client.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_accounts
ip link set lo up
ctl=$binary_dir/daemon/portd-ctl
failed=0
socket=/run/portd/io.portd
files=(--site "$lab_site" --policy-dir "$lab_policies" --host acd-lb1)

"$binary_dir/tests/lab/lab-start" "$lab_state/log" "$binary_dir/daemon/portd" "${files[@]}" \
    --state-dir "$lab_state/state" --learn 0 >"$lab_state/pid"

fail() { lab_say "FAILED: $*"; failed=1; }
# asks STATUS COMMAND…: what it prints is in $lab_state/out.
asks() {
    local want=$1 got=0
    shift
    "$@" >"$lab_state/out" 2>&1 </dev/null || got=$?
    [ $got = "$want" ] && return
    fail "$*: exit status $got, not $want"
    cat "$lab_state/out"
}
says() { grep -qF -- "$1" "$lab_state/out" || { fail "nothing says: $1"; cat "$lab_state/out"; }; }

# An ssh that runs the command here, as whoever $AS says.
mkdir "$lab_state/bin"
cat >"$lab_state/bin/ssh" <<END
#!/bin/bash
while [ "\$1" != -- ]; do shift; done
shift 2
PATH=$binary_dir/daemon:\$PATH exec \$AS sh -c "\$*"
END
chmod +x "$lab_state/bin/ssh"
PATH=$lab_state/bin:$PATH
export AS=""
asks 0 "$ctl" status -H acd-lb1
says "acd-lb1  enforcing"
asks 0 "$ctl" flows --json
jq 'del(.denied) | del(.flows[].packets_in, .flows[].packets_out)' "$lab_state/out" >"$lab_state/here"
asks 0 "$ctl" flows --json -H acd-lb1
jq 'del(.denied) | del(.flows[].packets_in, .flows[].packets_out)' "$lab_state/out" >"$lab_state/there"
cmp "$lab_state/here" "$lab_state/there" || fail "over the bridge the flows are others"
asks 0 "$ctl" reload -H acd-lb1 --reason=far
asks 0 "$ctl" status
says "far"
AS="setpriv --reuid 65534 --regid 903 --clear-groups" asks 1 "$ctl" reload -H acd-lb1
says "only root may do this"
AS="setpriv --reuid 65534 --regid 65534 --clear-groups" asks 1 "$ctl" status -H acd-lb1
says "acd-lb1: this user may not ask portd"

# Whoever stops watching leaves nobody behind.
"$ctl" watch -H acd-lb1 >"$lab_state/events" &
watch=$!
bridges() { pgrep -f "portd-ctl bridge" || true; }
reloads() { "$ctl" reload >/dev/null && grep -q reload "$lab_state/events"; }
lab_until "the reload is seen over there" reloads
[ -n "$(bridges)" ] || fail "there is no bridge to look at"
kill "$watch"
wait "$watch" || true
bridge_is_gone() { [ -z "$(bridges)" ]; }
lab_until "the bridge ends" bridge_is_gone

# Nine at a time and more, one after the other: none holds a connection.
for _ in {1..12}; do asks 0 "$ctl" status -H acd-lb1; done

# Flows that the daemon knows.
asks 0 "$ctl" __complete -- flows jtel-acd/pcs
says "jtel-acd/pcs-web"

# Examined: nothing to mend, then something.
doctor=("$ctl" doctor "${files[@]}")
if ! grep -q . /proc/net/ip_tables_names 2>/dev/null; then
    asks 0 "${doctor[@]}"
    says "nothing to mend"
    says "portd     enforcing, "
fi
finds() { # code: a problem, with what to do
    asks 3 "${doctor[@]}" --json
    jq -e "any(.findings[]; .code == \"$1\" and .level == \"problem\" and .hint != \"\")" \
        "$lab_state/out" >/dev/null || { fail "doctor finds no $1"; cat "$lab_state/out"; }
}
chmod 666 $socket
finds path-mode
chmod 660 $socket
sed -i 's/"site": "[a-z]*"/"site": "elsewhere"/' "$lab_site"
knows_of_change() { "$ctl" status | grep -q "on disk"; }
lab_until "portd sees the new file" knows_of_change
finds changed-on-disk
asks 0 "$ctl" reload
asks 0 "${doctor[@]}"
asks 0 "$ctl" off --yes
finds state-off
kill "$(cat "$lab_state/pid")"
lab_await_end "$(cat "$lab_state/pid")"
asks 4 "$ctl" status -H acd-lb1
finds portd-silent

[ $failed = 0 ] && lab_say "asked over a bridge, completed, examined"
