#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 200 changes of portd's table by nft: each seen, attributed, repaired, and clean afterwards.
#   test_tamper.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_watched

grep -E '^host acd-lb[12] ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
lab_portd acd-lb1
lab_in acd-lb1 "$lab_dir/tamper.py" "$lab_state/acd-lb1.sock" \
    "$binary_dir/tests/lab/lab-generations" "${TAMPERS:-200}" "${SEED:-$RANDOM}"
