#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl doctor on a booted machine: nothing to mend after the packages, then one thing after the
# other, as systemd tells it.
#   test_doctor.sh PACKAGES   where portd_*.deb and portd-policies_*.deb are
LAB_TIMEOUT=800
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$(realpath "$1")
boot_images bookworm
boot_isolate "$@"
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND"' ERR
lab_use mailstore-spe

server() { boot_in server "$@"; }
examine() { server portd-ctl doctor --json >"$boot_state/doctor" || [ $? = 3 ]; }
# finds CODE…: these problems, and no others.
finds() {
    local want
    want=$(printf '%s\n' "$@" | sort)
    examine
    [ "$(jq -r '.findings[] | select(.level == "problem") | .code' "$boot_state/doctor" | sort -u)" = "$want" ] || {
        echo "FAILED: not $*"
        cat "$boot_state/doctor"
        return 1
    }
    lab_say "${*:-nothing}"
}
finds_soon() { # when systemd or portd has to notice it first
    boot_until 20 finds "$@" || true
    finds "$@"
}

boot_machine server bookworm 10.3.0.11/16 2001:db8:3::11/48
cp "$packages"/portd_0*.deb "$packages"/portd-policies_0*.deb "$boot_state/server/root/root/"
echo "203.0.113.80 my.mailstore.com" >>"$boot_state/server/root/etc/hosts"
boot_start server
server sh -c 'DEBIAN_FRONTEND=noninteractive apt-get -qq install /root/*.deb' >"$boot_state/apt" 2>&1
finds portd-silent site-missing unit-no-site
boot_put server /etc/portd/site.json <"$lab_site"
server hostname mgmt1
server systemctl start portd
finds_soon ""

server portd-ctl doctor
server systemctl stop portd-resolver
finds_soon resolver-down
server systemctl start portd-resolver
server systemctl -q disable portd
finds unit-disabled
server systemctl -q enable portd
# A file that root can read and portd can't.
server chmod 640 /etc/portd/site.json
server systemctl restart portd
finds_soon changed-on-disk last-good path-mode state-degraded
server chmod 644 /etc/portd/site.json
server portd-ctl reload >/dev/null
server systemctl -q enable --now nftables
finds "" # the table is sealed
server systemctl stop portd
finds manager-nftables portd-silent unit-inactive
server systemctl -q mask portd
finds manager-nftables portd-silent unit-inactive unit-masked
server systemctl -q unmask portd
server systemctl -q disable --now nftables
server systemctl start portd
finds_soon ""
