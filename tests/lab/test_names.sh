#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names that move: the Management Server of the example site "archive" with portd and
# portd-resolver, a DNS server that stops at nothing, and the vendor's licence server at an old and
# a new address.
#   test_names.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
lab_use mailstore-spe
lab_watched # others tamper, too

cat >"$lab_state/table" <<'EOF'
host mgmt1 - MGMT 10.3.0.11 2001:db8:3::11
host dns   - -    10.3.250.53 2001:db8:3:a::53
host old   - -    203.0.113.80 2001:db8:80::80
host new   - -    203.0.113.81 2001:db8:80::81
EOF
lab_network "$lab_state/table"
lab_accounts
lab_etc hosts
lab_etc resolv.conf
echo "nameserver 10.3.250.53" >"$lab_state/resolv.conf"

# Each other name has an address of its own, and goes wrong in its own way.
names=(garbage nxdomain servfail refused nodata many silent loopback)
mkdir "$lab_state/site.d"
jq -n '{ products: { "mailstore-spe": { peers: {
        license: ["my.mailstore.com", $ARGS.positional[]] } } } }' \
    --args "${names[@]/%/.example.net}" >"$lab_state/site.d/names.json"
for i in "${!names[@]}"; do
    lab_in old ip addr add "203.0.113.$((100 + i))/32" dev eth0
    lab_in old ip addr add "2001:db8:80::$((100 + i))/128" dev eth0 nodad
done

lab_in dns "$lab_dir/dns_server.py" "$lab_state/dns" 10.3.250.53 2001:db8:3:a::53 \
    >"$lab_state/dns.log" &
for server in old new; do
    lab_in "$server" "$lab_dir/names.py" --licence-server >"$lab_state/$server.log" &
done
for log in dns old new; do
    lab_until "the server $log is ready" grep -q ready "$lab_state/$log.log"
done
lab_in mgmt1 "$lab_dir/names.py" "$binary_dir" "$lab_state" "${names[@]}"
