#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A site on its way from audit to enforce: what is said to be denied later is what is denied later,
# with the same traffic, and what was mended meanwhile is not among it.
#   test_auditmode.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1

grep -E '^host (acd-rest1|acd-lb1|acd-chat1|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
socket=$lab_state/acd-rest1.sock
ask() { lab_in acd-rest1 timeout 300 "$lab_dir/auditmode.py" "$socket" "$lab_state" "$1"; }
site() { # jq's filter
    jq "$1" "$lab_site" >"$lab_state/changed"
    install -m 0644 "$lab_state/changed" "$lab_site"
}
reload() { "$binary_dir/daemon/portd-ctl" reload --socket "$socket" >/dev/null; }
status=0
step() {
    lab_say "$1"
    ask "$1" || status=1
}

# All of it in audit mode, as `portd-ctl init` leaves a site.
site '.ingress = "audit" | .egress = "audit"'
lab_portd acd-rest1
step audited
code=0
"$binary_dir/daemon/portd-ctl" status --socket "$socket" >"$lab_state/status" || code=$?
if [ $code != 3 ] ||
    ! grep -E 'ACD-CHAT .* ACD-REST tcp/8091, [0-9]+ times from 2 hosts; nearest flow: jtel-acd/rest' "$lab_state/status" ||
    ! grep -E 'audit +ingress, egress; quiet for .*; enforce after 7d' "$lab_state/status"; then
    lab_say "FAILED: status doesn't say it ($code)"
    cat "$lab_state/status"
    status=1
fi
# What was asked for by one whom the site did not know is let in, the rest is meant.
site '.flows += [{ "id": "own", "from": ["198.51.100.7"], "to": ["jtel-acd/ACD-REST"], "services": ["tcp/8091"] }]'
reload
step mended
site '.ingress = "enforce" | .egress = "enforce"'
reload
step enforced

# A part of it in audit mode, the rest enforced.
for part in jtel-acd/rest jtel-acd/ACD-REST jtel-acd host-baseline; do
    site ".flows = [] | .audit = [\"$part\"]"
    reload
    step "part"
    site '.audit = []'
    reload
    step "part-enforced"
done
[ $status = 0 ] && lab_say "what audit mode says would be denied is what is denied"
exit $status
