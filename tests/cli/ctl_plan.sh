#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl plan, from files and as a portd answers it. ctl_plan.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

cd "$work" || exit 1
mkdir policies
cat >policies/shop.json <<'END'
{
  "format": 1, "product": "shop", "title": "Shop", "source": "made up",
  "roles": { "WEB": { "title": "Web" }, "DB": { "title": "Database" } },
  "ports": { "sql": { "title": "SQL", "default": 5432 } },
  "flows": [ { "id": "sql", "from": ["WEB"], "to": ["DB"], "services": ["tcp/$sql"],
               "title": "Orders", "ref": "page 2" } ]
}
END
cat >old.json <<'END'
{
  "format": 1, "site": "berlin",
  "hosts": {
    "web1": { "roles": ["shop/WEB"], "addresses": ["10.1.0.1"] },
    "web2": { "roles": ["shop/WEB"], "addresses": ["10.1.0.3"] },
    "db1": { "roles": ["shop/DB"], "addresses": ["10.1.0.2", "2001:db8::2"] }
  }
}
END
# site JQ-FILTER: another site file
site() { jq "$1" old.json >new.json && chmod 644 new.json; }
chmod 644 policies/* old.json
files=(--site new.json --against old.json --policy-dir policies)

site .
run 0 plan --offline "${files[@]}" --host db1
says out "nothing is opened or closed on any of 1 host"
run 0 plan --all-hosts "${files[@]}"
says out "nothing is opened or closed on any of 3 hosts"

site '.products.shop.ports.sql = 6000'
run 0 plan --offline "${files[@]}" --host db1
says out "  opens tcp/6000 from 10.1.0.1, 10.1.0.3 (shop/sql): web1, web2"
says out "  closes tcp/5432 from 10.1.0.1, 10.1.0.3 (shop/sql): web1, web2"
hushes out "web2:"
run 0 plan --offline "${files[@]}" --host db1 --json
json 'len(a["hosts"]) == 1 and a["hosts"][0]["opened"][0]["hosts"] == ["web1", "web2"]'
json '[c["service"] for c in a["hosts"][0]["closed"]] == ["tcp/5432"] and "one_ended" not in a'
run 0 plan --all-hosts "${files[@]}" --json
json '[h["host"] for h in a["hosts"]] == ["web1", "web2", "db1"] and a["one_ended"] == []'
run 1 plan --offline "${files[@]}" --host nobody
says err "nobody"

# Hosts that come and go, and modes.
site '.hosts.web3 = { "roles": ["shop/WEB"], "addresses": ["10.1.0.4"] } | del(.hosts.web2) |
    .egress = "audit"'
run 0 plan --all-hosts "${files[@]}"
says out "web3: the site before it doesn't have it"
says out "web2: this site doesn't have it any more"
says out "  egress goes from enforce to audit: nothing is denied any more"
says out "  opens tcp/5432 from 10.1.0.4 (shop/sql): web3"
run 0 plan --offline "${files[@]}" --host web2 --json
json 'a["hosts"][0]["presence"] == "removed" and len(a["hosts"][0]["closed"]) == 1'
run 0 plan --offline "${files[@]}" --host web3 --json
json 'a["hosts"][0]["presence"] == "added" and len(a["hosts"][0]["opened"]) == 1'

# Parts of the policy that are audited.
site '.audit = ["shop/DB"]'
run 0 plan --offline "${files[@]}" --host db1
says out "  shop/DB is only audited: what it would deny passes"
run 0 plan --offline --site old.json --against new.json --policy-dir policies --host db1
says out "  shop/DB is audited no more: what no flow opens there is denied"
run 0 plan --offline "${files[@]}" --host web1
hushes out "shop/DB"

# One end lets out what the other doesn't let in, but for the port that another row opens there.
site '.flows = [
    { "id": "out", "from": ["self"], "to": ["host:db1"], "services": ["tcp/9000-9002"] },
    { "id": "in", "from": ["10.1.0.0/24"], "to": ["host:db1"], "services": ["tcp/9001"] },
    { "id": "own", "from": ["host:db1"], "to": ["self"], "services": ["udp/9100"] },
    { "id": "all", "from": ["self"], "to": ["any"], "services": ["tcp/9300"] }]'
run 3 plan --all-hosts "${files[@]}"
says out "open on one end and closed on the other:"
says out "  tcp/9000 from web1, web2 to db1: let out, but not let in (site/out)"
says out "  tcp/9002 from web1, web2 to db1: let out, but not let in (site/out)"
says out "  udp/9100 from db1 to web1, web2: let in, but not let out (site/own)"
run 3 plan --all-hosts "${files[@]}" --json
json '[g["service"] for g in a["one_ended"]] == ["tcp/9000", "tcp/9002", "udp/9100"]'
json '[g["direction"] for g in a["one_ended"]] == ["out", "out", "in"]'

# Mistakes.
site '.hosts.web1.roles = ["shop/WEBB"]'
run 1 plan --all-hosts "${files[@]}"
says err "WEBB"
run 2 plan --site new.json
says err "go with --offline or --all-hosts"
run 2 plan --all-hosts --remote somewhere
says err "exclude each other"
run 2 plan --all-hosts --host web1
says err "choose one"
run 2 plan --force
says err "plan takes no --force"

# As a portd answers it.
change='{"flow":"p/x","direction":"in","service":"tcp/80","text":"tcp/80 from any (p/x)","hosts":["a","b"]}'
cut='"direction":"in","service":"tcp/22","address":"198.51.100.7","port":50022,"local_port":22,
"flow":"host-baseline/ssh","forwarded":false,"text":"from 198.51.100.7:50022 to tcp/22 here (x)"'
planned='"planned":{"host":"a","opened":['$change'],"closed":[],"modes":[]},"digest":"4f","warnings":[]'
answer Plan "{\"parameters\":{$planned,\"changes\":[\"add rule x\"],\"cut\":2,\"needs_force\":true,
\"connections\":[{$cut,\"own\":true},{$cut,\"own\":false}]}}"
run 3 plan --socket "$socket"
called '{"method":"io.portd.Plan","parameters":{}}'
says out "a: a reload would open 1 and close 0 services, cut 2 live connections; 1 change in the kernel"
says out "  opens tcp/80 from any (p/x): a, b"
says out "  cuts your own session, from 198.51.100.7:50022 to tcp/22 here (x)"
says out "  cuts from 198.51.100.7:50022 to tcp/22 here (x)"
says out "portd-ctl reload --force"
answer Plan "{\"parameters\":{$planned,\"changes\":[],\"cut\":0,\"needs_force\":false,\"connections\":[],
\"blind\":\"open connections can't be listed\"}}"
SSH_CONNECTION='198.51.100.7 50022 10.0.0.1 22' run 0 plan --socket "$socket"
called '{"method":"io.portd.Plan","parameters":{"session":"198.51.100.7 50022 10.0.0.1 22"}}'
says out "a: a reload would change nothing"
says out "! open connections can't be listed"
answer Reload '{"error":"io.portd.Refused","parameters":{"text":"this would cut your own session"}}'
SSH_CONNECTION='198.51.100.7 50022 10.0.0.1 22' run 1 reload --force --socket "$socket"
called '{"method":"io.portd.Reload","parameters":{"force":true,"session":"198.51.100.7 50022 10.0.0.1 22"}}'
says err "this would cut your own session"

finish
