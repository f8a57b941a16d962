#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A service manager's descriptor store keeps the table sealed while portd is killed, restarted and
# upgraded under load; without one a start claims the table, and writes nothing else.
#   test_keeper.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

grep -E '^host (acd-lb[12]|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_in acd-lb1 "$lab_dir/keeper.py" "$binary_dir/tests/lab/lab-generations" \
    "${ROUNDS:-$(lab_sized 100 20)}" "${SEED:-$RANDOM}" "$lab_state/log" "$lab_site" "$lab_state/s" \
    "$binary_dir/daemon/portd" --site "$lab_site" --policy-dir "$lab_policies" --host acd-lb1 \
    --socket "$lab_state/s" --state-dir "$lab_state/state" --learn 0 --user nobody || {
    tail -n 20 "$lab_state/log"
    exit 1
}
