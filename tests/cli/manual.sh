#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual is complete and well formed. manual.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

what="the manual"
timeout 300 python3 "$here/manual.py" "$(dirname "$ctl")" "$policy_dir" \
    "$here/../../packaging/man" "$work" >"$work/out" 2>&1 || { fail "is not right"; cat "$work/out" >&2; }

finish
