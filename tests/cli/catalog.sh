#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The message catalog, as journalctl reads it: a text for each message id that portd logs, and
# none for another; no field that no entry has.
# catalog.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
source_dir=$(realpath "$(dirname "$0")/../..")
catalog=$source_dir/systemd/portd.catalog

command -v journalctl >/dev/null || { echo "no journalctl"; exit 77; }
mkdir -p "$work/root/usr/lib/systemd/catalog" "$work/root/var/lib/systemd/catalog"
cp "$catalog" "$work/root/usr/lib/systemd/catalog"
what="journalctl --update-catalog"
SYSTEMD_LOG_LEVEL=info journalctl --root="$work/root" --update-catalog 2>"$work/complaints" ||
    fail "it is refused"
[ -s "$work/complaints" ] && fail "$(cat "$work/complaints")"

what="the catalog"
journalctl --root="$work/root" --list-catalog >"$work/list"
cut -d' ' -f1 "$work/list" | sort >"$work/explained"
sed -nE 's/^#define LOG_ID_[A-Z_]+ +"([0-9a-f]{32})"$/\1/p' "$source_dir/daemon/log.h" |
    sort >"$work/logged"
[ -s "$work/logged" ] || fail "daemon/log.h has no message ids"
diff "$work/logged" "$work/explained" >&2 || fail "not the message ids of daemon/log.h"
[ "$(uniq "$work/logged" | wc -l)" = "$(wc -l <"$work/logged")" ] || fail "an id twice"
while read -r id; do
    what="catalog of $id"
    journalctl --root="$work/root" --dump-catalog "$id" >"$work/entry"
    grep -q '^Subject: .' "$work/entry" || fail "no subject"
    [ "$(sed '1,/^$/d' "$work/entry" | grep -c .)" -ge 3 ] || fail "says too little"
done <"$work/logged"
what="a field of the catalog"
for field in $(grep -oE '@[A-Z_]+@' "$catalog" | tr -d @ | sort -u); do
    grep -rqF "\"$field\"" "$source_dir/daemon" || fail "no entry has $field"
done

finish
