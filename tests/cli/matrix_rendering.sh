#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The pages and pictures of portd-ctl matrix as a browser shows them, light, dark and on paper: no
# text leaves its box, nothing overlaps, everything can be read, and a table's head stands on each
# sheet. matrix_rendering.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
here=$(realpath "$(dirname "$0")")
for tool in chromium pdftotext pdfinfo; do
    command -v $tool >/dev/null || { echo "$tool is missing: packaging/dependencies test installs it"; exit 1; }
done

# Nothing that a browser would like to fetch is there: it gets a network without anything.
alone=()
[ "$EUID" != 0 ] || alone=(unshare --net --)
browser() { # option…
    "${alone[@]}" env HOME="$work" timeout 120 chromium --headless --no-sandbox --disable-gpu \
        --disable-dev-shm-usage --no-first-run --disable-background-networking \
        --user-data-dir="$work/profile" --hide-scrollbars "$@" 2>"$work/browser"
}

# measure NAME LIGHT|DARK WIDTH: the page $work/NAME.html has nothing wrong in it.
measure() {
    local scheme=$2 problems options=(--window-size="$3,1000")
    [ "$scheme" = light ] || options+=(--blink-settings=preferredColorScheme=0)
    problems=$(browser "${options[@]}" --dump-dom "file://$work/$1.html" |
        sed -n '/<pre id="problems">/,/<\/pre>/p' | sed 's/<[^>]*>//g')
    [ "${problems%%$'\n'*}" = "measured $scheme" ] ||
        { fail "$1, $scheme: not measured: $problems"; tail -n 3 "$work/browser" >&2; return; }
    [ "$problems" = "measured $scheme" ] || fail "$1, $scheme, $3 wide:" "${problems#*$'\n'}"
}

# On paper: A4, and on each sheet with rows the head of their table.
print() {
    browser --no-pdf-header-footer --print-to-pdf="$work/$1.pdf" "file://$work/$1.html" >/dev/null
    pdfinfo -l 99 "$work/$1.pdf" | grep 'Page .* size:' | grep -v '(A4)' && fail "$1: a sheet that is not A4"
    pdftotext -layout "$work/$1.pdf" "$work/pages"
    python3 - "$work/pages" "$1" <<'END' || failures=$((failures + 1))
import re, sys
pages = open(sys.argv[1]).read().split("\f")[:-1]
rows = [p for p in pages if re.search(r"table, .*row|RFC \d+ section", p)]
if len(rows) < 2:
    sys.exit(f"{sys.argv[2]}: {len(rows)} sheets with rows")
for number, page in enumerate(pages, 1):
    if page in rows and not re.search(r"^ *Flow +From +To +Services|^ *Notes$|Source: ", page, re.M):
        sys.exit(f"{sys.argv[2]}: sheet {number} has rows and no head")
END
}

# with_script FILE: a page with the script that measures it.
with_script() {
    { sed '/<\/body>/,$d' "$1"; echo '<script>//<![CDATA['; cat "$here/matrix_measure.js"; echo '//]]></script></body></html>'; }
}

matrix=("$ctl" matrix --policy-dir "$policy_dir")
pages=()
for product in jtel-acd theatre-manager mailstore-spe therefore host-baseline; do
    "${matrix[@]}" "$product" --format html >"$work/$product.page" || fail "$product"
    pages+=("$product")
done
for site in jtel-acd theatre-manager mailstore-spe therefore mixed; do
    "${matrix[@]}" --site "$policy_dir/examples/$site.site.json" --format html >"$work/at-$site.page" || fail "$site"
    pages+=("at-$site")
done
for page in "${pages[@]}"; do
    with_script "$work/$page.page" >"$work/$page.html"
    measure "$page" light 1280
    measure "$page" dark 1280
done
measure jtel-acd light 420
measure at-mixed dark 420

# The pictures by themselves, all in one page.
{
    echo '<!DOCTYPE html><html><body>'
    for site in jtel-acd theatre-manager mailstore-spe therefore mixed; do
        "${matrix[@]}" --site "$policy_dir/examples/$site.site.json" --format svg | tail -n +2
    done
    "${matrix[@]}" --format svg | tail -n +2
    echo '</body>'
} >"$work/pictures.page"
with_script "$work/pictures.page" >"$work/pictures.html"
measure pictures light 2000
measure pictures dark 2000

# On the screen: paper is white, a dark screen is dark.
corner() { # file: the first pixel of a PNG (RFC 2083), whose first line no filter can change
    python3 -c 'import struct, sys, zlib
data, at, packed = open(sys.argv[1], "rb").read(), 8, b""
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
    at += size + 12
print(*zlib.decompress(packed)[1:4])' "$1"
}
browser --window-size=600,400 --screenshot="$work/light.png" "file://$work/jtel-acd.html" >/dev/null
browser --window-size=600,400 --screenshot="$work/dark.png" --blink-settings=preferredColorScheme=0 \
    "file://$work/jtel-acd.html" >/dev/null
[ "$(corner "$work/light.png")" = "255 255 255" ] || fail "light: $(corner "$work/light.png")"
[ "$(corner "$work/dark.png")" = "20 24 30" ] || fail "dark: $(corner "$work/dark.png")"

for page in jtel-acd at-jtel-acd at-mixed; do
    cp "$work/$page.page" "$work/$page.html"
    print "$page"
done
finish
