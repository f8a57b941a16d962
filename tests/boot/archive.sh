# SPDX-License-Identifier: GPL-2.0-or-later
# Two machines of the example site "archive", for tests that install packages on one: `server`, its
# Management Server, and `neighbour`, which knocks at its doors as a Client Access Server, as an
# administrator and as strangers. Sourced after lib.sh and boot_isolate.
#
#   archive_machines     both, not yet on, with somebody at every door
#   archive_site         the site file, on the server
#   judge [STATE]        what has to be true after every step: the ruleset is $boot_state/wanted,
#                        the table was never missing, the doors are open and closed as they should
#   watch_start, watch_end, siege_start, siege_end: meanwhile
#
# shellcheck shell=bash disable=SC2034,SC2154 # names for those who source this, and lib.sh's

lab_use mailstore-spe
trap 'echo "FAILED: line $LINENO: $BASH_COMMAND"' ERR

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
archive_machines() { # [image of the server]
    boot_machine server "${1:-bookworm}" 10.3.0.11/32 2001:db8:3::11/128
    boot_machine neighbour bookworm 10.3.0.21/32 2001:db8:3::21/128 10.3.100.5/32 \
        198.51.100.7/32 2001:db8:ffff::7/128
    doors_unit server 8470 8471 9471 9999
    doors_unit neighbour 80 587
}
archive_site() {
    sed 's/mgmt1/server/; s/cas1/neighbour/' "$lab_site" | boot_put server /etc/portd/site.json
}

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

closed_doors() { doors | xargs -n 4 | grep '^closed'; }
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
listing() {
    server nft --stateless list table inet portd | sed 's/ # progname .*//' |
        "$source_dir/tests/golden/sort-elements"
}
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

# After every step: what the kernel holds, and then what it lets through.
judge_ruleset() { # [state]
    boot_until 15 status_is "${1:-enforcing}" sealed || server portd-ctl status
    listing >"$boot_state/now"
    diff "$boot_state/wanted" "$boot_state/now" || failed "the ruleset is not what it should be"
    watch_judge
    passed "nft: $(wc -l <"$boot_state/now") lines, the same as wanted; the table was never missing"
}
judge() { # [state]
    judge_ruleset "$@"
    knock doors
    # shellcheck disable=SC2046 # words
    boot_net server "$boot_dir/knock.py" $(ways_out)
    boot_until 15 server systemctl is-active portd-resolver
    boot_until 15 reads_what_is_denied
    passed "status: ${1:-enforcing}, sealed; portd-resolver and portd-denied run"
}

# Whether two listings say the same; where something stands in a set or in the table is nothing.
alike() {
    diff <(tr -d '{}' <"$1" | tr , '\n' | sed 's/^[[:space:]]*//; s/ *$//' | sort) \
        <(tr -d '{}' <"$2" | tr , '\n' | sed 's/^[[:space:]]*//; s/ *$//' | sort)
}

apt_get() { # what apt says goes to $boot_state/said
    server apt-get --quiet=2 -o Dpkg::Use-Pty=0 "$@" >"$boot_state/said" 2>&1 || {
        cat "$boot_state/said"
        failed "apt-get $*"
    }
}

journal() { server journalctl --boot --output=cat "$@"; }
# What $boot_state/said tells of made portd load its files anew, once and for this reason.
reloaded() { # reason
    [ "$(grep -c '^in force:' "$boot_state/said")" = 1 ] ||
        failed "not one reload: $(cat "$boot_state/said")"
    status | jq -e --arg is "$1" '
        [.last_reload.reason, $is] | map(split(" ") | sort) | .[0] == .[1]' >/dev/null ||
        failed "the last reload was for $(status | jq .last_reload)"
    passed "one reload, \"$1\": $(grep '^in force:' "$boot_state/said")"
}
main_pid() { server systemctl show --property=MainPID --value portd; }
was_replaced() { [ "$(main_pid)" != "$1" ] && status_is enforcing sealed; }
# The policy has another management port now, and portd enforces it.
management_moved() {
    management=9471
    alike <(sed 's/\<8471\>/9471/; s/_8471/_9471/g' "$boot_state/wanted") <(listing)
    listing >"$boot_state/wanted"
}
