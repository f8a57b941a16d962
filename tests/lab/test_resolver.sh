#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-resolver between a DNS server that does everything that no DNS server should, and a portd
# that does so too.
#   test_resolver.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

ip link set lo up
lab_accounts
lab_etc resolv.conf
lab_etc hosts
"$lab_dir/resolver.py" "$binary_dir/daemon/resolver/portd-resolver" "$lab_state"
