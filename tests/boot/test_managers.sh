#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Other firewall managers on the same booted machine: whatever they start, load or flush, portd's
# table stays as it is.
#   test_managers.sh PACKAGES   where portd_*.deb and portd-policies_*.deb are
LAB_TIMEOUT=800
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$(realpath "$1")
boot_images bookworm-managers bookworm
boot_isolate "$@"
# shellcheck source=tests/boot/archive.sh
. "$boot_dir/archive.sh"

archive_machines bookworm-managers
for service in nftables firewalld ufw; do
    systemctl --quiet --root="$boot_state/server/root" disable $service.service
done
systemctl --quiet --root="$boot_state/server/root" enable nftables.service
for name in portd portd-policies; do
    cp "$packages/$name"_*.deb "$boot_state/server/root/root/$name.deb"
done
archive_site
boot_start server
boot_start neighbour
apt_get install /root/portd.deb /root/portd-policies.deb
boot_until 30 status_is enforcing sealed
listing >"$boot_state/wanted"
watch_start

# They deny on their own whatever they like: what portd closes stays closed.
beside() { # command…
    step "$*"
    server "$@" >"$boot_state/said" 2>&1 || { cat "$boot_state/said"; failed "$*"; }
    judge_ruleset
    knock closed_doors
}
beside systemctl start firewalld.service
tables | grep firewalld >/dev/null || failed "firewalld wrote nothing"
beside firewall-cmd --reload
beside firewall-cmd --complete-reload
beside systemctl stop firewalld.service
beside ufw --force enable
server iptables-save | grep ufw >/dev/null || failed "ufw wrote nothing"
beside ufw reload
beside ufw --force reset
beside iptables -F
beside sh -c 'iptables-save | iptables-restore'
beside nft flush ruleset
[ "$(tables)" = "table inet portd" ] || failed "left: $(tables)"

step "boot beside firewalld, ufw and nftables.service"
watch_end
server ufw --force enable >/dev/null
server systemctl --quiet enable firewalld.service ufw.service
boot_reboot server
watch_start
boot_until 15 status_is enforcing sealed
alike "$boot_state/wanted" <(listing) # as long as it learned, the table was put together otherwise
listing >"$boot_state/wanted"
judge_ruleset
knock closed_doors
status | jq -e '.drifts == 0' >/dev/null || failed "there is drift"
passed "no drift; running: $(server systemctl is-active nftables firewalld ufw | xargs)"
step "dpkg has upgraded them: one reload a run"
for path in /usr/sbin/{ufw,firewalld,xtables-nft-multi,dockerd} /usr/bin/dockerd; do
    server dpkg-trigger --by-package=portd-policies "$path"
done
server dpkg --configure --pending >"$boot_state/said" 2>&1
reloaded "dpkg: $(echo /usr/sbin/{ufw,firewalld,xtables-nft-multi,dockerd} /usr/bin/dockerd)"
