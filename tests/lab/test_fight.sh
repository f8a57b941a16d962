#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A table that isn't sealed and somebody who removes its rules without a pause, then somebody who
# commits a hundred thousand times to another table: portd says so, answers, stays small, and has
# everything in order afterwards.
#   test_fight.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_watched

ip netns add acd-lb1
lab_in acd-lb1 ip link set lo up
lab_portd acd-lb1
lab_in acd-lb1 "$lab_dir/fight.py" "$lab_state/acd-lb1.sock" "$(cat "$lab_state/acd-lb1.pid")" \
    "${FIGHT_SECONDS:-$(lab_sized 60 10)}" "${COMMITS:-$(lab_sized 100000 10000)}" \
    "$(lab_sized $((16 << 10)) $((512 << 10)))" # freed memory is kept for a while to be watched
