#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The RPM packages: the same files as in the Debian packages, and what their scriptlets do on a
# booted machine, with another that knocks at its ports.
#   test_rpm.sh PACKAGES   where the packages of both kinds are
LAB_TIMEOUT=800
# shellcheck source=tests/boot/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
packages=$(realpath "$1")
boot_images bookworm
boot_isolate "$@"
# shellcheck source=tests/boot/archive.sh
. "$boot_dir/archive.sh"

mode_owner_path='[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]'
files_of_rpm() { # package
    rpm -qp --queryformat "$mode_owner_path" "$packages/$1"-0*.rpm |
        grep -vE '^d| /usr/(lib/.build-id|share/licenses)/' | sort
}
# Debian compresses manuals, has other places for units and for zsh's completions, and documents of
# its own.
files_of_deb() { # package
    dpkg-deb --fsys-tarfile "$packages/$1"_0*.deb | tar -tv |
        awk '$1 !~ /^d/ { sub(/^\./, "", $6); print $1, $2, $6 }' |
        grep -vE ' /usr/share/doc/[^/]*/(changelog.gz|copyright)$' |
        sed -E 's, /lib/systemd/, /usr/lib/systemd/,; s,/vendor-completions/,/site-functions/,
            s,(/man/.*)\.gz$,\1,' | sort
}

step "contents: the same files, of the same owner and with the same rights, as in Debian's"
for name in portd portd-policies; do
    files_of_rpm $name >"$boot_state/files"
    diff "$boot_state/files" <(files_of_deb $name)
    passed "$name: $(wc -l <"$boot_state/files") files"
done

step "scriptlets: no macro is left in them, and the triggers are those of dpkg"
rpm -qp --scripts --triggers --filetriggers "$packages"/portd-0*.rpm >"$boot_state/scripts"
! grep '%' "$boot_state/scripts" || failed "a macro was not known"
grep -o '^[a-z]* scriptlet' "$boot_state/scripts" | xargs -I{} echo "   {}"
while read -r path; do
    grep -qE "^transfiletriggerin .*[ ,]$path(,|$)" "$boot_state/scripts" ||
        failed "there is no trigger for $path"
done < <(sed -n 's/^interest-noawait //p' "$source_dir/packaging/debian/portd.triggers")

archive_machines
for name in portd portd-policies; do
    cp "$packages/$name"-0*.rpm "$boot_state/server/root/root/$name.rpm"
done
boot_start server
boot_start neighbour

# Debian's rpm wants to be told that it is meant, and knows nothing of what dpkg installed.
rpm_() {
    server env HOME=/root rpm --force-debian --nodeps "$@" >"$boot_state/said" 2>&1 || {
        cat "$boot_state/said"
        failed "rpm $*"
    }
    # rpm itself thinks nothing of a scriptlet that complains.
    ! grep -iE 'unrecognized|not found|failed|error' "$boot_state/said" || failed "rpm $*"
}
# Policies of a later version, in which a port is another.
policies_build() {
    local top=$boot_state/rpm
    install -D -m 0644 -t "$top/policy" "$source_dir"/policy/*.json
    sed -i 's/8471/9471/' "$top/policy/mailstore-spe.json"
    cat >"$top/later.spec" <<END
Name: portd-policies
Version: 0.1.1
Release: 1
Summary: Later
License: GPL-2.0-or-later
BuildArch: noarch
%description
Later.
%install
install -D -m 0644 -t %{buildroot}/usr/share/portd/policy $top/policy/*
%files
/usr/share/portd/policy
END
    rpmbuild --quiet -bb --define "_topdir $top" "$top/later.spec" >/dev/null
    cp "$top"/RPMS/noarch/*.rpm "$boot_state/server/root/root/"
}
policies_build

step "install both packages, without a site"
rpm_ -i /root/portd.rpm /root/portd-policies.rpm
[ -z "$(server nft list ruleset)" ] || failed "there are rules"
[ -z "$(server systemctl --failed --plain --no-legend)" ] || failed "a unit failed"
next=$(grep 'portd-ctl init' "$boot_state/said" | head -n 1)
[ -n "$next" ] || failed "it doesn't say what to do next"
passed "no rule was changed; what to do next: $next"
passed "users: $(grep -o "Creating user '[^']*'" "$boot_state/said" | cut -d\' -f 2 | xargs)"

step "put the site, start: enforced once the connections that were open are known"
archive_site
server systemctl enable --now portd.service
boot_until 30 status_is enforcing sealed
listing >"$boot_state/wanted"
watch_start
siege_start
judge

step "upgrade both, policies with a port that is another: one restart, one reload"
before=$(main_pid)
rpm_ -U --replacepkgs /root/portd.rpm /root/portd-policies-0.1.1-1.noarch.rpm
was_replaced "$before" || failed "portd was not restarted"
reloaded "rpm: /usr/share/portd/policy"
management_moved
judge
watch_end
siege_end

step "erase: portd's table goes, and nothing else"
server nft add table inet others
rpm_ -e portd
[ "$(tables)" = "table inet others" ] || failed "left: $(tables)"
passed "left: $(tables | xargs)"
! server systemctl is-active --quiet portd.service || failed "portd runs"
[ ! -L "$boot_state/server/root/etc/systemd/system/sysinit.target.wants/portd.service" ] ||
    failed "portd.service is enabled"
knock unguarded

step "install again, stop, erase: a table that nobody owns goes as well"
rpm_ -i /root/portd.rpm
server systemctl start portd.service
server systemctl stop portd.service
tables | grep 'inet portd' >/dev/null || failed "the table went with the daemon"
rpm_ -e portd portd-policies
[ "$(tables)" = "table inet others" ] || failed "left: $(tables)"
[ -e "$boot_state/server/root/etc/portd/site.json" ] || failed "the site file is gone"
passed "left: $(tables | xargs), /etc/portd/site.json"
