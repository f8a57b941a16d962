#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What portd tells its service manager, and when: ready once the kernel has the rules, alive from
# its loop alone, more time for what takes long, what "systemctl status" says.
#   test_service.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

lab_watched
ip link set lo up
"$lab_dir/service.py" "$lab_state/log" "$lab_site" "$lab_state/s" \
    "$binary_dir/daemon/portd" --site "$lab_site" --policy-dir "$lab_policies" --host acd-lb1 \
    --socket "$lab_state/s" --state-dir "$lab_state/state" --learn 0 --user nobody || {
    tail -n 20 "$lab_state/log"
    exit 1
}
