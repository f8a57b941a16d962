#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl matrix: the vendors' tables and who may reach whom at a site, in every format.
# ctl_matrix.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
command -v cmark-gfm >/dev/null || { echo "cmark-gfm is missing: packaging/dependencies test installs it"; exit 1; }
formats=$(realpath "$(dirname "$0")/matrix_formats.py")

cd "$work" || exit 1
mkdir policies
cat >policies/shop.json <<'END'
{
  "format": 1, "product": "shop", "title": "Shop", "source": "made up",
  "roles": { "WEB": { "title": "Web" }, "DB": { "title": "Database" }, "DESK": { "title": "Desks" } },
  "peers": { "shoppers": { "title": "Customers" },
             "license": { "title": "Licences", "hostnames": ["license.example.net"] } },
  "features": { "mail": { "title": "Mail", "default": false } },
  "ports": { "sql": { "title": "Orders", "default": 5432, "choices": [5432, 6432] },
             "web": { "title": "The shop", "default": 443, "fixed": true },
             "rdp": { "title": "Desk" } },
  "flows": [
    { "id": "web", "from": ["shoppers"], "to": ["WEB"], "services": ["tcp/$web"],
      "title": "The shop", "ref": "page 1", "note": "no proxy in between" },
    { "id": "sql", "from": ["WEB"], "to": ["DB"], "services": ["tcp/$sql", "tcp/7000-7001"],
      "title": "Orders", "ref": "page 2" },
    { "id": "mail", "from": ["DB"], "to": ["WEB"], "services": ["tcp/25"], "when": ["mail"],
      "title": "Bills", "ref": "page 3" },
    { "id": "desk", "from": ["internal"], "to": ["DESK"], "services": ["tcp/$rdp"],
      "title": "Desks", "ref": "page 4" },
    { "id": "license", "from": ["WEB"], "to": ["license"], "services": ["tcp/443"],
      "title": "Licences", "ref": "page 5" }
  ]
}
END
cat >site.json <<'END'
{
  "format": 1, "site": "berlin",
  "products": { "shop": { "peers": { "shoppers": ["192.0.2.0/24", "2001:db8:9::/48"] }, "ports": { "sql": 6432 } } },
  "hosts": {
    "web1": { "roles": ["shop/WEB"], "addresses": ["10.1.0.1"] },
    "web2": { "roles": ["shop/WEB"], "addresses": ["10.1.0.2"] },
    "web6": { "roles": ["shop/WEB"], "addresses": ["2001:db8::6"] },
    "db1": { "roles": ["shop/DB"], "addresses": ["10.1.0.9"] }
  },
  "flows": [
    { "id": "out", "from": ["host:db1"], "to": ["any"], "services": ["tcp/440-450"], "title": "Out" },
    { "id": "watch", "from": ["10.9.0.0/28"], "to": ["all"], "services": ["tcp/9100"] }
  ]
}
END
chmod 644 policies/* site.json
files=(--site site.json --policy-dir policies)

# all_formats NAME ARGUMENT…: each format, held against the others and against itself again.
all_formats() {
    local name=$1 format
    shift
    mkdir -p "all/$name"
    for format in text json csv markdown html svg; do
        run 0 matrix "$@" --format $format
        silent err
        cp out "all/$name/$format"
        LC_ALL=C run 0 matrix "$@" --format $format
        [ $format = text ] || cmp -s out "all/$name/$format" || fail "$what: another time it is another"
    done
    python3 "$formats" "all/$name" || fail "matrix $*"
}

# --- usage ---
run 2 matrix --policy-dir policies --format yaml
says err 'there is no format "yaml", there are: text, json, csv, markdown, html, svg'
run 2 matrix --policy-dir policies --format csv --json
says err "--json and --format csv exclude each other"
run 2 matrix --policy-dir policies --host web1
says err "--host goes with --site"
run 0 matrix --help
says out "--format FORMAT"
says out "text, json (as --json), csv, markdown, html or svg"
run 1 matrix shopp --policy-dir policies
says err "there are: shop"
run 1 matrix "${files[@]}" --host web7
says err 'site.json has no host "web7"; there are: web1 web2 web6 db1'
run 1 matrix shopp "${files[@]}"
says err "there are: shop"
run 1 matrix host-baseline "${files[@]}"
cp -r policies more
sed 's/"shop"/"stall"/' policies/shop.json >more/stall.json
run 1 matrix stall --site site.json --policy-dir more
says err "site.json does not use stall: no host has a role in it"

# --- the vendor's table ---
run 0 matrix shop --policy-dir policies
says out "shop: Shop"
says out "source: made up"
says out "tcp/\$rdp (the site names it)"
grep -qE '^FLOW +FROM +TO +SERVICES +WHEN +TITLE$' out || fail "$what: no column FLOW comes first"
grep -qE '^sql +WEB +DB +tcp/5432, tcp/7000-7001 +Orders$' out || fail "$what: no row sql"
grep -qE '^web +page 1 +no proxy in between$' out || fail "$what: no note of web"
grep -qE '^shoppers +Customers +nobody until bound$' out || fail "$what: no peer shoppers"
grep -qE '^license +Licences +license.example.net until bound$' out || fail "$what: no peer license"
grep -qE '^mail +Mail +off until a site says otherwise$' out || fail "$what: no feature mail"
grep -qE '^sql +Orders +5432 a site may choose 5432 or 6432$' out || fail "$what: no port sql"
grep -qE '^web +The shop +443 the vendor fixes it$' out || fail "$what: no port web"
grep -qE '^rdp +Desk +the site names it$' out || fail "$what: no port rdp"
run 0 matrix shop --policy-dir policies --json
json 'list(a) == ["rows"] and len(a["rows"]) == 5'
json 'a["rows"][3]["services"] == ["tcp/$rdp"] and a["rows"][0]["note"] == "no proxy in between"'
cp out json
run 0 matrix shop --policy-dir policies --format json
cmp -s out json || fail "--json is not --format json"
all_formats vendor --policy-dir policies

# Texts that mean something to one of the formats.
mkdir nasty
python3 - policies/shop.json >nasty/shop.json <<'END'
import json, sys
shop = json.load(open(sys.argv[1]))
texts = ["=1+1", "-2", "@home", "+49", "a|b", "<b>bold</b> & \"so\" 'on'", "*x* _y_ `z` [l](u) # $m$ ~s~",
         "\\| back", "\uffff last", "]]>", "end </style><script>alert(1)</script>", "ünï 日本 \U0001f600"]
shop["flows"] = [dict(shop["flows"][1], id=f"f{i}", title=t, note=t, ref=t, broadcast=i % 2 == 0)
                 for i, t in enumerate(texts)]
shop["notes"] = texts
shop["title"] = "Shop & <Co>"
shop["roles"]["WEB"]["title"] = "Web </title> & 'more'"
json.dump(shop, sys.stdout)
END
all_formats nasty --policy-dir nasty
run 0 matrix shop --policy-dir nasty
says out "broadcast"
says out "- =1+1"

# The width of the screen.
mkdir wide
services=$(printf '"tcp/%s", ' {1001..1060})
sed "s|\"tcp/\$web\"|${services%, }|" policies/shop.json >wide/shop.json
width() { awk '{ if (length > n) n = length } END { print n + 0 }' out; }
run 0 matrix shop --policy-dir wide
[ "$(width)" -le 100 ] || fail "$what: $(width) columns wide"
COLUMNS=70 run 0 matrix shop --policy-dir wide
[ "$(width)" -le 70 ] || fail "$what: $(width) columns wide"
COLUMNS=500 run 0 matrix shop --policy-dir wide
[ "$(width)" -gt 400 ] || fail "$what: $(width) columns wide"

# --- a site ---
run 0 matrix "${files[@]}" --json
json 'list(a) == ["site", "ingress", "egress", "rows"] and a["site"] == "berlin"'
# passes FROM TO: the services on which somebody may reach somebody.
reach='sorted({s for r in a["rows"] if %s in r["from"] and %s in r["to"] for s in r["services"]})'
passes() { printf "$reach" "\"$1\"" "\"$2\""; }
json "$(passes web1 db1) == ['tcp/6432', 'tcp/7000-7001']" # the site's port
json "$(passes web6 db1) == []"                            # no family in common
json "$(passes db1 web1) == []"                            # the feature is off
json "$(passes web1 web2) == []"
json "$(passes 'shoppers (192.0.2.0/24, 2001:db8:9::/48)' web1) == ['tcp/443']"
json "$(passes web6 'license (license.example.net)') == ['tcp/443']"
json "$(passes db1 any) == ['tcp/440-450']"
json "$(passes 10.9.0.0/28 db1) == ['tcp/9100']"
json "$(passes 10.9.0.0/28 web6) == []"
json 'not [r for r in a["rows"] if r["flow"] in ("mail", "desk")]' # nobody has the role, nobody the port
json 'len([r for r in a["rows"] if r["flow"] == "sql"]) == 1'      # pairs of one kind are one row
all_formats site "${files[@]}"

# One flow lets out, another lets in.
sed 's,"shoppers": \[[^]]*\],"shoppers": "any",; s,\["shop/DB"\],[],' site.json >open.json
run 0 matrix --site open.json --policy-dir policies --json
json "$(passes db1 web1) == ['tcp/443']"
json '[r["note"] for r in a["rows"] if r["flow"] == "web" and "db1" in r["from"]] == ["no proxy in between The way out is opened by site/out."]'

# Narrowed to a product, to the site's own rows, to a host.
run 0 matrix shop "${files[@]}" --json
json '{r["product"] for r in a["rows"]} == {"shop"}'
run 0 matrix site "${files[@]}" --json
json '{r["product"] for r in a["rows"]} == {"site"}'
run 0 matrix "${files[@]}" --host db1 --json
json 'all("db1" in (r["from"], r["to"])[r["from"] != ["db1"]] for r in a["rows"])'
json "$(passes web1 db1) == ['tcp/6432', 'tcp/7000-7001'] and $(passes db1 any) == ['tcp/440-450']"
json "$(passes web1 'license (license.example.net)') == []"
all_formats host "${files[@]}" --host db1
run 0 matrix "${files[@]}" --host db1
says out "berlin: who may reach db1, and whom it may reach"

# As text: by who is asked, what is closed and why.
COLUMNS=160 run 0 matrix "${files[@]}"
says out "berlin: who may reach whom"
says out "To db1 (shop/DB)"
grep -qE '^web1, web2 +tcp/6432, tcp/7000-7001 +shop/sql +Orders$' out || fail "$what: no row sql"
grep -qE '^desk +page 4 +closed: the site does not name the port rdp$' out || fail "$what: desk is not closed"
grep -qE '^mail +page 3 +closed: the feature mail is off$' out || fail "$what: mail is not closed"
grep -qE '^sql +Orders +6432 instead of 5432$' out || fail "$what: no port sql"
grep -qE '^license +Licences +license.example.net$' out || fail "$what: no peer license"
sed 's,"shoppers": \[[^]]*\],"license": [],' site.json >unbound.json
COLUMNS=160 run 0 matrix --site unbound.json --policy-dir policies
grep -qE '^web .*closed: the site does not say who shoppers is$' out || fail "$what: web is not closed"
grep -qE '^shoppers +Customers +nobody: the site does not say who$' out || fail "$what: shoppers are somebody"
grep -qE '^license +Licences +nobody$' out || fail "$what: license is somebody"
grep -q 'shoppers (' out && fail "$what: shoppers are on an end"
sed 's/"site": "berlin",/"site": "berlin", "egress": "audit",/' site.json >audit.json
run 0 matrix --site audit.json --policy-dir policies
says out "! The site has ingress on enforce and egress on audit"
chmod 666 site.json
run 1 matrix "${files[@]}"
says err "site.json"
chmod 644 site.json

# --- a thousand hosts: bounded, and still the same answer ---
python3 - >big.json <<'END'
import json
roles = ["WEB", "DB", "DESK"]
print(json.dumps({"format": 1, "site": "big", "products": {"shop": {"peers": {"shoppers": "any"}, "ports": {"rdp": 3389}}},
    "hosts": {f"h{i}": {"roles": ["shop/" + roles[i % 3]],
                        "addresses": [f"10.1.{i // 250}.{i % 250 + 1}"] + [f"2001:db8::{i + 1:x}"] * (i % 5 > 0)}
              for i in range(1000)}}))
END
chmod 644 big.json
for format in text json csv markdown html svg; do
    timeout 60 "$ctl" matrix --site big.json --policy-dir policies --format $format >out 2>err || fail "a thousand hosts, $format"
    [ "$(stat -c %s out)" -lt 400000 ] || fail "a thousand hosts, $format: $(stat -c %s out) bytes"
    [ $format != text ] || says out "h0 and 66 alike"
    [ $format != html ] || says out "h0 and 66 alike"
done
run 0 matrix --site big.json --policy-dir policies --json
json "$(passes h0 h1) == ['tcp/5432', 'tcp/7000-7001'] and $(passes h1 h0) == ['tcp/443'] and $(passes h1 h2) == ['tcp/3389']"
json 'len(a["rows"]) < 40'

# --- what is shipped ---
for product in jtel-acd theatre-manager mailstore-spe therefore host-baseline; do
    all_formats "$product" "$product" --policy-dir "$policy_dir"
done
all_formats everything --policy-dir "$policy_dir"
for site in "$policy_dir"/examples/*.site.json; do
    all_formats "$(basename "$site")" --policy-dir "$policy_dir" --site "$site"
done
finish
