#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What portd tells the journal: entries with message ids and fields, as systemd-journald would get
# them on its socket (here somebody else listens there).
#   test_journal.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_watched

mkdir -p /run/systemd/journal
ip link set lo up
"$lab_dir/journal.py" "$lab_state/entries" &
reader=$!
lab_until "somebody listens" test -S /run/systemd/journal/socket

# stderr is the journal's, says JOURNAL_STREAM (systemd.exec(5)).
: >"$lab_state/stream"
JOURNAL_STREAM=$(stat -c %d:%i "$lab_state/stream") "$binary_dir/daemon/portd" --site "$lab_site" \
    --policy-dir "$lab_policies" --host acd-lb1 --state-dir "$lab_state/state" --learn 0 --user nobody \
    2>"$lab_state/stream" &
daemon=$!
lab_until "portd answers" "$binary_dir/daemon/portd-ctl" status
nft flush chain inet portd in_tcp_2224
is_repaired() { "$binary_dir/daemon/portd-ctl" drift --json | jq -e 'any(.drifts[]; .repaired_usec)'; }
lab_until "the drift is repaired" is_repaired
"$binary_dir/daemon/portd-ctl" off --yes >/dev/null
kill "$daemon"
wait "$daemon"
kill "$reader"
wait "$reader" || true

failed=0
entry_has() { # what, jq condition on an entry
    if ! jq -es "any(.[]; $2)" "$lab_state/entries" >/dev/null; then
        lab_say "FAILED: no entry of $1"
        failed=1
    fi
}
entry_has "the policy in force" \
    '.PORTD_GENERATION == "1" and .PORTD_HOST == "acd-lb1" and (.PORTD_DIGEST | length) == 64 and .MESSAGE_ID'
entry_has "the drift, with who and what" \
    '.PORTD_COMMAND == "nft" and (.PORTD_PID | tonumber) > 0 and (.PORTD_CHANGE | test("in_tcp_2224"))
     and (.PORTD_REPAIRED_USEC | tonumber) > 0 and .PRIORITY == "4" and .MESSAGE_ID'
entry_has "the drift's place in the chain" \
    '.PORTD_NUMBER == "1" and .PORTD_CHAIN == "'"$(jq -r .chain "$lab_state/state/drifts.jsonl")"'"'
entry_has "off" '.MESSAGE_ID and (.MESSAGE | test("root removed table"))'
if [ -s "$lab_state/stream" ]; then
    lab_say "FAILED: something went to stderr as well:"
    cat "$lab_state/stream"
    failed=1
fi
[ $failed = 0 ] && lab_say "$(wc -l <"$lab_state/entries") entries, with message ids and fields"
exit $failed
