#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Somebody commits to a table of their own, a thousand times a second; somebody else deletes portd's now and
# then: each deletion is repaired, told once and laid at the door of who did it, or, where the
# kernel's word was lost in the storm, at nobody's.
#   test_storm.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_watched
deletions=${DELETIONS:-10}

ip netns add acd-lb1
lab_in acd-lb1 ip link set lo up
lab_in acd-lb1 "$lab_dir/storm.py" &
storm=$!
lab_portd acd-lb1 # waits for READY=1
ask() { "$binary_dir/daemon/portd-ctl" "$@" --json --socket "$lab_state/acd-lb1.sock"; }
says() { ask status | jq -e "$1"; }

for n in $(seq "$deletions"); do
    lab_in acd-lb1 nft delete table inet portd
    lab_until "deletion $n is told" says ".drifts == $n"
    lab_until "deletion $n is repaired" lab_in acd-lb1 nft list table inet portd
done
kill $storm
wait $storm 2>/dev/null || true
lab_until "all is well again" says '.state == "enforcing"'
ask drift >"$lab_state/drift"
if jq -e ".drifts | length == $deletions and any(.command == \"nft\") and
        all(.command == \"nft\" or .command == null) and any(.repaired_usec)" "$lab_state/drift" >/dev/null; then
    lab_say "$deletions deletions, each repaired and told of nft"
else
    lab_say "FAILED: not $deletions drifts of nft:"
    jq -c '.drifts[] | [.command, .changes[0]]' "$lab_state/drift"
    exit 1
fi
