#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel, evaluator and the table written by hand agree, packet by packet, between the hosts of
# an example site, each in a network namespace with its own portd, and outsiders: for the site as
# it is shipped, then after a reload with each of the drop-ins of variants/SITE.
#   test_agree.sh BINARY_DIR [SITE]
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_use "${2:-jtel-acd}"
random_ports=200
random_ports_again=20

agree() { # TABLE N [SITE POLICY-DIR]
    "$binary_dir/tests/lab/lab-agree" "$@" | tee -a "$lab_state/agreed"
}
agree_all() { # TABLE N
    agree "$@" "$lab_site" "$lab_policies"
    "$binary_dir/tests/lab/lab-broadcast" "$1" "$lab_site" "$lab_policies"
}
reload() { # command…: once everybody has loaded the files anew
    local name
    for name in $(lab_servers "$lab_table"); do
        "$binary_dir/daemon/portd-ctl" reload --socket "$lab_state/$name.sock" >/dev/null
    done
    "$@"
}

lab_network "$lab_table"
lab_say "without rules every probe has to arrive"
agree "$lab_table" $random_ports_again

lab_say "starting portd on every server"
if lab_has_names; then
    lab_accounts
    lab_dns "$lab_table"
fi
for name in $(lab_servers "$lab_table"); do
    lab_portd "$name"
    if lab_has_names; then lab_resolver "$name"; fi
done
# The prober listens on port 53 as on any other; names keep their last addresses.
if lab_has_names; then lab_dns_end; fi
# ARP and neighbour discovery have to work through the rules as well.
lab_forget_neighbours "$(lab_servers "$lab_table" | head -n 1)"
lab_forget_neighbours admin

lab_say "kernel, evaluator, table"
agree_all "$lab_table" $random_ports
lab_each_variant reload agree_all "$lab_state/table" $random_ports_again

for pid in "$lab_state"/*.pid; do
    kill -0 "$(<"$pid")" || {
        lab_say "$pid died:"
        cat "${pid%.pid}.log"
        exit 1
    }
done
awk '/ probes, / { n += $1 } END { print n " probes in all" }' "$lab_state/agreed"
