#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl on files: usage, check, explain --offline. ctl_offline.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

cd "$work" || exit 1
mkdir policies own broken
cat >policies/shop.json <<'END'
{
  "format": 1, "product": "shop", "title": "Shop", "source": "made up",
  "roles": { "WEB": { "title": "Web" }, "DB": { "title": "Database" } },
  "peers": { "shoppers": { "title": "Customers" } },
  "features": { "mail": { "title": "Mail", "default": false } },
  "flows": [
    { "id": "web", "from": ["shoppers"], "to": ["WEB"], "services": ["tcp/443"],
      "title": "The shop", "ref": "page 1", "note": "no proxy in between" },
    { "id": "sql", "from": ["WEB"], "to": ["DB"], "services": ["tcp/5432-5433"],
      "title": "Orders", "ref": "page 2" },
    { "id": "mail", "from": ["DB"], "to": ["WEB"], "services": ["tcp/25"], "when": ["mail"],
      "title": "Bills", "ref": "page 3" }
  ]
}
END
cat >site.json <<'END'
{
  "format": 1, "site": "berlin",
  "products": { "shop": { "peers": { "shoppers": "any" } } },
  "hosts": {
    "web1": { "roles": ["shop/WEB"], "addresses": ["10.1.0.1"] },
    "db1": { "roles": ["shop/DB"], "addresses": ["10.1.0.2", "2001:db8::2"] }
  }
}
END
chmod 644 policies/* site.json
files=(--site site.json --policy-dir policies)

# Usage.
run 2
says err "portd-ctl VERB"
run 0 --help
says out "explain"
run 0 --version
says out "portd-ctl "
run 2 stat
says err 'there is no verb "stat"; did you mean "status"?'
run 2 status --yes
says err "status takes no --yes"
run 2 status --nonsense
says err "try: portd-ctl VERB --help"
run 2 status now
says err "usage: portd-ctl status"
run 2 explain in tcp/443
says err "portd-ctl explain --help"

# check: fine.
run 0 check "${files[@]}"
says out "site.json: fine, 2 hosts, 3 flows, 1 policy"
run 0 check "${files[@]}" --host db1 --json
json 'a["site"] == "berlin" and a["hosts"] == 2 and a["mistakes"] == []'

# The examples that are shipped.
for example in "$policy_dir"/examples/*.site.json; do
    run 0 check --site "$example" --policy-dir "$policy_dir"
    says out "$example: fine"
done

# check: every mistake of every file at once.
cp site.json broken/site.json
sed -i 's/10.1.0.1"/10.1.0.300"/; s/"berlin"/7/' broken/site.json
cp policies/shop.json broken/shop.json
sed -i 's/tcp.443/tcp\/0/' broken/shop.json
printf '{' >broken/other.json
mkdir broken/policies
mv broken/shop.json broken/other.json broken/policies
run 1 check --site broken/site.json --policy-dir broken/policies
says err "broken/site.json:2:24: /site: "
says err '"10.1.0.300"'
says err "broken/policies/shop.json:7:"
says err "broken/policies/other.json:1:"
silent out
run 1 check --site broken/site.json --policy-dir broken/policies --json
json 'len(a["mistakes"]) == 4 and all("text" in m and "file" in m for m in a["mistakes"])'

# check: each host without a role is told by name.
sed 's,"roles": \["shop/[A-Z]*"\]\, ,,' site.json >other.json
run 0 check --site other.json --policy-dir policies
says out '! host web1 has no role: only host-baseline applies  → other.json /hosts/web1/roles'
says out '! host db1 has no role: only host-baseline applies  → other.json /hosts/db1/roles'
run 0 check --site other.json --policy-dir policies --host db1 --json
json '[w["text"] for w in a["warnings"] if w["code"] == "no-roles"] == ["host db1 has no role: only host-baseline applies"]'
run 0 check "${files[@]}" --json
json 'not [w for w in a["warnings"] if w["code"] == "no-roles"]'

# check: mistakes of form and unknown names in one go, of a file and of what it refers to.
sed 's,shop/DB,shop/DATABASE,; s/10.1.0.1"/10.1.0.300"/' site.json >other.json
run 1 check --site other.json --policy-dir policies
says err '"10.1.0.300" is not an IPv4 or IPv6 prefix: write an address, as in 10.1.0.21'
says err '"DATABASE" is no role of shop'
mkdir half
sed 's/tcp.443/tcp\/0/; s/"from": \["WEB"\]/"from": ["WEBB"]/' policies/shop.json >half/shop.json
run 1 check --site other.json --policy-dir half
says err 'half/shop.json:7:'
says err '"WEBB" is no role and no peer of this policy; did you mean "WEB"?'
says err '"DATABASE" is no role of shop'
run 1 check --site site.json --policy-dir half --json
json 'len(a["mistakes"]) == 2'
sed 's/"services": \["tcp.443"\]/"services": []/' policies/shop.json >half/shop.json
run 1 check --site site.json --policy-dir half
says err 'must not be empty: give at least one service, as in "tcp/443"'
sed 's,tcp/25",icmp/echo",' policies/shop.json >half/shop.json
run 1 check --site site.json --policy-dir half
says err 'did you mean "icmp/echo-request"?'
sed 's/10.1.0.2"/10.1.0.1"/; s,shop/WEB,shpo/WEB,' site.json >other.json
run 1 check --site other.json --policy-dir policies
says err 'the hosts web1 (other.json:5) and db1 both have 10.1.0.1'
says err 'a virtual address of a cluster is a host of its own'
says err '"shpo" is no product that has a policy; did you mean "shop"?'
for text in '' '{ "format": 1, }' '{ "format": 1 # one'; do
    printf '%s' "$text" >other.json
    run 1 check --site other.json --policy-dir policies
    cat err >>syntax
done
mv syntax err
says err 'other.json:1:1: the file is empty'
says err 'other.json:1:14: not JSON: nothing follows this comma: remove it'
says err 'other.json:1:15: not JSON: it has no comments: remove this one'

# check: a file that can't be read hides what it may have, and nothing else.
chmod 666 half/shop.json
run 1 check --site site.json --policy-dir half
grep -q "no product" err && fail "a site is told of a product whose policy can't be read"
mkdir site.d
echo '{ "hosts": { "web1": { "roles": ["shop/WEB"] } } }' >site.d/web1.json
chmod 666 site.d/web1.json
sed 's,shop/WEB,shop/WAREHOUSE,' site.json >other.json
run 1 check --site other.json --policy-dir policies
grep -q "WAREHOUSE" err && fail "a site is judged without one of its drop-ins"
rm -r site.d

# check: what one file says about another; a broken policy is not taken for a missing one.
run 1 check --site site.json --policy-dir broken/policies
grep -q "no product" "$work/err" && fail "a site is told of a product that is only broken"
sed 's,shop/DB,shop/DATABASE,' site.json >other.json
run 1 check --site other.json --policy-dir policies
says err "DATABASE"
run 1 check "${files[@]}" --host web7
says err "web7"
says err "web1"
run 1 check --site missing.json --policy-dir policies
says err "missing.json: there is no site file"
run 1 check --site site.json --policy-dir missing
says err "missing: no policy"
chmod 666 site.json
run 1 check "${files[@]}"
says err "site.json"
chmod 644 site.json

# Later directories override earlier ones by file name, drop-ins are merged.
sed 's/tcp.443/tcp\/8443/' policies/shop.json >own/shop.json
run 0 matrix --policy-dir policies --policy-dir own --json
json '[r["services"] for r in a["rows"] if r["flow"] == "web"] == [["tcp/8443"]]'
mkdir site.d
echo '{ "hosts": { "db2": { "roles": ["shop/DB"], "addresses": ["10.1.0.3"] } } }' >site.d/10-db2.json
run 0 check "${files[@]}"
says out "3 hosts"
echo '{ "hosts": { "db2": 1 } }' >site.d/20-bad.json
run 1 check "${files[@]}"
says err "site.d/20-bad.json:1:"
rm -r site.d

# ruleset
run 0 ruleset "${files[@]}" --host web1
says out 'tcp . 443 : goto in_tcp_443'
says out 'comment "shop/web"'
run 0 ruleset "${files[@]}" --host web1 --json
json 'a["chains"][0]["name"] == "input" and a["exists"]'
run 1 ruleset "${files[@]}" --host nobody
says err 'db1'

# explain
offline=(explain --offline "${files[@]}")
run 0 "${offline[@]}" --host db1 in tcp/5432 from 10.1.0.1
says out "ACCEPT "
says out "shop/sql"
says out "shop.json:9"
run 0 "${offline[@]}" --host db1 in tcp/5432 10.9.9.9
says out "DROP   no flow of this host opens tcp/5432 to 10.9.9.9"
says out " near  shop/sql"
says out "tcp/5432-5433 from WEB"
run 0 "${offline[@]}" --host web1 out tcp/5432 to 2001:db8::2 --json
json 'a["explanation"]["verdict"] == "ACCEPT" and a["explanation"]["flow"]["flow"] == "shop/sql"'
run 0 "${offline[@]}" --host db1 out tcp/25 to 10.1.0.1
says out "feature mail is off"
run 1 "${offline[@]}" --host nobody in tcp/5432 10.9.9.9
says err "nobody"
run 2 "${offline[@]}" --host db1 in tcp/5432 at 10.9.9.9
run 2 "${offline[@]}" --host db1 inwards tcp/5432 10.9.9.9
run 2 "${offline[@]}" --host db1 in tcp/5432-5433 10.9.9.9
run 2 "${offline[@]}" --host db1 in tcp/5432 10.9.9.900
run 2 explain --host db1 in tcp/5432 10.9.9.9
says err "go with --offline"

# Nobody there.
run 4 status --socket "$work/none"
says err "$work/none: portd is not running: systemctl status portd"
silent out
run 2 off --socket "$work/none"
says err "portd-ctl off --yes"
run 4 off --yes --socket "$work/none"

finish
