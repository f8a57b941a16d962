#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel, evaluator and the table written by hand agree, packet by packet, between the hosts of
# the example site, each in a network namespace with its own portd, and outsiders.
#   test_agree.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

lab_network "$lab_table"
lab_say "without rules every probe has to arrive"
"$binary_dir/tests/lab/lab-agree" "$lab_table"

lab_say "starting portd on every server"
for name in $(lab_servers "$lab_table"); do
    lab_portd "$name"
done
# ARP and neighbour discovery have to work through the rules as well.
lab_forget_neighbours acd-jb1
lab_forget_neighbours admin

lab_say "kernel, evaluator, table"
"$binary_dir/tests/lab/lab-agree" "$lab_table" "$lab_site" "$lab_policies"
"$binary_dir/tests/lab/lab-broadcast" "$lab_table" "$lab_site" "$lab_policies"

for name in $(lab_servers "$lab_table"); do
    kill -0 "$(<"$lab_state/$name.pid")" || {
        lab_say "portd died on $name:"
        cat "$lab_state/$name.log"
        exit 1
    }
done
