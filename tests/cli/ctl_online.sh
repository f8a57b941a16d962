#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl against a portd that answers from a file: what it prints and exits with.
# ctl_online.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
ask() {
    local want=$1
    shift
    run "$want" "$@" --socket "$socket"
}

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
status='"site":"berlin","host":"acd-lb1","roles":["jtel-acd/ACD-LB"],"seal":"sealed",
"generation":118,"digest":"4f1c9a77aa","since":"'$(date -u -d '-52 hours' +%Y-%m-%dT%H:%M:%SZ)'",
"ingress":"enforce","egress":"audit","flows":31,"addresses":214,"names":2,"drifts":1,
"last_drift":{"time":"2020-01-31T14:02:11Z","pid":3312,"command":"nft\u001b[31m","uid":0,
"changes":["rule jtel-acd/rest deleted from in_3","set x deleted"],"repaired_usec":600},
"last_reload":{"time":"2020-01-31T09:14:07Z","by":"root","reason":"dpkg: x.json"},
"warnings":[{"code":"peer-unbound","text":"peer x is unbound","hint":"site.json /x"}]'

answer Status "{\"parameters\":{\"state\":\"enforcing\",$status}}"
ask 0 status
called '{"method":"io.portd.Status","parameters":{}}'
says out "● acd-lb1  enforcing, in sync                  site berlin · jtel-acd/ACD-LB"
says out "  table inet portd   sealed (owner, persist)   generation 118, 4f1c9a…, for 2d 4h"
says out "  ingress enforce · egress audit               31 flows, 214 addresses, 2 names"
says out "  last drift   2020-01-31 14:02  nft\\x1b[31m[3312] root: rule jtel-acd/rest deleted from in_3 and 1 more; repaired in 0.6 ms"
says out "  last reload  2020-01-31 09:14  root: dpkg: x.json"
says out "  ! peer x is unbound  → site.json /x"
grep -q $'\033' "$work/out" && fail "colour or worse without a terminal"
ask 0 status --json
json 'a["state"] == "enforcing" and a["last_drift"]["command"] == "nft\x1b[31m"'
LC_ALL=C ask 0 status
says out "* acd-lb1  enforcing, in sync"

# What is missing is left out.
answer Status '{"parameters":{"state":"degraded","warnings":[],"mistakes":[
{"file":"site.json","line":42,"column":17,"pointer":"/hosts/a","text":"no prefix"}]}}'
ask 3 status
says out "● this host  degraded"
says out "  ! site.json:42:17: /hosts/a: no prefix"
says out "portd-ctl check"
answer Status '{"parameters":{"state":"contested","warnings":[],"contested_by":"evil[7]"}}'
ask 3 status
says out "evil[7] keeps rewriting"
for state in learning:0 audit:3 off:3 strange:3; do
    answer Status "{\"parameters\":{\"state\":\"${state%:*}\",\"warnings\":[]}}"
    ask "${state#*:}" status
    says out "${state%:*}"
done

answer Flows '{"parameters":{"flows":[{"flow":"a/rest","product":"a","title":"t","file":"a.json",
"line":1,"services":["tcp/1","udp/2"],"from":["X"],"to":["Y"],"when":[],"ingress":"active",
"egress":"not-mine","packets_in":7}]}}'
ask 0 flows
says out "a/rest"
says out "tcp/1, udp/2"
ask 0 flows --json
json 'a["flows"][0]["packets_in"] == 7'
answer Flows '{"parameters":{"flows":[{"flow":"a/rest","services":["tcp/1"],"from":["X"],"to":["Y"],
"ingress":"active","egress":"not-mine","note":"nothing between may read along"},
{"flow":"a/idle","services":["tcp/$x"],"from":["X"],"to":["Y"],"ingress":"no-port",
"egress":"not-mine","note":"of a row that opens nothing"}]}}'
ask 0 flows
says out "nothing between may read along"
hushes out "of a row that opens nothing"

answer Flows '{"parameters":{"flows":[{"flow":"a/rest","product":"a"},{"flow":"a/web","product":"a"},
{"flow":"site/rest","product":"site"}]}}'
ask 0 flows site a/web --json
json '[f["flow"] for f in a["flows"]] == ["site/rest", "a/web"]'
ask 0 flows a
says out "a/web"
hushes out "site/rest"
ask 1 flows a/web rest
says err '"rest" is neither a flow nor a product that is in use'
silent out

ago() { date -u -d "-$1" +%Y-%m-%dT%H:%M:%SZ; }
answer Flows '{"parameters":{"flows":[
{"flow":"a/new","product":"a","ingress":"active","egress":"not-mine","watched_since":"'"$(ago "2 days")"'"},
{"flow":"a/idle","product":"a","ingress":"active","egress":"not-mine","watched_since":"'"$(ago "50 days")"'"},
{"flow":"a/old","product":"a","ingress":"active","egress":"not-mine","watched_since":"'"$(ago "50 days")"'",
"last_hit":"'"$(ago "40 days")"'"},
{"flow":"a/busy","product":"a","ingress":"active","egress":"not-mine","watched_since":"'"$(ago "50 days")"'",
"last_hit":"'"$(ago "3 hours")"'"},
{"flow":"b/off","product":"b","ingress":"unbound","egress":"not-mine"}]}}'
ask 0 flows
says out "never (2d 0h)"
says out "40d 0h ago"
says out "3h 0min ago"
ask 0 flows --unused --json
json '[f["flow"] for f in a["flows"]] == ["a/new", "a/idle"]'
ask 0 flows --unused=30 --json
json '[f["flow"] for f in a["flows"]] == ["a/idle", "a/old"]'
ask 0 flows --unused=45 --json
json '[f["flow"] for f in a["flows"]] == ["a/idle"]'
ask 0 flows --unused=30 a/busy
says out "no flow that is open is known to be unused"
for days in 0 -1 3x 1e9 99999999999999999999; do
    ask 2 flows "--unused=$days"
    says err "--unused=30"
done
ask 2 flows --unused --listen
says err "not both"

answer Listening '{"parameters":{"services":[
{"state":"served","service":"tcp/443","flow":"a/web","address":"*","unit":"nginx.service","uid":33},
{"state":"nobody-listens","service":"tcp/1-9","flow":"a/rest"},
{"state":"not-in-policy","service":"udp/5353","address":"0.0.0.0","uid":107}]}}'
ask 0 flows --listen
called '{"method":"io.portd.Listening","parameters":{}}'
says out "tcp/443  served         a/web  *       nginx.service"
says out "tcp/1-9  nobody-listens a/rest"
says out "udp/5353 not-in-policy         0.0.0.0 user 107"
ask 0 flows --listen a --json
json '[s["state"] for s in a["services"]] == ["served", "nobody-listens"]'
ask 1 flows --listen b
says err '"b" is neither a flow nor a product that is in use'
answer Listening '{"parameters":{"services":[{"state":"dropped-by-others","service":"tcp/443",
"flow":"a/web","address":"::","uid":0,"dropped_by":"ip filter INPUT handle 9"}]}}'
ask 3 flows --listen
says out "ip filter INPUT handle 9"
ask 3 flows --listen --json

answer Names '{"parameters":{"names":[
{"name":"my.mailstore.com","addresses":["203.0.113.80","2001:db8::80"],"ttl":2,
"answered":"2020-01-31T14:02:11.000Z"},
{"name":"b.example","addresses":[],"error":"NXDOMAIN","failing_since":"2020-01-31T14:02:11.000Z"}]}}'
ask 0 names
says out "203.0.113.80, 2001:db8::80"
says out "2 s"
says out "none: closed"
says out "NXDOMAIN, for "
ask 0 names --json
json 'len(a["names"]) == 2'
answer Names '{"parameters":{"names":[]}}'
ask 0 names
says out "no flow of this host needs a DNS name"

answer Diff '{"parameters":{"lines":["add rule x"]}}'
ask 3 diff
says out "add rule x"
answer Diff '{"parameters":{"lines":[]}}'
ask 0 diff
says out "in sync"

answer Drift '{"parameters":{"drifts":[{"time":"2020-01-31T14:02:11Z","command":"nft",
"unit":"ssh.service","changes":["a","b"]}]}}'
ask 0 drift
says out "ssh.service"
says out "a; b"
answer Drift '{"parameters":{"drifts":[{"number":17,"time":"2020-01-31T14:02:11Z","pid":3,
"command":"nft","uid":0,"login_uid":12345,"parent_pid":2,"parent_command":"sh",
"parent_command_line":"sh /root/open-all \u001b[31m","changes":["a"],"chain":"4f"}]}}'
ask 0 drift
says out "17"
says out "nft[3] root (login uid"
says out "12345)"
says out "open-all"
grep -q $'\033' "$work/out" && fail "an escape from a command line"
answer VerifyHistory '{"parameters":{"intact":true,"entries":3,"number":17,"chain":"4f1c"}}'
ask 0 drift --verify
called '{"method":"io.portd.VerifyHistory","parameters":{}}'
says out "intact: 3 drifts, the newest is number 17, chain 4f1c"
ask 0 drift --verify --json
json 'a["intact"] and a["number"] == 17'
answer VerifyHistory '{"parameters":{"intact":false,"entries":3,"number":17,"chain":"4f1c","line":4,
"breaks_at":18,"reason":"the line was changed"}}'
ask 3 drift --verify
says out "changed: line 4 of drifts.jsonl, number 18: the line was changed"
says out "journalctl -o verbose PORTD_NUMBER=18"
ask 3 drift --verify --json
json 'a["line"] == 4'
answer Drift '{"parameters":{"drifts":[]}}'
ask 0 drift
says out "nobody changed the rules"

answer Audit '{"parameters":{"findings":[{"code":"denies","family":"inet","table":"mine",
"chain":"in\u001b[31m","handle":7,"certain":true,"enforced":false,"flows":["jtel-acd/https","jtel-acd/rest"],
"text":"a rule drops it","hint":"take it back"}],"blind":["one rule could not be read"]}}'
ask 3 audit
called '{"method":"io.portd.Audit","parameters":{}}'
says out "denies  table inet mine chain in"
says out "handle 7"
says out "flows: jtel-acd/https, jtel-acd/rest"
says out "to do: take it back"
says out "note: one rule could not be read"
grep -q $'\033' "$work/out" && fail "an escape from the name of a chain"
ask 3 audit --json
json 'a["findings"][0]["handle"] == 7'
answer Audit '{"parameters":{"findings":[{"code":"published","family":"ip","table":"nat",
"chain":"DOCKER","handle":9,"certain":true,"enforced":true,"flows":["jtel-acd/rest"],
"text":"it is enforced","hint":"see who may"}],"blind":[]}}'
ask 0 audit
says out "nothing of others goes around the policy"
says out "published  table ip nat chain DOCKER handle 9"
says out "  it is enforced"
says out "  see who may"
grep -q "to do" "$work/out" && fail "there is something to do about what is enforced"
answer Audit '{"parameters":{"findings":[],"blind":[]}}'
ask 0 audit
says out "nothing of others goes around the policy"

answer Explain '{"parameters":{"explanation":{"verdict":"REJECT","direction":"out",
"service":"udp/53","address":"10.0.0.53","text":"no flow","near":[]}}}'
ask 0 explain out udp/53 to 10.0.0.53
called '{"method":"io.portd.Explain","parameters":{"direction":"out","service":"udp/53","address":"10.0.0.53"}}'
says out "REJECT no flow"

answer Reload '{"parameters":{"generation":119,"digest":"4f1c9a77aa","changes":["add rule x"],
"warnings":[]}}'
ask 0 reload --reason=why
called '{"method":"io.portd.Reload","parameters":{"reason":"why"}}'
says out "in force: generation 119, 4f1c9a77aa, 1 change"
says out "  add rule x"
answer Reload '{"parameters":{"generation":1,"digest":"4f","warnings":[{"code":"c","text":"w","hint":""}],
"changes":['"$(printf '"line%d",' {1..24})"'"line25"]}}'
ask 0 reload
says out "  line20"
says out "  and 5 more"
says out "! w"
grep -q line21 "$work/out" && fail "too many lines"
change='{"flow":"p/x","direction":"in","service":"tcp/80","text":"tcp/80 from any (p/x)"}'
answer Reload '{"parameters":{"generation":2,"digest":"4f","changes":[],"warnings":[],"held":false,
"opened":['"$change"'],"closed":['"$(yes "$change," | head -24)$change"']}}'
ask 0 reload --update --reason=why
called '{"method":"io.portd.Reload","parameters":{"reason":"why","update":true}}'
says out "in force: generation 2"
says out "  opened tcp/80 from any (p/x)"
says out "  closed 5 more"
answer Reload '{"parameters":{"generation":2,"digest":"4f","changes":[],"warnings":[],"held":true,
"opened":['"$change"'],"closed":[]}}'
ask 0 reload --update
says out "held: the policies before this update stay in force"
says out "  would open tcp/80 from any (p/x)"
hushes out "in force: generation"
answer Reload '{"error":"io.portd.Invalid","parameters":{"mistakes":[{"file":"site.json","line":1,
"column":2,"text":"bad"},{"text":"worse"}]}}'
ask 1 reload
says err "site.json:1:2: bad"
says err "worse"
says err "refused with 2 mistakes"
silent out
ask 1 reload --json
json 'a["error"] == "io.portd.Invalid" and len(a["parameters"]["mistakes"]) == 2'
answer Reload '{"error":"io.portd.Refused","parameters":{"text":"the kernel refuses a/rest"}}'
ask 1 reload
says err "the kernel refuses a/rest"
answer Reload '{"error":"org.varlink.service.PermissionDenied","parameters":{}}'
ask 1 reload
says err "only root may do this: try sudo"
answer Status '{"error":"org.varlink.service.PermissionDenied","parameters":{}}'
ask 1 status
says err "members of group portd may read"
answer Diff '{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"io.portd.Diff"}}'
ask 1 diff
says err "systemctl restart portd"

answer Reload '{"parameters":{"generation":3,"digest":"4f","changes":[],"warnings":[],"held":false,
"opened":[],"closed":[],"confirm_until":"2020-01-31T14:02:11Z"}}'
ask 0 reload --confirm 5m
called '{"method":"io.portd.Reload","parameters":{"confirm_seconds":300}}'
says out "rolled back at 2020-01-31 14:02 unless you type: portd-ctl confirm"
for bad in 0 25h soon; do
    ask 2 reload --confirm "$bad"
    says err "--confirm 5m"
done
ask 2 reload --confirm 5m --update
says err "--update or --confirm"
answer Confirm '{"parameters":{}}'
ask 0 confirm
called '{"method":"io.portd.Confirm","parameters":{}}'
says out "confirmed: what is in force stays"
answer Confirm '{"error":"io.portd.Refused","parameters":{"text":"no reload waits"}}'
ask 1 confirm
says err "no reload waits"
answer Rollback '{"parameters":{"generation":5,"restores":3,"opened":[],"closed":['"$change"']}}'
ask 0 rollback
called '{"method":"io.portd.Rollback","parameters":{}}'
says out "in force: generation 5, the files of generation 3"
says out "  closed tcp/80 from any (p/x)"
ask 0 rollback 3 --reason=why
called '{"method":"io.portd.Rollback","parameters":{"reason":"why","generation":3}}'
for bad in 0 x 3x 99999999999999999999; do
    ask 2 rollback "$bad"
    says err "is no generation"
done
answer Generations '{"parameters":{"current":5,"generations":[
{"generation":5,"digest":"4f","time":"2020-01-31T14:02:11Z","by":"portd","restores":3,
"reason":"not confirmed in time","ingress":"enforce","egress":"audit","opened":[],"closed":['"$change"']},
{"generation":4,"digest":"5f","time":"2020-01-31T14:01:11Z","by":"root","ingress":"enforce",
"egress":"audit","opened":['"$change"'],"closed":[]}]}}'
ask 0 generations
says out "● 5  2020-01-31 14:02  portd  as generation 3: not confirmed in time"
says out "    closed tcp/80 from any (p/x)"
says out "  4  2020-01-31 14:01  root"
says out "    opened tcp/80 from any (p/x)"
ask 0 generations --json
json 'a["current"] == 5 and len(a["generations"]) == 2'

answer Off '{"parameters":{}}'
ask 0 off --yes
called '{"method":"io.portd.Off","parameters":{}}'
says out "portd-ctl reload"

# What was denied: the nearest row says why, else the reason does.
denied='"denials":[{"direction":"in","address":"10.1.0.11","host":"acd-lb1","roles":["jtel-acd/ACD-LB"],
"service":"tcp/3306","kind":"request","would":false,"packets":41,"first":"2020-01-31T14:02:11Z",
"last":"2020-01-31T14:02:11Z","reason":"no flow opens it","nearest":{"flow":"jtel-acd/rest",
"reason":"10.1.0.11 is not in ACD-JB"}},{"direction":"out","address":"198.51.100.7\u001b[31m",
"service":"tcp/22","kind":"answer","would":true,"packets":1,"first":"2020-01-31T14:02:11Z",
"last":"2020-01-31T14:02:11Z","reason":"an answer: no flow opens it"}]'
answer Denied "{\"parameters\":{$denied,\"reader\":{\"state\":\"runs\"},\"packets\":
{\"read\":42,\"unlogged\":1000,\"missed\":0,\"unread\":3,\"forgotten\":0}}}"
COLUMNS=140 ask 0 denied
called '{"method":"io.portd.Denied","parameters":{}}'
says out "41 in          acd-lb1 10.1.0.11 (jtel-acd/ACD-LB) tcp/3306      jtel-acd/rest: 10.1.0.11 is not in ACD-JB"
says out "1 out, passed 198.51.100.7"
grep -q $'\033' "$work/out" && fail "an escape from an address"
says out "tcp/22 answer an answer: no flow opens it"
says out "not listed: 1000 packets came faster than they are logged"
says out "not listed: 3 packets can't be read"
hushes out "too many"
hushes out "nobody reads"
ask 0 denied --since 10m --would --json
called '{"method":"io.portd.Denied","parameters":{"since":600,"would":true}}'
json 'a["denials"][0]["packets"] == 41 and a["packets"]["unlogged"] == 1000'
run 2 denied --since soon
says err "--since 90s"
answer Denied '{"parameters":{"denials":[],"reader":{"state":"busy"},"packets":{}}}'
ask 0 denied
says out "nothing was denied that was seen"
says out "nobody reads what is denied (busy)"
answer Denied "{\"parameters\":{$denied},\"continues\":true}" "{\"parameters\":{$denied},\"continues\":true}"
ask 1 denied --follow --would
called '{"method":"io.portd.Denied","parameters":{"would":true},"more":true}'
says out "out tcp/22 answer to 198.51.100.7\\x1b[31m  passed, 1 so far: an answer: no flow opens it"
hushes out "tcp/3306"
answer Status '{"parameters":{"state":"enforcing","warnings":[],"denied":{"packets":41,"addresses":2,
"would_packets":1,"would_addresses":1}}}'
ask 0 status
says out "denied       41 packets of 2 addresses in the last hour  → portd-ctl denied"
says out "would deny   1 packet of 1 address in the last hour"

# Events until portd goes, which is no success.
answer Watch '{"parameters":{"time":"2020-01-31T14:02:11Z","event":"drift","text":"nft: x"},"continues":true}' \
    '{"parameters":{"time":"2020-01-31T14:02:12Z","event":"apply","text":"generation 2"},"continues":true}'
ask 1 watch
called '{"method":"io.portd.Watch","parameters":{},"more":true}'
says out "2020-01-31 14:02  drift   nft: x"
says out "2020-01-31 14:02  apply   generation 2"
ask 1 watch --json
[ "$(wc -l <"$work/out")" = 2 ] || fail "not a line an event"

# Hangs up, or talks nonsense.
answer Status
ask 1 status
says err "portd hung up"
answer Status '{"unknown":1}'
ask 1 status
says err "another version"

finish
