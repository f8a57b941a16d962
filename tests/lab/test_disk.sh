#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that change on disk are told of until they are loaded, and are never loaded by that.
#   test_disk.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
own=$lab_state/etc/policy
ip link set lo up

"$binary_dir/tests/lab/lab-start" "$lab_state/log" "$binary_dir/daemon/portd" --site "$lab_site" \
    --policy-dir "$lab_policies" --policy-dir "$own" --host acd-lb1 --socket "$lab_state/s" \
    --state-dir "$lab_state/state" --learn 0 --user nobody >"$lab_state/pid" || {
    cat "$lab_state/log"
    exit 1
}
"$lab_dir/disk.py" "$lab_state/s" "$lab_site" "$lab_policies" "$own" || {
    cat "$lab_state/log"
    exit 1
}
