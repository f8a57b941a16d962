#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages on the next Debian, and systemd's own Varlink client against portd's socket.
#   test_varlinkctl.sh PACKAGES   where portd_*.deb and portd-policies_*.deb are
LAB_TIMEOUT=800
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$(realpath "$1")
boot_images trixie
boot_isolate "$@"
# shellcheck source=tests/boot/archive.sh
. "$boot_dir/archive.sh"

boot_machine server trixie 10.3.0.11/32 2001:db8:3::11/128
for name in portd portd-policies; do
    cp "$packages/$name"_*.deb "$boot_state/server/root/root/$name.deb"
done
archive_site
boot_start server

socket=unix:/run/portd/io.portd
call() { server varlinkctl --json=short call $socket "$@"; }
refused() { # error, method, parameters
    ! call "$2" "$3" >"$boot_state/said" 2>&1 || failed "$2 $3 was answered"
    grep -q "$1" "$boot_state/said" || failed "$2 $3: $(cat "$boot_state/said")"
    passed "$2 $3: $1"
}

step "install on the next Debian, where there is a site already"
apt_get install /root/portd.deb /root/portd-policies.deb
boot_until 30 status_is enforcing sealed
passed "$(server systemctl --version | awk 'NR == 1')"
passed "$(server systemctl show --property=StatusText portd)"

step "info, introspect, validate-idl"
server varlinkctl info $socket | sed 's/^/   /'
for interface in io.portd org.varlink.service; do
    server varlinkctl introspect $socket $interface >"$boot_state/idl"
    server varlinkctl validate-idl <"$boot_state/idl" >/dev/null
    passed "$interface: $(grep -c '^method' "$boot_state/idl") methods, valid"
done

step "call"
call io.portd.Status '{}' |
    jq -e '.state == "enforcing" and .seal == "sealed"' >/dev/null
passed "io.portd.Status: enforcing, sealed"
question='{ "direction": "in", "service": "tcp/8471", "address": "198.51.100.7" }'
call io.portd.Explain "$question" | jq -e '.explanation.verdict == "DROP"' >/dev/null
passed "io.portd.Explain $question: DROP"
refused org.varlink.service.InvalidParameter io.portd.Explain '{}'
refused org.varlink.service.MethodNotFound io.portd.Nothing '{}'
refused org.varlink.service.ExpectedMore io.portd.Watch '{}'

step "call --more"
server systemd-run --quiet --unit=watcher --property=StandardOutput=file:/root/events \
    varlinkctl --json=short --more call $socket io.portd.Watch '{}'
has_event() { # the one that it is told of is of a reload after the watcher's call
    call io.portd.Reload '{ "reason": "a test" }' >/dev/null
    server grep -o '{.*}' /root/events | jq -es 'any(.[]; .event == "reload")' >/dev/null
}
boot_until 20 has_event
passed "io.portd.Watch: $(server grep -o '"text":"[^"]*"' /root/events | awk 'NR == 1')"
server systemctl stop watcher
