#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What "plan" says of live connections is what a reload then does to them, and nobody cuts off the
# session that they type in.
#   test_plan.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

grep -E '^host (acd-lb[12]|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_portd acd-lb1
lab_in acd-lb1 "$lab_dir/plan.py" "$lab_state/acd-lb1.sock" "$lab_site" "$binary_dir/daemon/portd-ctl" \
    "$(lab_sized 30 12)"
