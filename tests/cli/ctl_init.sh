#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl init: a site file to begin with. ctl_init.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
fill=$(realpath "$(dirname "$0")")/fill_blanks.py
cd "$work" || exit 1

# What no shipped policy has together: ports of every kind, peers of every kind, a role of a name
# that another product has, systems.
mkdir policies
cp "$policy_dir"/*.json policies
cat >policies/shop.json <<'END'
{
  "format": 1, "product": "shop", "title": "Shop",
  "roles": { "WEB": { "title": "Web <servers>" }, "CAS": {} },
  "peers": { "shoppers": { "title": "Customers", "default": "any" },
             "bank": { "title": "The bank", "hostnames": ["pay.example.net"] },
             "courier": { "title": "Couriers", "hostnames_only": true },
             "office": {} },
  "features": { "mail": { "title": "Mail", "default": true } },
  "ports": { "web": { "default": 443 }, "smtp": { "title": "Mail", "choices": [25, 465, 587] },
             "till": {}, "imap": { "default": 143, "choices": [143, 993] } },
  "flows": [
    { "id": "web", "from": ["shoppers"], "to": ["WEB"], "services": ["tcp/$web"], "title": "t", "ref": "r" },
    { "id": "pay", "from": ["WEB"], "to": ["bank", "courier"], "services": ["tcp/$till"], "title": "t", "ref": "r" },
    { "id": "mail", "from": ["CAS"], "to": ["office"], "services": ["tcp/$smtp", "tcp/$imap"], "title": "t", "ref": "r" },
    { "id": "rdp", "from": ["office"], "to": ["os:windows"], "services": ["tcp/3389"], "title": "t", "ref": "r" }
  ]
}
END
cat >policies/plain.json <<'END'
{ "format": 1, "product": "plain", "title": "No roles", "flows": [
  { "id": "f", "from": ["any"], "to": ["self"], "services": ["tcp/1"], "title": "t", "ref": "r" } ] }
END
dirs=(--policy-dir policies)

# The law: one mistake for each blank and nothing else; once filled in, nothing at all.
law() { # ARGUMENT...: of init
    local blanks
    rm -rf site.json site.d
    run 0 init "$@" "${dirs[@]}" --site site.json
    blanks=$(sed -n 's/^\([0-9]*\) blanks\? "<...>" to fill in, then: .*/\1/p' out)
    run 1 check --site site.json "${dirs[@]}" --json
    json "$blanks > 3 and $blanks == len(a['mistakes']) == len({
        (m['line'], m['column'], m['text']) for m in a['mistakes']
        if m['text'].startswith('still to be filled in: ') and m['file'] == 'site.json'})"
    [ "$(python3 -IS "$fill" site.json)" = "$blanks" ] || fail "init $*: not $blanks blanks"
    run 0 check --site site.json "${dirs[@]}" --json
    json 'a["mistakes"] == [] and not {w["code"] for w in a["warnings"]} & {
        "peer-unbound", "port-unnamed", "no-management"}'
}
products=()
for policy in policies/*.json; do
    product=$(basename "$policy" .json)
    case $product in *.schema | host-baseline) ;; *) products+=("$product") ;; esac
done
[ ${#products[@]} -ge 6 ] || fail "only ${products[*]}"
for i in "${!products[@]}"; do
    law "${products[i]}"
    law "${products[i]}" --host one --host two
    for other in "${products[@]:i+1}"; do law "${products[i]}" "$other"; done
done
law "${products[@]}"

# The file on standard output, what to do next beside it.
run 0 init shop "${dirs[@]}"
says err 'portd-ctl check --site FILE --policy-dir policies'
says err 'shop peers, any address unless bound: shoppers (Customers)'
says err 'shop peers, by these names unless bound: bank pay.example.net (The bank)'
says err 'shop ports, of which the vendor leaves a choice: smtp 25, 465 and 587 (Mail), imap 143 and 993'
says err 'shop features: mail on (Mail)'
says err 'shop os of a host: linux or windows'
says err 'host-baseline features: ping on'
says err 'nothing is denied yet; portd-ctl status says what would be'
cat >wanted <<'END'
{
  "format": 1,
  "site": "<the name of the site, as in berlin>",
  "ingress": "audit",
  "egress": "audit",
  "deny": { "ingress": "drop", "egress": "reject" },
  "management": ["<networks from which hosts are administered, as in 10.0.0.0/24>"],
  "products": {
    "shop": {
      "features": { "mail": true },
      "ports": {
        "smtp": "<Mail: one of 25, 465 and 587, without quotation marks>",
        "till": "<till: a number without quotation marks, 1 to 65535>",
        "imap": 143
      },
      "peers": {
        "courier": ["<Couriers, as in licence.example.net>"],
        "office": ["<office, as in 10.9.0.0/24>"]
      }
    }
  },
  "hosts": {
    "<the name of a host, WEB: Web <servers>>": {
      "roles": ["shop/WEB"],
      "addresses": ["<an address of this host, as in 10.1.0.21>"],
      "os": "linux"
    },
    "<the name of a host, CAS>": {
      "roles": ["shop/CAS"],
      "addresses": ["<an address of this host, as in 10.1.0.21>"],
      "os": "linux"
    }
  }
}
END
cmp wanted out || fail "$what: another text: $(diff wanted out)"
cp out piped.json
chmod 644 piped.json
run 1 check --site piped.json "${dirs[@]}"
says err 'piped.json:13:17: /products/shop/ports/till: still to be filled in: till: a number without quotation marks, 1 to 65535'
says err '/hosts/<the name of a host, CAS>: still to be filled in: the name of a host, CAS'

# Hosts with their roles: by name as long as one product has such a role.
run 0 init mailstore-spe shop "${dirs[@]}" --host a=MGMT,WEB --host b=shop/CAS,mailstore-spe/CAS --host c
python3 - out <<'END' || fail "$what: other hosts: $(cat out)"
import json, sys
hosts = json.load(open(sys.argv[1]))["hosts"]
assert list(hosts) == ["a", "b", "c"]
assert hosts["a"] == {"roles": ["mailstore-spe/MGMT", "shop/WEB"], "os": "linux",
                      "addresses": ["<an address of a, as in 10.1.0.21>"]}
assert hosts["b"]["roles"] == ["shop/CAS", "mailstore-spe/CAS"]
assert hosts["c"]["roles"] == ["<what c is, one of mailstore-spe/MGMT, mailstore-spe/CAS, "
                               "mailstore-spe/IH, shop/WEB, shop/CAS>"]
END
run 0 init mailstore-spe "${dirs[@]}" --host a=MGMT
grep -q '"os"' out && fail "$what: asks for a system that no row asks for"
run 0 init mailstore-spe shop "${dirs[@]}"
says out '"<the name of a host, shop CAS>"'
says out '"<the name of a host, mailstore-spe CAS: Client Access Servers>"'

run 0 init shop "${dirs[@]}" --json
json 'a["site"]["products"]["shop"]["ports"]["imap"] == 143 and "file" not in a'
json 'a["next"] == "portd-ctl check --site FILE --policy-dir policies" and len(a["notes"]) == 8'
silent err

# A file, which anybody may read, and which is never written again.
rm -rf site.json site.d
(umask 077 && "$ctl" init shop "${dirs[@]}" --host a=WEB --site site.json >out 2>err) || fail "init --site: $(cat err)"
says out 'site.json: written'
says out '7 blanks "<...>" to fill in, then: portd-ctl check --site site.json --policy-dir policies'
[ "$(stat -c %a site.json)" = 644 ] || fail "site.json is $(stat -c %A site.json)"
run 1 init shop "${dirs[@]}" --site site.json
says err 'site.json exists and is never overwritten: name another file with --site'
silent out
ln -s nowhere link.json
run 1 init shop "${dirs[@]}" --site link.json
says err 'link.json exists and is never overwritten'
[ "$(readlink link.json)" = nowhere ] || fail "$what: the link is gone"
run 1 init shop "${dirs[@]}" --site missing/site.json
says err "missing/site.json can't be written: No such file or directory: make its directory first"

# Hosts for a site that exists: a drop-in, once the site is in order.
cp site.json before.json
run 1 init shop "${dirs[@]}" --host b=CAS --site site.json
says err '/products/shop/ports/till: still to be filled in'
says err 'nothing is added to site.json before these are mended'
"$fill" site.json >/dev/null
cp site.json before.json
(umask 077 && "$ctl" init shop mailstore-spe "${dirs[@]}" --host b=shop/CAS --host c=IH --site site.json >out 2>err) ||
    fail "init --host with a site: $(cat err)"
says out 'site.d/b.json: written, merged over the site'
says out 'mailstore-spe features: pairing off'
grep -q "shop\|host-baseline" out && fail "tells of what the site has already: $(cat out)"
cmp site.json before.json || fail "the site was changed"
[ "$(stat -c %a site.d site.d/b.json)" = $'755\n644' ] || fail "site.d is $(stat -c %A site.d site.d/b.json)"
python3 - site.d/b.json <<'END' || fail "another drop-in: $(cat site.d/b.json)"
import json, sys
drop_in = json.load(open(sys.argv[1]))
assert list(drop_in) == ["products", "hosts"] and list(drop_in["products"]) == ["mailstore-spe"]
assert {n: h["roles"] for n, h in drop_in["hosts"].items()} == \
    {"b": ["shop/CAS"], "c": ["mailstore-spe/IH"]}
END
run 1 check --site site.json "${dirs[@]}" --json
json 'len(a["mistakes"]) == 4 and {m["file"] for m in a["mistakes"]} == {"site.d/b.json"}'
sed -i 's/<an address of b, .*>/10.8.0.1/; s/<an address of c, .*>/10.8.0.2/; s,<.*>,10.8.1.0/24,' site.d/b.json
run 0 check --site site.json "${dirs[@]}"
says out 'site.json: fine, 3 hosts'
run 1 init shop "${dirs[@]}" --host d=CAS --host a=CAS --host c --site site.json
says err 'site.json:1:'
says err 'the host a is in the site already: change it here'
says err 'site.d/b.json:17:10: the host c is in the site already: change it here'
mv site.d/b.json site.d/d.json
run 1 init shop "${dirs[@]}" --host d=CAS --site site.json
says err 'site.d/d.json exists and is never overwritten: add the hosts there'

# What can't be meant, all of it at once.
run 1 init shpo shop shop host-baseline "${dirs[@]}"
says err '"shpo" is no product that has a policy; did you mean "shop"? (there are: jtel-acd, mailstore-spe, plain, shop, '
says err 'the product shop is named twice'
says err 'host-baseline applies to every host without being named: leave it out'
run 1 init mailstore-spe shop "${dirs[@]}" --host a_b=WBE --host c=CAS,mailstore-spe/WEB,WEB,shop/WEB \
    --host c=sohp/WEB, --json
json '[m["text"].split(" (there")[0] for m in a["mistakes"]] == [
"host \"a_b\": this is not a name: 1 to 63 letters, digits, '"'.' and '-'"', the first a letter or digit",
"host \"a_b\": \"WBE\" is no role of these products; did you mean \"WEB\"?",
"host c: several products have a role CAS: write product/ROLE, as in mailstore-spe/CAS",
"host c: \"WEB\" is no role of mailstore-spe",
"host c: shop/WEB is named twice",
"host c: it is named twice: give it all its roles at once, as in c=A,B",
"host c: \"sohp\" is no product that was named; did you mean \"shop\"?",
"host c: \"\" is no role of these products"]'
run 2 init
says err 'usage: portd-ctl init PRODUCT...'
run 2 init shop --yes
says err 'init takes no --yes'
run 2 status --host a
says err 'status takes no --host'

finish
