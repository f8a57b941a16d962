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
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND"' ERR
lab_use mailstore-spe

# --- what has to be true ------------------------------------------------------------------------

# Whom the policy lets in where, once the management port is $management; and what it keeps closed.
management=8471
doors() {
    echo open 10.3.0.21 10.3.0.11 $management open 2001:db8:3::21 2001:db8:3::11 $management
    echo open 10.3.100.5 10.3.0.11 8470
    echo closed 198.51.100.7 10.3.0.11 $management
    echo closed 2001:db8:ffff::7 2001:db8:3::11 $management
    echo closed 10.3.0.21 10.3.0.11 8470 closed 10.3.0.21 10.3.0.11 9999
    [ $management = 8471 ] || echo closed 10.3.0.21 10.3.0.11 8471
}
ways_out() { echo open 10.3.0.11 198.51.100.7 587 closed 10.3.0.11 198.51.100.7 80; }

unguarded() { doors | sed 's/closed/open/g'; }
knock() { # doors
    # shellcheck disable=SC2046 # words
    boot_net neighbour "$boot_dir/knock.py" $("$1")
    passed "packets: $("$1" | grep -oE 'open|closed' | sort | uniq -c | xargs), as they should be"
}

reads_what_is_denied() { # also under the unit's filter of system calls
    server portd-ctl denied --json | jq -e '.reader.state == "runs"' >/dev/null
}

step() { printf '\n== %s\n' "$*"; }
passed() { printf '   %s\n' "$*"; }
failed() { printf 'FAILED: %s\n' "$*"; return 1; }
server() { boot_in server "$@"; }
# Without the owner's name, which nft asks the process for that made the socket.
listing() { server nft --stateless list table inet portd | sed 's/ # progname .*//'; }
tables() { server nft list tables; }
status() { server portd-ctl status --json || [ $? = 3 ]; } # 3: not as it should be
status_is() { # state, seal
    status | jq -e --arg is "$1 $2" '"\(.state) \(.seal)" == $is' >/dev/null
}

# Whoever removes the table is seen: only what comes after a change that the watch shows counts.
watch_start() {
    boot_net_job server nft monitor >"$boot_state/monitor" 2>&1
    watch=$!
    boot_until 10 watch_sees
}
watch_sees() {
    boot_net server nft 'add table ip watched; delete table ip watched'
    grep -q 'delete table ip watched' "$boot_state/monitor"
}
watch_judge() {
    ! grep 'delete table inet portd' "$boot_state/monitor" || failed "the table was missing"
}
watch_end() {
    boot_until 10 watch_sees
    watch_judge
    kill "$watch"
    wait "$watch" || true
}

# From the first rules to the removal somebody knocks all the time where nobody may come in.
siege_start() {
    boot_net_job neighbour "$boot_dir/knock.py" --until-term \
        198.51.100.7 10.3.0.11 8471 198.51.100.7 10.3.0.11 9471 \
        2001:db8:ffff::7 2001:db8:3::11 8471 \
        10.3.0.21 10.3.0.11 9999 10.3.100.5 10.3.0.11 8470 >"$boot_state/siege"
    siege=$!
}
siege_end() {
    kill "$siege"
    wait "$siege"
    while read -r source address port tried connected; do
        passed "$source knocked $tried times at $address port $port, $connected were answered"
        case $source in
        10.3.100.5) [ "$connected" -gt 0 ] || failed "who may come in never could" ;;
        *) [ "$connected" = 0 ] || failed "who may not come in could" ;;
        esac
    done <"$boot_state/siege"
}

# After every step.
judge() { # [state]
    boot_until 15 status_is "${1:-enforcing}" sealed || server portd-ctl status
    listing >"$boot_state/now"
    diff "$boot_state/wanted" "$boot_state/now" || failed "the ruleset is not what it should be"
    passed "nft: $(wc -l <"$boot_state/now") lines, the same as wanted; the table was never missing"
    watch_judge
    knock doors
    # shellcheck disable=SC2046 # words
    boot_net server "$boot_dir/knock.py" $(ways_out)
    boot_until 15 server systemctl is-active portd-resolver
    boot_until 15 reads_what_is_denied
    passed "status: ${1:-enforcing}, sealed; portd-resolver and portd-denied run"
}

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

# --- packages -----------------------------------------------------------------------------------

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

apt() { # what apt says goes to $boot_state/apt
    server apt-get --quiet=2 -o Dpkg::Use-Pty=0 --allow-downgrades "$@" >"$boot_state/apt" 2>&1 || {
        cat "$boot_state/apt"
        failed "apt-get $*"
    }
}

# Whether two listings say the same; where something stands in a set or in the table is nothing.
alike() {
    diff <(tr -d '{},' <"$1" | sed 's/^[[:space:]]*//; s/ *$//' | sort) \
        <(tr -d '{},' <"$2" | sed 's/^[[:space:]]*//; s/ *$//' | sort)
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
journal() { server journalctl --boot --output=cat "$@"; }
# The last run of apt or dpkg made portd load its files anew, once and for this reason.
reloaded() { # reason
    [ "$(grep -c '^in force:' "$boot_state/apt")" = 1 ] ||
        failed "not one reload: $(cat "$boot_state/apt")"
    status | jq -e --arg is "$1" '
        [.last_reload.reason, $is] | map(split(" ") | sort) | .[0] == .[1]' >/dev/null ||
        failed "the last reload was for $(status | jq .last_reload)"
    passed "one reload, \"$1\": $(grep '^in force:' "$boot_state/apt")"
}
main_pid() { server systemctl show --property=MainPID --value portd; }
was_replaced() { [ "$(main_pid)" != "$1" ] && status_is enforcing sealed; }

# --- the machines -------------------------------------------------------------------------------

doors_unit() { # machine, ports…
    boot_put "$1" /etc/systemd/system/doors.service <<END
[Unit]
Description=Somebody at every door, before the network is up
DefaultDependencies=no
Before=network-pre.target
[Service]
ExecStart=systemd-socket-activate --accept --inetd $(printf -- '-l %s ' "${@:2}") /bin/true
StandardError=null
[Install]
WantedBy=sysinit.target
END
    systemctl --quiet --root="$boot_state/$1/root" enable doors.service
}
boot_machine server bookworm 10.3.0.11/32 2001:db8:3::11/128
boot_machine neighbour bookworm 10.3.0.21/32 2001:db8:3::21/128 10.3.100.5/32 198.51.100.7/32 \
    2001:db8:ffff::7/128
doors_unit server 8470 8471 9471 9999
doors_unit neighbour 80 587
systemctl --quiet --root="$boot_state/server/root" enable nftables.service
for name in portd portd-policies; do
    cp "$packages/$name"_*.deb "$boot_state/server/root/root/$name.deb"
done
repack portd 0.1.1
repack portd-policies 0.1.1 management_moves
boot_start server
boot_start neighbour

step "install both packages, without a site"
server nft list ruleset >"$boot_state/before"
apt install /root/portd.deb /root/portd-policies.deb
diff "$boot_state/before" <(server nft list ruleset) || failed "there are rules"
[ -z "$(server systemctl --failed --plain --no-legend)" ] || failed "a unit failed"
next=$(grep 'portd-ctl init' "$boot_state/apt" | head -n 1)
[ -n "$next" ] || failed "it doesn't say what to do next"
passed "no rule was changed; what to do next: $next"
knock unguarded

step "put the site, reboot: enforced before the network is up"
sed 's/mgmt1/server/; s/cas1/neighbour/' "$lab_site" | boot_put server /etc/portd/site.json
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
for unit in portd.service:13 portd-resolver.service:12 portd-metrics.service:8; do
    server systemd-analyze security "${unit%:*}" --threshold="${unit#*:}" | tail -n 1
done
server systemd-analyze verify --man=no portd.service portd-resolver.service portd-metrics.timer
passed "systemd-analyze verify is silent"
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

step "upgrade portd"
before=$(main_pid)
apt install /root/portd_0.1.1.deb
was_replaced "$before" || failed "portd was not restarted"
judge

step "upgrade portd-policies, in which a port is another"
apt install /root/portd-policies_0.1.1.deb
reloaded "dpkg: /usr/share/portd/policy"
management=9471
alike <(sed 's/\<8471\>/9471/; s/_8471/_9471/g' "$boot_state/wanted") <(listing)
listing >"$boot_state/wanted"
judge

step "reinstall nftables and portd-policies in one run"
server sh -c 'dpkg -i /root/packages/nftables*.deb /root/portd-policies_0.1.1.deb' \
    >"$boot_state/apt" 2>&1
reloaded "dpkg: /usr/sbin/nft /usr/share/portd/policy"
judge

step "restart nftables.service, whose configuration flushes the ruleset"
server nft add table inet flushed
server systemctl restart nftables.service
! tables | grep -q flushed || failed "nothing was flushed"
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
apt remove portd
diff "$boot_state/before" <(tables)
passed "left: $(tables | xargs)"
knock unguarded
[ -z "$(ls -A "$boot_state/server/root$textfiles")" ] || failed "node_exporter would go on telling"

step "install again, stop, remove: a table that nobody owns goes as well"
apt install /root/portd_0.1.1.deb
boot_until 30 status_is enforcing sealed
knock doors
server systemctl stop portd
tables | grep -q 'inet portd' || failed "the table went with the daemon"
apt remove portd
diff "$boot_state/before" <(tables)
passed "left: $(tables | xargs)"

step "purge"
apt purge portd portd-policies
[ ! -e "$boot_state/server/root/var/lib/portd" ] || failed "/var/lib/portd is left"
server cmp /root/site.json /etc/portd/site.json
[ -z "$(server systemctl --failed --plain --no-legend)" ] || failed "a unit failed"
passed "/var/lib/portd is gone; $(grep 'is left' "$boot_state/apt")"
