#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The shipped policies and example sites: they are what the schemas describe, a site may change
# what the vendors allow and nothing else, and what no rule can say is told.
# policies.sh BINARY_DIR POLICY_DIR
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.bash"

PYTHONDONTWRITEBYTECODE=1 python3 "$here/schemas.py" "$policy_dir" >&2 ||
    fail "the shipped files are not what their schemas say"

cd "$work" || exit 1
offline=(--site site.json --policy-dir "$policy_dir")

# site NAME PRODUCT-JSON: the example site of a product, with a drop-in.
site() {
    rm -rf site.json site.d
    mkdir site.d
    install -m 0644 "$policy_dir/examples/$1.site.json" site.json
    echo "{ \"products\": { \"$1\": $2 } }" >site.d/own.json
    chmod 644 site.d/own.json
}

taken() {
    site "$1" "$2"
    run 0 check "${offline[@]}"
    says out "fine"
}

# refused NAME PRODUCT-JSON POINTER [TEXT]: one mistake, at that place.
refused() {
    site "$1" "$2"
    run 1 check "${offline[@]}"
    says err "/products/$1$3: ${4:-}"
    [ "$(wc -l <err)" = 1 ] || { fail "$what: not one mistake"; cat err >&2; }
}

# Theatre Manager: fixed ports stay, mail has a choice, everything else is the site's.
for port in http https card time dns; do
    refused theatre-manager "{ \"ports\": { \"$port\": 4711 } }" "/ports/$port"
done
for port in smtp pop3; do
    refused theatre-manager "{ \"ports\": { \"$port\": 995 } }" "/ports/$port"
done
taken theatre-manager '{ "ports": { "smtp": 465, "pop3": 993, "web-services": 5001, "cache": 8202,
    "web-templates": 8112, "postgres": 5433, "ticket-printer": 10002, "updates": 3128,
    "help": 3128, "rest-api": 8443, "teamviewer": 80, "terminal-server": 443 } }'
taken theatre-manager '{ "peers": { "updates": ["10.2.250.80"], "help": [] } }'

# One port for TeamViewer.
site theatre-manager '{ "ports": { "teamviewer-http": 5938 } }'
run 0 explain --offline "${offline[@]}" --host tm-ws1 out tcp/80 to 198.51.100.129 --json
json 'a["explanation"]["verdict"] == "REJECT"'
run 0 explain --offline "${offline[@]}" --host tm-ws1 out tcp/5938 to 198.51.100.129 --json
json 'a["explanation"]["flow"]["flow"] == "theatre-manager/teamviewer"'

# A terminal server whose port nobody named.
site theatre-manager '{}'
sed -i 's/, "terminal-server": 3389//' site.json
run 0 check "${offline[@]}"
says out "theatre-manager/terminal-server"
says out "/products/theatre-manager/ports/terminal-server"

# MailStore: the licence server by name alone, the product's own ports as the site has them.
refused mailstore-spe '{ "peers": { "license": ["203.0.113.80"] } }' "/peers/license/0"
refused mailstore-spe '{ "peers": { "license": "any" } }' "/peers/license"
taken mailstore-spe '{ "peers": { "license": ["my.mailstore.com", "licence.example.net"] } }'
taken mailstore-spe '{ "peers": { "license": [] } }'
taken mailstore-spe '{ "ports": { "management": 9471, "instance-host": 9472, "client-access": 9473,
    "console": 9470, "api": 9474, "client-https": 8443 } }'

# Therefore: the Mobile Manager has one of two ports.
refused therefore '{ "ports": { "mobile": 8080 } }' "/ports/mobile"
taken therefore '{ "ports": { "mobile": 80, "xml": 8001, "mfp-web": 9372, "mfp-transfer": 9373,
    "sql": 1444 } }'

# noted NAME HOST DIRECTION SERVICE ADDRESS TEXT: what no rule can say is told with the verdict.
noted() {
    run 0 explain --offline --site "$policy_dir/examples/$1.site.json" --policy-dir "$policy_dir" \
        --host "$2" "$3" "$4" "$5" --json
    json "'''$6''' in a['explanation']['flow']['note']"
}
noted theatre-manager tm-db in tcp/5432 10.2.0.31 "TLS 1.2"
noted theatre-manager tm-srv out tcp/587 10.2.250.25 "small mail server within the network"
noted theatre-manager tm-ws1 out tcp/110 198.51.100.110 "Outlook or iCal"
noted theatre-manager tm-term in tcp/3389 192.0.2.33 "VPN"
noted mailstore-spe cas1 in tcp/443 198.51.100.7 "sessions of a user to the same one"
noted mailstore-spe mgmt1 in tcp/8474 10.3.0.31 "by hand"
noted therefore tf-web in tcp/443 10.4.0.61 "TLS has to be enforced"
noted therefore tf-mfpm in tcp/8372 10.4.0.71 "allow-list"

# Each row says what it is for and where it is written, and MailStore's 22 all have the notice.
for product in theatre-manager mailstore-spe therefore jtel-acd; do
    run 0 matrix "$product" --policy-dir "$policy_dir" --json
    json 'len(a["rows"]) > 15 and all(row["title"] and row["ref"] for row in a["rows"])'
done
run 0 matrix mailstore-spe --policy-dir "$policy_dir" --json
json 'len(a["rows"]) == 22 and all("No mail or web proxy" in row["note"] for row in a["rows"])'

finish
