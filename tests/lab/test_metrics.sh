#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The metrics of a portd at work: packets, drifts, states and names become the numbers that they
# should, what counts never falls while the table lives, and node_exporter reads the file.
#   test_metrics.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
read_samples=$source_dir/tests/prometheus/samples.py
PATH=$PATH:$source_dir/build/unpacked/usr/bin
passed=0 failed=0

check() { # what, command…
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        lab_say "FAILED: $what: $*"
    fi
}
is() { [ "$1" = "$2" ]; }
beyond() { [ "$1" -gt "$2" ]; }
no_less() { [ "$1" -ge "$2" ]; }
holds() { jq -e "$@" >/dev/null; }
portd_ctl() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/acd-rest1.sock"; }
# look [STATUS]: the metrics as they are now.
look() {
    local status=0
    portd_ctl metrics --output "$lab_state/portd.prom" 2>"$lab_state/said" || status=$?
    check "metrics exits with $status" is "$status" "${1:-0}"
    promtool check metrics <"$lab_state/portd.prom" >"$lab_state/complaints" 2>&1 || true
    check "promtool finds no fault: $(cat "$lab_state/complaints")" test ! -s "$lab_state/complaints"
    "$read_samples" prometheus "$lab_state/portd.prom" >"$lab_state/samples"
}
# value NAME [LABEL VALUE]…: the sum over the samples that have these labels; "null": none has.
value() {
    jq -n --arg name "$1" 'def pairs: [range(0; $ARGS.positional | length; 2) as $i
            | { key: $ARGS.positional[$i], value: $ARGS.positional[$i + 1] }] | from_entries;
        [inputs | select(.name == $name and (.labels | contains(pairs))) | .value] | add' \
        --args "${@:2}" <"$lab_state/samples"
}
# wait_for COMMAND…: looks until it holds, for 60 s.
wait_for() {
    local end=$((SECONDS + 60))
    until look && "$@"; do [ $SECONDS -lt $end ] || return 1; done
}
drifts_are() { [ "$(value portd_drifts_total)" = "$1" ]; }
nft_counter() { # name: packets and bytes, by nft's own word
    lab_in acd-rest1 nft -j list counter inet portd "$1" |
        jq -r '.nftables[] | .counter // empty | "\(.packets) \(.bytes)"'
}
end_portd() {
    local pid
    pid=$(cat "$lab_state/acd-rest1.pid")
    kill "$pid"
    lab_await_end "$pid"
}
drop_in() { cat >"$lab_state/site.d/own.json" && chmod 644 "$lab_state/site.d/own.json"; }

lab_watched
grep -E '^host (acd-rest1|acd-lb1|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_state/table"
mkdir "$lab_state/site.d"
lab_portd acd-rest1
look
check "portd answers" is "$(value portd_up)" 1
check "it enforces" is "$(value portd_state portd_state enforcing)" 1
check "and does nothing else" is "$(value portd_state)" 1
check "the table is watched" is "$(value portd_seal portd_seal watched)" 1
check "no peer is missing" is "$(value portd_peers_unbound)" 0
check "nobody changed the rules" is "$(value portd_drifts_total)" 0
check "no repair" is "$(value portd_repair_duration_seconds_count)" 0
check "a name for each flow and direction" test "$(value portd_flow_packets_total)" != null

# Packets: a flow's, and those that no flow opens in either direction.
exec {listening}< <(lab_in acd-rest1 python3 -c '
import socket
s = socket.create_server(("10.1.0.81", 8091))
print("ready", flush=True)
while True:
    s.accept()[0].close()')
listener=$!
read -r _ <&"$listening"
hits() { value "portd_flow_$1_total" product jtel-acd flow rest direction in; }
packets=$(hits packets) denied_in=$(value portd_denied_packets_total direction in)
denied_out=$(value portd_denied_packets_total direction out)
for _ in 1 2 3; do lab_in acd-lb1 timeout 10 nc -z 10.1.0.81 8091; done
lab_in stranger python3 - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(9, 14):
    s.sendto(bytes(100), ("10.1.0.81", port))
PY
lab_in acd-rest1 python3 - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(9, 13):
    try:
        s.sendto(bytes(100), ("198.51.100.7", port))
    except OSError:
        pass
PY
look
check "three connections are packets" beyond "$(hits packets)" $((packets + 5))
# The last packets of a connection may still be on their way.
as_nft_says() { [ "$(hits packets) $(hits bytes)" = "$(nft_counter in/jtel-acd/rest)" ]; }
check "as many as nft says" wait_for as_nft_says
check "five denied datagrams" beyond "$(value portd_denied_packets_total direction in)" $((denied_in + 4))
check "and four on the way out" beyond "$(value portd_denied_packets_total direction out)" $((denied_out + 3))
check "with their bytes" beyond "$(value portd_denied_bytes_total direction out)" $((4 * 128 - 1))
kill $listener
packets=$(hits packets)

# Drifts, and for how long each was in force.
for i in 1 2 3; do
    lab_in acd-rest1 nft add chain inet portd "hole$i"
    check "drift $i is counted" wait_for drifts_are "$i"
done
portd_ctl drift --json >"$lab_state/drifts"
check "all of them repaired" is "$(value portd_repair_duration_seconds_count)" 3
check "the sum is that of the history" \
    holds --argjson sum "$(value portd_repair_duration_seconds_sum)" \
    '([.drifts[].repaired_usec] | add) == ($sum * 1000000 | round)' "$lab_state/drifts"
check "each bucket has those that are no longer" \
    holds --slurp --slurpfile answer "$lab_state/drifts" '[$answer[0].drifts[].repaired_usec] as $took
        | map(select(.name == "portd_repair_duration_seconds_bucket")) | length == 17 and all(.[];
            (if .labels.le == "+Inf" then infinite else .labels.le | tonumber * 1000000 end) as $le
            | .value == ($took | map(select(. <= $le)) | length))' "$lab_state/samples"
check "the flow's packets outlived the repair" no_less "$(hits packets)" "$packets"

# Reloads: a flow comes and goes, a name is needed, what counts goes on.
generation=$(value portd_generation)
drop_in <<'END'
{ "products": { "jtel-acd": { "peers": { "jtel-support": ["support.example.com"] } } },
  "flows": [{ "id": "own", "from": ["any"], "to": ["host:acd-rest1"], "services": ["udp/7777"],
              "title": "To come and go" }] }
END
portd_ctl reload >/dev/null
lab_in stranger bash -c 'echo x >/dev/udp/10.1.0.81/7777' 2>/dev/null
look
check "the generation is the next" is "$(value portd_generation)" $((generation + 1))
check "the packets outlived the reload" no_less "$(hits packets)" "$packets"
check "the new flow has its packet" is "$(value portd_flow_packets_total product site flow own)" 1
check "a name without address" is "$(value portd_name_addresses name support.example.com)" 0
check "and without answer" is "$(value portd_name_answered_timestamp_seconds)" null
check "nobody resolves it" is "$(value portd_warnings code no-resolver)" 1
rm "$lab_state/site.d/own.json"
portd_ctl reload >/dev/null
look
check "the flow is gone" is "$(value portd_flow_packets_total product site flow own)" null
check "so is the name" is "$(value portd_name_addresses)" null

# A restart, with files that it refuses: degraded, and all is told.
started=$(value portd_start_time_seconds)
end_portd
look 4
check "a portd that is gone is down" is "$(cat "$lab_state/samples")" \
    '{"name": "portd_up", "labels": {}, "value": 0}'
check "and says what to do" grep -q 'systemctl status portd' "$lab_state/said"
cp "$lab_site" "$lab_state/good"
echo '{' >"$lab_site"
lab_portd acd-rest1
look
check "degraded" is "$(value portd_state portd_state degraded)" 1
check "which is warned of" is "$(value portd_warnings code last-good)" 1
check "the packets outlived the restart" no_less "$(hits packets)" "$packets"
check "drifts begin anew" is "$(value portd_drifts_total)" 0
check "and say when" beyond "$(value portd_start_time_seconds)" $((started - 1))
install -m 0644 "$lab_state/good" "$lab_site"
portd_ctl reload >/dev/null

# node_exporter takes the file, and would refuse the other format.
mkdir "$lab_state/textfiles"
portd_ctl metrics --output "$lab_state/textfiles/portd.prom"
ip link set lo up
prometheus-node-exporter --collector.disable-defaults --collector.textfile \
    --collector.textfile.directory="$lab_state/textfiles" --web.listen-address=127.0.0.1:9100 \
    2>"$lab_state/exporter.log" &
scrape() {
    python3 -c 'import urllib.request as u
print(u.urlopen("http://127.0.0.1:9100/metrics", timeout=10).read().decode())' >"$lab_state/scraped" \
        2>/dev/null
}
lab_until "node_exporter answers" scrape
check "node_exporter has no error" grep -qx 'node_textfile_scrape_error 0' "$lab_state/scraped"
check "and tells the file's time as the alert wants it" \
    grep -qE '^node_textfile_mtime_seconds\{file="(.*/)?portd\.prom"\} ' "$lab_state/scraped"
grep '^portd_' "$lab_state/scraped" | cut -d' ' -f1 | sort >"$lab_state/names-scraped"
grep '^portd_' "$lab_state/textfiles/portd.prom" | cut -d' ' -f1 | sed 's/le="\([0-9]*\)\.0"/le="\1"/' |
    jq -Rr 'capture("^(?<n>[^{]*)(\\{(?<l>.*)\\})?$")
        | if .l then "\(.n){\([.l | match("[a-z_]+=\"[^\"]*\""; "g").string] | sort | join(","))}" else .n end' |
    sort >"$lab_state/names-written"
check "it passes on every sample" diff "$lab_state/names-written" "$lab_state/names-scraped"
portd_ctl metrics --output "$lab_state/textfiles/other.prom" --format openmetrics
scrape
check "it reads no OpenMetrics" grep -qx 'node_textfile_scrape_error 1' "$lab_state/scraped"

portd_ctl off --yes >/dev/null
look
check "off" is "$(value portd_state portd_state off)" 1
check "without a table nothing is counted" is "$(value portd_flow_packets_total)" null

lab_say "$passed passed, $failed failed"
[ $failed = 0 ]
