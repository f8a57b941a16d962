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
for file in resolv.conf hosts; do
    : >"$lab_state/$file"
    mount --bind "$lab_state/$file" "/etc/$file"
done
"$lab_dir/resolver.py" "$binary_dir/daemon/resolver/portd-resolver" "$lab_state"
