#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The evaluator and the table written by hand agree on every port. Needs no rights.
#   test_exhaustive.sh BINARY_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
policy=$here/../../policy

exec "$1/tests/lab/lab-exhaustive" "$here/jtel-acd.table" \
    "$policy/examples/jtel-acd.site.json" "$policy"
