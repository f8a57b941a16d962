#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a vendor doesn't allow a site to change is refused whole, and each mistake is told with its
# file, line, column, pointer and reason.  refusals.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

cd "$work" || exit 1
mkdir site.d

# refused PRODUCT MISTAKE...: its example site with the drop-in on stdin has these mistakes, in this
# order, and no others.
refused() {
    install -m 0644 "$policy_dir/examples/$1.site.json" site.json
    cat >site.d/own.json
    chmod 644 site.d/own.json
    shift
    run 1 check --site site.json --policy-dir "$policy_dir"
    silent out
    printf '%s\n' "$@" | cmp -s - err || { fail "$what: not these mistakes:" "$@"; cat err >&2; }
}

at=site.d/own.json
refused theatre-manager \
    "$at:4:52: /products/theatre-manager/features/web-sales: \"web-sales\" is no feature of this \
product (there are: facility-management, remote-access and rest-api)" \
    "$at:6:18: /products/theatre-manager/ports/https: the vendor fixes the port https at 443: \
remove this line" \
    "$at:7:17: /products/theatre-manager/ports/smtp: the vendor leaves no choice of 26 for the \
port smtp, only of 25, 465 and 587" <<'END'
{
  "products": {
    "theatre-manager": {
      "features": { "rest-api": true, "web-sales": true },
      "ports": {
        "https": 8443,
        "smtp": 26,
        "cache": 8202
      }
    }
  }
}
END

refused mailstore-spe \
    "$at:4:50: /products/mailstore-spe/peers/license/1: the vendor wants license to be known by \
host names alone, for its addresses change: write names, as in \"my.mailstore.com\", or [] for \
nobody" <<'END'
{
  "products": {
    "mailstore-spe": {
      "peers": { "license": ["my.mailstore.com", "203.0.113.80"] }
    }
  }
}
END

finish
