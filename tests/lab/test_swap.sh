#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two sites swapped a thousand times under a flood of datagrams: nothing that both deny passes, and
# nothing that both allow by hashes is lost. Then the table is made anew a hundred times, and nothing
# that it allows is lost.
#   test_swap.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

grep -E '^host (acd-lb[12]|stranger|admin) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
flows='[{ "id": "one", "from": [$one], "to": ["all"], "services": ["udp/7000"] },
    { "id": "near", "from": ["10.0.0.0/28"], "to": ["all"], "services": ["udp/7001"] },
    { "id": "managed", "from": ["management"], "to": ["all"], "services": ["udp/7002"] }]'
jq --arg one 10.1.0.12 ".flows += $flows" "$lab_site" >"$lab_state/one"
# Another set for one flow, an element more in the set of another, a feature less, a flow more,
# another prefix for a third.
jq --arg one host:acd-lb2 ".flows += $flows"' |
    .flows += [{ "id": "only", "from": ["host:acd-lb2"], "to": ["all"], "services": ["udp/7003"] }] |
    .hosts["acd-lb3"] = { "roles": ["jtel-acd/ACD-LB"], "addresses": ["10.1.0.13", "2001:db8:1::13"] } |
    .management += ["10.0.2.0/24"] | .products["jtel-acd"].features.tts = false' "$lab_site" >"$lab_state/other"
install -m 0644 "$lab_state/one" "$lab_site"
lab_portd acd-lb1
lab_in acd-lb1 "$lab_dir/swap.py" "$lab_state/acd-lb1.sock" "$lab_site" "$lab_state/other" \
    "${SWAPS:-$(lab_sized 1000 100)}"
