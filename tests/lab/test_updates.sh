#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Policies that a package brings are put in force or held, as the site says.
#   test_updates.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

lab_watched
grep -E '^host acd-lb[12] ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_in acd-lb1 "$lab_dir/updates.py" "$lab_site" "$lab_policies/jtel-acd.json" "$lab_state/s" \
    "$lab_state/log" "$binary_dir/tests/lab/lab-start" "$lab_state/log" "$binary_dir/daemon/portd" \
    --site "$lab_site" --policy-dir "$lab_policies" --host acd-lb1 --socket "$lab_state/s" \
    --state-dir "$lab_state/state" --learn 0 --user nobody || {
    tail -n 60 "$lab_state/log"
    exit 1
}
