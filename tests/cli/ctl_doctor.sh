#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl doctor: an installation in a directory that has nothing wrong, then one thing after the
# other; and this system, with a systemd and a portd that say what they are told to.
# ctl_doctor.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"
cd "$work" || exit 1

# A system as the packages leave it, with a site.
mkdir -p good/etc/systemd/system/{sysinit.target,portd.service}.wants good/usr/share/portd \
    good/usr/lib/systemd/system good/etc/portd/{site.d,policy} good/run/portd good/var/lib/portd \
    good/proc/sys/kernel good/proc/sys/net/netfilter good/lib/modules/6.12.1 good/etc/ufw
mkdir good/usr/share/portd/policy
cp "$policy_dir"/{host-baseline,jtel-acd}.json good/usr/share/portd/policy
cp "$policy_dir/examples/jtel-acd.site.json" good/etc/portd/site.json
touch good/usr/lib/systemd/system/{portd,portd-resolver,nftables,docker}.service
ln -s /usr/lib/systemd/system/portd.service good/etc/systemd/system/sysinit.target.wants/
echo acd-lb1.example.net >good/etc/hostname
echo "_portd:x:901:901::/:/usr/sbin/nologin
_portd-resolver:x:902:902::/:/usr/sbin/nologin" >good/etc/passwd
echo "portd:x:903:" >good/etc/group
echo 6.12.1 >good/proc/sys/kernel/osrelease
printf 'kernel/net/netfilter/%s.ko.xz:\n' nf_tables nf_conntrack nfnetlink_log >good/lib/modules/6.12.1/modules.dep
echo 100 >good/proc/sys/net/netfilter/nf_conntrack_count
echo 262144 >good/proc/sys/net/netfilter/nf_conntrack_max
echo "ENABLED=no" >good/etc/ufw/ufw.conf
printf '# flush ruleset\ntable inet mine {}\n' >good/etc/nftables.conf
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' good/run/portd/io.portd
chown 901 good/var/lib/portd good/run/portd
chown 901:903 good/run/portd/io.portd
chmod 700 good/var/lib/portd
chmod 660 good/run/portd/io.portd
chmod 644 good/etc/portd/site.json

run 0 doctor --root good
says out "nothing to mend"
says out "portd.service is enabled"
says out "6.12.1"
[ "$(grep -c '^● ' "$work/out")" = 8 ] || fail "$what: not all areas"
run 0 doctor --root good --json
json 'not a["findings"] and len(a["areas"]) == 8 and all(i["text"] for i in a["areas"])'

# is CONDITION: jq says so of what was found.
is() { jq -e "$1" "$work/out" >/dev/null || { fail "$what: not $1"; cat "$work/out" >&2; }; }

# wrong CODE LEVEL COMMAND: after this, in a copy of it, that is what is found, and nothing else.
wrong() {
    rm -rf bad
    cp -a good bad
    (cd bad && eval "$3") || fail "$3: fails"
    [ "$2" = note ]
    run $((3 * $?)) doctor --root bad --json
    what="doctor after $3"
    is "[.findings[] | [.code, .level, all(.text, .why, .hint; . != \"\")]] | unique == [[\"$1\", \"$2\", true]]"
    grep -q "$work" "$work/out" && [ "$1" != site-missing ] && [ "$1" != file-mistake ] &&
        [ "$1" != clock-behind ] && fail "$what: names a path of this system"
}
wrong unit-missing problem 'rm usr/lib/systemd/system/portd.service'
wrong unit-disabled problem 'rm etc/systemd/system/sysinit.target.wants/portd.service'
wrong site-missing problem 'rm etc/portd/site.json'
wrong file-mistake problem 'sed -i s/ACD-LB/ACD-LX/ etc/portd/site.json'
wrong file-mistake problem 'echo "{ \"seal\": 7 }" >etc/portd/site.d/x.json'
wrong file-mistake problem 'echo other >etc/hostname'
wrong file-mistake problem 'rm usr/share/portd/policy/jtel-acd.json'
wrong user-missing problem 'sed -i /resolver/d etc/passwd'
wrong group-missing problem 'echo >etc/group'
wrong path-mode problem 'chmod 775 etc/portd'
wrong path-mode problem 'chmod 700 etc/portd'
wrong path-mode problem 'chmod 600 etc/portd/site.json'
wrong path-mode problem 'chmod 666 run/portd/io.portd'
says out "chmod 0660 /run/portd/io.portd"
wrong path-mode problem 'chmod 600 run/portd/io.portd'
wrong path-mode problem 'chmod 755 var/lib/portd'
wrong path-owner problem 'chown 1 var/lib/portd'
wrong path-owner problem 'chgrp 1 run/portd/io.portd'
says out "chown _portd:portd /run/portd/io.portd"
wrong kernel-nf-tables problem 'sed -i /nf_tables/d lib/modules/6.12.1/modules.dep'
wrong kernel-conntrack problem 'sed -i /conntrack/d lib/modules/6.12.1/modules.dep'
wrong kernel-nflog note 'sed -i /nfnetlink_log/d lib/modules/6.12.1/modules.dep'
wrong conntrack-full problem 'echo 250000 >proc/sys/net/netfilter/nf_conntrack_count'
wrong manager-ufw problem 'echo "ENABLED=yes" >etc/ufw/ufw.conf'
wrong manager-nftables problem 'echo "	flush ruleset" >etc/nftables.conf
    ln -s x etc/systemd/system/sysinit.target.wants/nftables.service'
wrong manager-docker note 'ln -s x etc/systemd/system/sysinit.target.wants/docker.service'
wrong manager-firewalld problem 'ln -s x etc/systemd/system/sysinit.target.wants/firewalld.service'
wrong manager-legacy note 'mkdir proc/net; echo nat >proc/net/ip_tables_names'
wrong clock-behind problem 'touch -d "+3 days" etc/portd/site.json'
run 3 doctor --root bad
says out "     to do: timedatectl status"
says out "1 problem to mend"
# Built in, not loaded as modules.
rm good/lib/modules/6.12.1/modules.dep
printf 'ffff T %s\n' nft_do_chain nf_conntrack_in nfulnl_log_packet >good/proc/kallsyms
run 0 doctor --root good
run 1 doctor --root none
says err "there is no system in this directory"

# This system.
mkdir bin
cat >bin/systemctl <<END
#!/bin/sh
[ "\$1" = show ] || exit 1
cat $work/units 2>/dev/null
END
chmod +x bin/systemctl
PATH=$work/bin:$PATH
portd='Id=portd.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\nNRestarts=0\nNeedDaemonReload=no\n'
resolver='\nId=portd-resolver.service\nLoadState=loaded\nUnitFileState=disabled\nActiveState=inactive\n'
status='"site":"berlin","host":"acd-lb1","flows":3,"warnings":[]'
files=(--site good/etc/portd/site.json --policy-dir good/usr/share/portd/policy --host acd-lb1)

# here: what is found of this system, whose files and users may have anything.
here() {
    "$ctl" doctor --json --socket "$socket" "${files[@]}" >"$work/out" 2>"$work/err"
    what="doctor here"
    silent err
}
finds() { is "any(.findings[]; .code == \"$1\")"; }
misses() { is "all(.findings[]; .code != \"$1\")"; }

printf "$portd" >units
answer Status "{\"parameters\":{\"state\":\"enforcing\",\"seal\":\"sealed\",\"names\":0,$status}}"
here
json '[i["text"] for i in a["areas"] if i["area"] == "portd"] == ["enforcing, 3 flows on host acd-lb1 of site berlin"]'
json 'all(f["area"] in ("rights", "managers", "clock") for f in a["findings"])'
for sync in 0:misses 5:finds; do
    ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$work/trace" -e inject=adjtimex,clock_adjtime:retval=${sync%:*} \
        "$ctl" doctor --json --socket "$socket" "${files[@]}" >"$work/out" 2>&1
    what="doctor with a clock that is in state ${sync%:*}"
    ${sync#*:} clock-unsynchronised
done

answer Status "{\"parameters\":{\"state\":\"degraded\",\"seal\":\"watched\",\"names\":2,\"host\":\"h\",\"site\":\"s\",
\"warnings\":[{\"code\":\"not-saved\",\"text\":\"no room\",\"hint\":\"make some\"},{\"code\":\"peer-unbound\",
\"text\":\"t\",\"hint\":\"h\"}]}}"
printf "$portd$resolver\nId=docker.service\nActiveState=active\n" >units
here
for code in state-degraded not-saved warnings not-sealed resolver-down manager-docker; do finds $code; done
json '[f["text"] for f in a["findings"] if f["code"] == "not-saved"] == ["no room"]'
json '[f["level"] for f in a["findings"] if f["code"] == "warnings"] == ["note"]'
run 3 doctor --socket "$socket" "${files[@]}"
says out "● portd     degraded"
says out "  !  no room"
says out "     to do: make some"
answer Status "{\"parameters\":{\"state\":\"enforcing\",\"names\":1,\"warnings\":[{\"code\":\"no-resolver\",
\"text\":\"t\",\"hint\":\"h\"}]}}"
printf "$portd" >units
here
finds resolver-down
misses no-resolver
for state in audit contested off; do
    answer Status "{\"parameters\":{\"state\":\"$state\",$status}}"
    here
    finds state-$state
done
unanswer
printf "${portd/active/failed}Result=exit-code\n" >units
here
for code in portd-silent unit-failed; do finds $code; done
printf "${portd/active/inactive}" >units
here
finds unit-inactive
printf "${portd/active/inactive}ConditionResult=no\n" >units
files[1]=$work/none
here
for code in unit-no-site site-missing; do finds $code; done
printf "${portd/loaded/masked}" >units
here
finds unit-masked
printf "${portd/loaded/not-found}" >units
here
finds unit-missing
printf "${portd/enabled/disabled}" >units
here
finds unit-disabled
printf "${portd/NRestarts=0/NRestarts=7}" | sed s/Reload=no/Reload=yes/ >units
here
for code in unit-restarts unit-changed; do finds $code; done
echo "exit 1" >>bin/systemctl
here
json 'all(f["area"] != "unit" for f in a["findings"])'

finish
