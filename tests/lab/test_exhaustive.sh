#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The evaluator and the table written by hand agree on every port: with all features of the
# example site, and again with none of them. Needs no rights.
#   test_exhaustive.sh BINARY_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
policy=$1/policy
site=$policy/examples/jtel-acd.site.json
plain=$(mktemp -d)
trap 'rm -r "$plain"' EXIT

sed -E 's/^(feature .*) on$/\1 off/' "$here/jtel-acd.table" >"$plain/table"
sed -E '/"features"/s/true/false/g' "$site" >"$plain/site.json"
if cmp -s "$here/jtel-acd.table" "$plain/table" || cmp -s "$site" "$plain/site.json"; then
    echo "no feature was switched off"
    exit 1
fi
"$1/tests/lab/lab-exhaustive" "$here/jtel-acd.table" "$site" "$policy"
"$1/tests/lab/lab-exhaustive" "$plain/table" "$plain/site.json" "$policy"
