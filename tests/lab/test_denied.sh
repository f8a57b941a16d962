#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is denied is listed: well-made packets and hostile ones, each as its own row; the program
# that reads them killed, stopped, replaced by a liar, or kept from the log by somebody else.
#   test_denied.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
status=0

grep -E '^host (acd-rest1|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
mac=$(lab_in acd-rest1 ip -json link show eth0 | jq -r ".[0].address")
socket=$lab_state/acd-rest1.sock pid=$lab_state/acd-rest1.pid
ask() { lab_in stranger timeout 120 "$lab_dir/denied.py" "$pid" "$socket" "$mac" "$1" || status=1; }
stop() {
    kill "$(cat "$pid")"
    while kill -0 "$(cat "$pid")" 2>/dev/null; do :; done
}

lab_portd acd-rest1
ask packets
ask trouble
# A reader that is stopped goes with portd, too.
child=$(pgrep -P "$(cat "$pid")")
kill -STOP "$child"
kill -KILL "$(cat "$pid")"
lab_until "the reader goes with portd" bash -c "! kill -0 $child 2>/dev/null"

sed -i 's/"ingress": "enforce"/"ingress": "audit"/' "$lab_site"
lab_portd acd-rest1
ask would
stop
sed -i 's/"ingress": "audit"/"ingress": "enforce"/' "$lab_site"

exec {held}< <(exec nsenter --net=/run/netns/acd-rest1 -- "$lab_dir/denied.py" hold)
holder=$!
read -r _ <&"$held"
lab_portd acd-rest1
ask busy
kill "$holder"
ask free
stop

# The sanitizers' library wants to be the first, and may stay behind this one.
LD_PRELOAD=$binary_dir/tests/lab/lab-no-nflog.so ASAN_OPTIONS=verify_asan_link_order=0 lab_portd acd-rest1
ask unsupported
if lab_in acd-rest1 nft list table inet portd | grep "log group"; then
    lab_say "FAILED: rules log where nobody can read it"
    status=1
fi
stop

mkdir -p "$lab_state/liar/daemon"
cp "$binary_dir/daemon/portd" "$binary_dir/daemon/portd-ctl" "$lab_state/liar/daemon"
cp "$binary_dir/tests/lab/lab-liar" "$lab_state/liar/daemon/portd-denied"
ln -s "$binary_dir/tests" "$lab_state/liar/tests"
binary_dir=$lab_state/liar lab_portd acd-rest1
ask liar
stop

[ $status = 0 ] && lab_say "every packet is its own row, whatever becomes of the reader"
exit $status
