#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages' whole life on a booted machine, with another that knocks at its ports.
#   test_deb.sh PACKAGES   where portd_*.deb and portd-policies_*.deb are
LAB_TIMEOUT=800
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$(realpath "$1")
boot_images bookworm
boot_isolate "$@"
# shellcheck source=tests/boot/archive.sh
. "$boot_dir/archive.sh"

# A package again under another version; what COMMAND did in its unpacked tree goes in as well.
repack() { # package, version, [command…]
    local tree=$boot_state/tree
    rm -rf "$tree"
    dpkg-deb -R "$packages/$1"_0*.deb "$tree"
    sed -i "s/^Version:.*/Version: $2/" "$tree/DEBIAN/control"
    [ $# = 2 ] || (cd "$tree" && "${@:3}")
    dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" \
        "$boot_state/server/root/root/$1_$2.deb" >/dev/null
}
management_moves() { sed -i "s/8471/9471/" usr/share/portd/policy/mailstore-spe.json; }

# What the timer's service writes for node_exporter.
textfiles=/var/lib/prometheus/node-exporter
metrics_are() { # line; a run that the timer has begun may know less
    server systemctl start portd-metrics.service
    grep -qxF "$1" "$boot_state/server/root$textfiles/portd.prom"
}
metrics_say() { # line
    boot_until 20 metrics_are "$1"
    passed "metrics: $1"
}

# When the first rules were in force, and when the network began.
order() {
    local lines=$boot_state/order
    journal -o short-monotonic >"$boot_state/journal"
    grep -n -e 'in force for server' -e 'Reached target network-pre' \
        -e 'Starting systemd-networkd' -e 'host0: Gained' "$boot_state/journal" >"$lines"
    sed 's/^[0-9]*:/   /' "$lines"
    [ "$(wc -l <"$lines")" = 4 ] || failed "the journal lacks some"
    head -n 1 "$lines" | grep -q 'in force' || failed "the network was there before the rules"
}

archive_machines
systemctl --quiet --root="$boot_state/server/root" enable nftables.service
for name in portd portd-policies; do
    cp "$packages/$name"_*.deb "$boot_state/server/root/root/$name.deb"
done
repack portd 0.1.1
repack portd-policies 0.1.1 management_moves
boot_start server
boot_start neighbour

# Others' processes are hidden from portd, but not whose they are and in which unit. (A machine here
# is a container, in whose process ids the kernel doesn't tell who did it: see tests/lab/test_who.sh.)
as_portd() {
    server nsenter --target "$(main_pid)" --mount \
        setpriv --reuid _portd --regid portd --clear-groups "$@"
}
sees_whose() { # process of systemd-networkd
    local list=/sys/fs/cgroup/system.slice/systemd-networkd.service/cgroup.threads seen
    seen=$(as_portd stat --format=%U "/proc/$1"
        as_portd grep -rlx --include=cgroup.threads "$1" /sys/fs/cgroup)
    [ "$seen" = "systemd-network"$'\n'"$list" ] || failed "portd sees of process $1: $seen"
    ! as_portd cat "/proc/$1/comm" 2>/dev/null || failed "portd can look into others' processes"
    passed "others' processes: whose and in which unit, and no more"
}

step "install both packages, without a site"
server nft list ruleset >"$boot_state/before"
apt_get install /root/portd.deb /root/portd-policies.deb
diff "$boot_state/before" <(server nft list ruleset) || failed "there are rules"
[ -z "$(server systemctl --failed --plain --no-legend)" ] || failed "a unit failed"
next=$(grep 'portd-ctl init' "$boot_state/said" | head -n 1)
[ -n "$next" ] || failed "it doesn't say what to do next"
passed "no rule was changed; what to do next: $next"
knock unguarded

step "put the site, reboot: enforced before the network is up"
archive_site
server portd-ctl check
server mkdir -p $textfiles
boot_reboot server
siege_start
watch_start
boot_until 10 status_is enforcing sealed
listing >"$boot_state/wanted"
judge
order
server systemd-analyze blame | grep -E 'portd|networkd|journald'
for unit in portd.service:12 portd-resolver.service:12 portd-metrics.service:8; do
    server systemd-analyze security "${unit%:*}" --threshold="${unit#*:}" | tail -n 1
done
server systemd-analyze verify --man=no portd.service portd-resolver.service portd-metrics.timer
passed "systemd-analyze verify is silent"
sees_whose "$(server systemctl show --property=MainPID --value systemd-networkd)"
server systemctl is-active --quiet portd-metrics.timer || failed "nobody asks for metrics"
metrics_say 'portd_state{portd_state="enforcing"} 1'
journal -u portd -o short -x | grep 'Subject: The policy is in force' | awk 'NR == 1'

step "reboot with a broken site file: enforced from the last good one"
server cp /etc/portd/site.json /root/site.json
echo '{' | server tee -a /etc/portd/site.json >/dev/null
watch_end
boot_reboot server
watch_start
judge degraded
metrics_say 'portd_state{portd_state="degraded"} 1'
{ server portd-ctl status || true; } | grep '!'
server cp /root/site.json /etc/portd/site.json
server portd-ctl reload
judge

step "reload --confirm, reboot before anybody confirms: what was before is in force"
boot_put server /etc/portd/site.d/trial.json <<'END'
{ "flows": [ { "id": "trial", "title": "Not for long", "from": ["10.3.0.21/32"],
    "to": ["host:server"], "services": ["tcp/4711"] } ] }
END
server portd-ctl reload --confirm 1h
listing | grep -c site/trial >/dev/null || failed "what was loaded is not in force"
watch_end
boot_reboot server
watch_start
judge
status | jq -er '.warnings[] | select(.code == "rolled-back") | "   ! \(.text)"'
server rm /etc/portd/site.d/trial.json
server portd-ctl reload
judge

step "upgrade portd"
before=$(main_pid)
apt_get install /root/portd_0.1.1.deb
was_replaced "$before" || failed "portd was not restarted"
judge

step "upgrade portd-policies, in which a port is another"
apt_get install /root/portd-policies_0.1.1.deb
reloaded "dpkg: /usr/share/portd/policy"
management_moved
judge

step "reinstall nftables and portd-policies in one run"
server sh -c 'dpkg -i /root/packages/nftables*.deb /root/portd-policies_0.1.1.deb' \
    >"$boot_state/said" 2>&1
reloaded "dpkg: /usr/sbin/nft /usr/share/portd/policy"
judge

step "restart nftables.service, whose configuration flushes the ruleset"
server nft add table inet flushed
server systemctl restart nftables.service
! tables | grep flushed || failed "nothing was flushed"
judge

step "kill -9"
before=$(main_pid)
server sh -c "kill -9 $before"
boot_until 10 was_replaced "$before"
judge

step "hang: the watchdog ends it"
before=$(main_pid)
server sh -c "kill -STOP $before"
boot_until 30 was_replaced "$before"
journal -u portd | grep 'Watchdog timeout'
judge

step "stop: the rules stay; start"
server systemctl stop portd
diff <(grep -v flags "$boot_state/wanted") <(listing | grep -v flags)
knock doors
metrics_say 'portd_up 0'
server systemctl start portd
judge
watch_end
siege_end

step "remove: portd's table goes, and nothing else"
server nft add table inet others
tables | grep -v 'inet portd' >"$boot_state/before"
apt_get remove portd
diff "$boot_state/before" <(tables)
passed "left: $(tables | xargs)"
knock unguarded
[ -z "$(ls -A "$boot_state/server/root$textfiles")" ] || failed "node_exporter would go on telling"

step "install again, stop, remove: a table that nobody owns goes as well"
apt_get install /root/portd_0.1.1.deb
boot_until 30 status_is enforcing sealed
knock doors
server systemctl stop portd
tables | grep 'inet portd' >/dev/null || failed "the table went with the daemon"
apt_get remove portd
diff "$boot_state/before" <(tables)
passed "left: $(tables | xargs)"

step "purge"
apt_get purge portd portd-policies
[ ! -e "$boot_state/server/root/var/lib/portd" ] || failed "/var/lib/portd is left"
server cmp /root/site.json /etc/portd/site.json
[ -z "$(server systemctl --failed --plain --no-legend)" ] || failed "a unit failed"
passed "/var/lib/portd is gone; $(grep 'is left' "$boot_state/said")"
