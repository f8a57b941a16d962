#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A thousand changes of portd's table (sanitized: 250): each seen, attributed, repaired, and clean
# afterwards, under a flood of datagrams that the table denies.
#   test_tamper.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_watched

hosts=(acd-lb1 acd-tel1 acd-dbm1 acd-chat1 acd-rest1)
grep -E "^host ($(IFS='|'; echo "${hosts[*]}")|stranger) " "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
for host in "${hosts[@]}"; do lab_portd "$host"; done
mapfile -t where < <(lab_hosts "$lab_state/table" | awk -v state="$lab_state" \
    '$1 != "stranger" { print $1 "=" $2 "," state "/" $1 ".sock" }')
"$lab_dir/tamper.py" "$binary_dir/tests/lab/lab-generations" "${TAMPERS:-$(lab_sized 1000 250)}" "${SEED:-$RANDOM}" \
    "${RATE:-1000}" stranger "${where[@]}"
