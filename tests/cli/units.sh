#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The units and users that an installation puts in place, as systemd's own tools judge them.
# units.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
build=$(realpath "$1/..")
root=$work/root

what="cmake --install"
DESTDIR=$root cmake --install "$build" >"$work/install" || fail "$(cat "$work/install")"
service=$(find "$root" -name portd.service -printf '%P\n')
units=$root/$(dirname "$service")
mkdir -p "$root/usr/lib/systemd/system"
cp /lib/systemd/system/*.target "$root/usr/lib/systemd/system"

for unit in portd.service portd-resolver.service portd-metrics.service portd-metrics.timer; do
    what="systemd-analyze verify $unit"
    systemd-analyze verify --man=no --root="$root" "$units/$unit" >"$work/out" 2>&1 ||
        fail "it is refused"
    silent out
done

# exposed UNIT TENTHS: how much of the system it may reach at most, by systemd's count.
exposed() {
    what="systemd-analyze security $1"
    systemd-analyze security --offline=true --no-pager --threshold="$2" "$units/$1" \
        >"$work/out" 2>&1 || { fail "more than $2"; grep -v '^✓' "$work/out" >&2; }
}
exposed portd.service 12
exposed portd-resolver.service 11
exposed portd-metrics.service 8

what="systemd-sysusers"
mkdir -p "$root/etc"
systemd-sysusers --root="$root" "$(find "$root" -path '*/sysusers.d/portd.conf')" ||
    fail "it is refused"
for user in _portd _portd-resolver _portd-metrics; do
    grep -q "^User=$user$" "$units"/*.service || fail "no unit runs as $user"
    grep -q "^$user:.*nologin$" "$root/etc/passwd" || fail "there is no user $user"
done
grep -q '^portd:' "$root/etc/group" || fail "there is no group portd"

finish
