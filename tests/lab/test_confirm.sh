#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A reload that nobody confirms ends at the policy before it, whatever happens meanwhile; a
# confirmed one stays.
#   test_confirm.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

lab_watched
grep -E '^host acd-lb[12] ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
mkdir "$lab_state/state"
mount -t tmpfs -o size=8m,mode=0700,uid=65534 state "$lab_state/state"
lab_in acd-lb1 "$lab_dir/confirm.py" "$lab_site" "$lab_state/s" "$lab_state/state" "$lab_state/log" \
    "$binary_dir/daemon/portd-ctl" \
    "$binary_dir/tests/lab/lab-start" "$lab_state/log" "$binary_dir/daemon/portd" \
    --site "$lab_site" --policy-dir "$lab_policies" --host acd-lb1 --socket "$lab_state/s" \
    --state-dir "$lab_state/state" --learn 0 --user nobody || {
    tail -n 60 "$lab_state/log"
    exit 1
}
