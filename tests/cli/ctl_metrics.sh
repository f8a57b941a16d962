#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl metrics against a portd that answers from a file: both formats as Prometheus' own tools
# read them, the file for node_exporter, and what is left when portd doesn't answer.
# ctl_metrics.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
source_dir=$(realpath "$here/../..")
prometheus=$source_dir/tests/prometheus
PATH=$PATH:$source_dir/build/unpacked/usr/bin
command -v promtool >/dev/null || fail "no promtool: packaging/dependencies test"

# sample NAME LABELS: its value in the last comparison; the labels as a JSON object.
sample() {
    jq -c --arg name "$1" --argjson labels "$2" \
        'select(.name == $name and .labels == $labels) | .value' "$work/samples"
}
expect() { # VALUE NAME LABELS
    local got
    got=$(sample "$2" "$3")
    [ "$got" = "$1" ] || fail "$2 $3 is ${got:-not there}, not $1"
}
# The metrics of this answer, in both formats, as they are read.
compare() { # STATUS
    run "$1" metrics --socket "$socket"
    cp "$work/out" "$work/openmetrics"
    run "$1" metrics --socket "$socket" --format prometheus
    cp "$work/out" "$work/prometheus"
    what="the two formats"
    "$prometheus/samples.py" openmetrics "$work/openmetrics" >"$work/samples" || fail "unreadable"
    "$prometheus/samples.py" prometheus "$work/prometheus" >"$work/same" || fail "unreadable"
    diff "$work/samples" "$work/same" >&2 || fail "they are not the same"
    what="promtool check metrics"
    promtool check metrics <"$work/prometheus" >"$work/out" 2>&1 || fail "it complains"
    silent out
}

answer_file "$prometheus/answers.json"
compare 0
# The dashboard and the alerts ask for nothing else, and the alerts fire when they should.
what="dashboard and alerts"
"$prometheus/queries.py" "$work/samples" "$source_dir/packaging/grafana/portd.json" \
    "$source_dir/packaging/prometheus/portd.rules.yml" >"$work/queries.yml" || fail "they ask in vain"
for rules in "$work/queries.yml" "$source_dir/packaging/prometheus/portd.rules.yml"; do
    promtool check rules "$rules" >"$work/out" 2>&1 || { fail "$rules"; cat "$work/out" >&2; }
done
promtool test rules "$prometheus/portd.rules.test.yml" >"$work/out" 2>&1 ||
    { fail "promtool test rules"; cat "$work/out" >&2; }
expect 1 portd_up '{}'
expect 1 portd_build_info '{"version":"1.2.3"}'
expect 1 portd_host_info '{"site":"berlin","host":"acd-lb1"}'
expect 1 portd_state '{"portd_state":"degraded"}'
expect 0 portd_state '{"portd_state":"enforcing"}'
expect 1 portd_seal '{"portd_seal":"sealed"}'
expect 118 portd_generation '{}'
expect 1580479331 portd_applied_timestamp_seconds '{}'
expect 1580462047 portd_start_time_seconds '{}'
expect 1580462048 portd_last_reload_timestamp_seconds '{}'
expect 4 portd_drifts_total '{}'
expect 1580479332 portd_last_drift_timestamp_seconds '{}'
expect 0 portd_repair_duration_seconds_bucket '{"le":"0.0001"}'
expect 1 portd_repair_duration_seconds_bucket '{"le":"0.00025"}'
expect 3 portd_repair_duration_seconds_bucket '{"le":"1.0"}'
expect 3 portd_repair_duration_seconds_bucket '{"le":"2.5"}'
expect 3 portd_repair_duration_seconds_bucket '{"le":"+Inf"}'
expect 0.01075 portd_repair_duration_seconds_sum '{}'
expect 3 portd_repair_duration_seconds_count '{}'
expect 2 portd_warnings '{"code":"peer-unbound"}'
expect 1 portd_warnings '{"code":"last-good"}'
expect 1 portd_grants '{}'
expect 2 portd_peers_unbound '{}'
expect 7 portd_flow_packets_total '{"product":"jtel-acd","flow":"rest","direction":"in"}'
expect 900 portd_flow_bytes_total '{"product":"jtel-acd","flow":"rest","direction":"in"}'
expect 3 portd_flow_bytes_total '{"product":"jtel-acd","flow":"both","direction":"out"}'
expect 12 portd_denied_packets_total '{"direction":"in"}'
expect 720 portd_denied_bytes_total '{"direction":"in"}'
expect 0 portd_denied_packets_total '{"direction":"out"}'
expect 2 portd_name_addresses '{"name":"my.mailstore.com","family":"ipv4"}'
expect 1 portd_name_addresses '{"name":"my.mailstore.com","family":"ipv6"}'
expect 0 portd_name_addresses '{"name":"gone.example","family":"ipv4"}'
expect 1580479331 portd_name_answered_timestamp_seconds '{"name":"my.mailstore.com"}'
expect '' portd_name_answered_timestamp_seconds '{"name":"gone.example"}'
expect 300 portd_name_ttl_seconds '{"name":"my.mailstore.com"}'
expect 1 portd_name_failing '{"name":"gone.example"}'
expect 0 portd_name_failing '{"name":"my.mailstore.com"}'
# The manual lists them, with their types and labels.
sed -nE 's/\\//g; s/^\*(portd_[a-z_]+)\* \(([a-z]+)(: (.*))?\)$/\1 \2 \4/p' \
    "$source_dir/packaging/man/portd-ctl.1.scd" | sort >"$work/described"
jq -r '.families[] | .type as $type | (.name + ({counter: "_total", info: "_info"}[$type] // ""))
    + " " + $type + " " + (.samples[0].labels | keys_unsorted | join(", ")
    + if $type == "histogram" then "le" else "" end)' <("$ctl" metrics --json --socket "$socket") |
    sort >"$work/printed"
diff "$work/described" "$work/printed" >&2 || fail "the manual describes others"
# Every state that there is has its sample.
for metric in state seal; do
    type=$([ $metric = seal ] && echo SealState || echo State)
    words=$(sed -nE "s/^type $type \\((.*)\\)/\\1/p" "$source_dir/lib/varlink/io.portd.varlink")
    shown=$(jq -r --arg name "portd_$metric" 'select(.name == $name) | .labels[$name]' "$work/samples" |
        paste -sd,)
    [ -n "$words" ] && [ "${words//, /,}" = "$shown" ] || fail "$type is $words, but shown: $shown"
done
grep -q 'flow="closed"' "$work/openmetrics" && fail "a flow that opens nothing has hits"
# Counts beyond what a double holds are told whole, and a label can end neither itself nor its line.
grep -qxF 'portd_flow_packets_total{product="jtel-acd",flow="both",direction="out"} 9007199254740993' \
    "$work/openmetrics" || fail "a large count is rounded"
jq -e --slurp 'any(.[]; .labels.flow == "a \"quoted\" \\ name,{}=\\nof two lines")' \
    "$work/samples" >/dev/null || fail "a label lost what it is made of"
[ "$(tail -n 1 "$work/openmetrics")" = "# EOF" ] || fail "no end"
grep -qxF 'portd_drifts_created 1580462047' "$work/openmetrics" || fail "when did it begin?"
run 0 metrics --json --socket "$socket"
json '[f["name"] for f in a["families"]][0] == "portd_up"'
run 2 metrics --format csv --socket "$socket"
says err "openmetrics, prometheus or json"
silent out

# The file is replaced as a whole, in the format that node_exporter reads, and for its eyes, too.
mkdir "$work/dir"
echo old >"$work/dir/portd.prom"
ln "$work/dir/portd.prom" "$work/old"
(umask 077 && "$ctl" metrics --socket "$socket" --output "$work/dir/portd.prom") || fail "--output"
cmp -s "$work/dir/portd.prom" "$work/prometheus" || fail "the file is not what is printed"
[ "$(cat "$work/old")" = old ] || fail "the old file was written into"
[ "$(stat -c %a "$work/dir/portd.prom")" = 644 ] || fail "the file's mode"
[ "$(ls -A "$work/dir")" = portd.prom ] || fail "something was left beside it"
run 0 metrics --socket "$socket" --output "$work/dir/om" --format openmetrics
silent out
cmp -s "$work/dir/om" "$work/openmetrics" || fail "the file has another format"
run 1 metrics --socket "$socket" --output "$work/none/portd.prom"
says err "make its directory first"

# What portd can't tell is missing, the rest is there.
jq '."io.portd.Flows" = [{ error: "io.portd.Failed", parameters: { text: "not now" } }]' \
    "$prometheus/answers.json" >"$work/partly"
answer_file "$work/partly"
compare 1
expect 1 portd_up '{}'
expect 118 portd_generation '{}'
expect 1 portd_name_failing '{"name":"gone.example"}'
grep -q portd_flow "$work/openmetrics" && fail "flows without an answer"

# One that has been installed before these fields were there.
jq 'del(."io.portd.Status"[].parameters["started", "repairs", "last_drift", "last_reload",
    "grants"])
    | del(."io.portd.Flows"[].parameters.denied)' "$prometheus/answers.json" >"$work/older"
answer_file "$work/older"
compare 0
expect 4 portd_drifts_total '{}'
grep -q denied "$work/openmetrics" && fail "denied packets without an answer"

# None that answers: that is a metric as well, and the only one.
unanswer
rm -f "$socket"
compare 4
expect 0 portd_up '{}'
[ "$(wc -l <"$work/samples")" = 1 ] || fail "something of a portd that isn't there"
run 4 metrics --socket "$socket" --output "$work/dir/portd.prom"
says err "portd is not running"
grep -qx 'portd_up 0' "$work/dir/portd.prom" || fail "the file doesn't say it"

finish
