#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The evaluator and the table written by hand agree on every port (on every STEP-th, when told
# so) for an example site as it is shipped, and with each of the drop-ins of variants/SITE, which
# change ports that are asked about anyhow, on every 16th besides.
#   test_exhaustive.sh BINARY_DIR [SITE [STEP]]
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_use "${2:-jtel-acd}"
step=${3:-1}

"$binary_dir/tests/lab/lab-exhaustive" "$lab_table" "$lab_site" "$lab_policies" "$step"
lab_each_variant "$binary_dir/tests/lab/lab-exhaustive" "$lab_state/table" "$lab_site" \
    "$lab_policies" $((step > 16 ? step : 16))
