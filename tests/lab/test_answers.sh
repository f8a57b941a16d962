#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Answers of DNS that reach portd while others write to nf_tables, files are loaded, the disk is
# full or the kernel's word is lost; handed in by the test itself.
#   test_answers.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"

ip link set lo up
lab_accounts
"$lab_dir/answers.py" "$1" "$lab_state"
