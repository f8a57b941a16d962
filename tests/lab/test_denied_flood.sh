#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 200,000 denied packets a second, as far as the machine makes them: what portd and its reader take
# of it, whether portd answers, and what is allowed beside comes through.
#   test_denied_flood.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

grep -E '^host (acd-rest1|acd-lb1|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
jq '.flows += [{ "id": "beside", "from": ["host:acd-lb1"], "to": ["all"], "services": ["udp/7000"] }]' \
    "$lab_site" >"$lab_state/site"
install -m 0644 "$lab_state/site" "$lab_site"
# Whoever forged the senders gets no answer: none of it is to be looked for on the link.
lab_in acd-rest1 ip route add blackhole 198.18.0.0/15
lab_portd acd-rest1
"$lab_dir/denied_flood.py" "$binary_dir/tests/lab/lab-spray" "$lab_state/acd-rest1.pid" \
    "$lab_state/acd-rest1.sock" 200000 "${SECONDS_EACH:-5}" "$(lab_sized 8 128)"
