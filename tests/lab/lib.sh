# SPDX-License-Identifier: GPL-2.0-or-later
# A network of namespaces for the lab tests, which source this file.
#
#   lab_isolate "$@"        first: start again in namespaces of our own
#   lab_network TABLE       one network namespace for each host line of a hand table
#   lab_in NAME COMMAND…    run something on a host of it
#   lab_portd NAME          start portd there, back when it says READY=1; needs $binary_dir
#   lab_accounts            the users and the group that an installation has
#   lab_dns TABLE           a DNS server on the table's host `resolver`
#   lab_resolver NAME       start portd-resolver there, back when it knows what portd needs
#   lab_etc NAME            an empty /etc/NAME of the test's own, in $lab_state
#   lab_until WHAT COMMAND… wait until the command succeeds, and fail when it never does
#   lab_await_end PID       … until a process that may be anybody's child has ended
#
# Isolation: the whole test runs in mount, pid and network namespaces that nobody else sees, with
# a /run of its own. So names need no prefix per run, no packet can leave, the machine's rules
# and journal are out of reach, and when the first process ends, by itself or by the timeout's
# SIGKILL, the kernel removes every process, namespace and link.
#
# shellcheck shell=bash disable=SC2034 # names for those who source this

set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1 # nothing is left in the checkout
export SSH_CONNECTION=           # whoever runs this by ssh is no caller in the lab
lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$lab_dir/../.." && pwd)
lab_state=/run/lab
lab_policies=$lab_state/policy

# lab_use SITE: which of the example sites.
lab_use() {
    lab_table=$lab_dir/$1.table
    lab_site=$lab_state/$1.site.json
}
lab_use jtel-acd

lab_say() {
    printf '%s: %s\n' "$(basename "$0" .sh)" "$*"
}

# lab_in_time COMMAND…: the test itself, then the end of this shell.
lab_in_time() {
    local seconds=${LAB_TIMEOUT:-800} status=0

    timeout --signal=KILL "$seconds" env LAB_ISOLATED=1 "$@" || status=$?
    [[ $status != 137 ]] || lab_say "FAILED: killed after $seconds seconds (LAB_TIMEOUT)"
    exit $status
}

# LAB_TIMEOUT: seconds for the whole test.
lab_isolate() {
    if [[ -z ${LAB_ISOLATED:-} ]]; then
        if [[ $EUID -ne 0 ]]; then
            lab_say "skipped: network namespaces need root"
            exit 77
        fi
        lab_in_time unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$@"
    fi
    mount -t tmpfs lab /run
    mkdir -p /run/netns "$lab_state" "$lab_policies"
    # portd takes files of root only, whoever owns the checkout.
    install -m 0644 "$source_dir"/policy/*.json "$lab_policies"
    install -m 0644 "$source_dir"/policy/examples/*.json "$lab_state"
}

# lab_variant TABLE DROP_IN: the table with the features and ports that a drop-in sets. What a
# port was before stays in its line, to be probed as well.
lab_variant() {
    awk 'NR == FNR { value[$1 " " $2] = $3; next }
        $1 " " $2 in value {
            line = $1 " " $2
            $3 = $1 == "port" ? value[line] " " $3 : value[line]
            delete value[line]
        }
        { print }
        END { for (line in value) { print "the table has no line: " line >"/dev/stderr"; exit 1 } }
    ' <(jq -r '.products[] |
        (.features // {} | to_entries[] | "feature \(.key) \(if .value then "on" else "off" end)"),
        (.ports // {} | to_entries[] | "port \(.key) \(.value)")' "$2") "$1"
}

# The site wants no seal: others can write to portd's table, and are watched.
lab_watched() {
    jq '. + { "seal": false }' "$lab_site" >"$lab_state/watched"
    install -m 0644 "$lab_state/watched" "$lab_site"
}

# lab_each_variant COMMAND…: with each drop-in of the site in its place, and $lab_state/table
# saying the same.
lab_each_variant() {
    local drop_in

    mkdir "$lab_state/site.d"
    for drop_in in "$lab_dir/variants/$(basename "$lab_table" .table)"/*.json; do
        lab_say "with $(basename "$drop_in")"
        install -m 0644 "$drop_in" "$lab_state/site.d/variant.json"
        lab_variant "$lab_table" "$drop_in" >"$lab_state/table"
        "$@"
    done
}

# What the command says is shown when it was waited for in vain. LAB_PATIENCE: seconds.
lab_until() {
    local what=$1 end=$((SECONDS + ${LAB_PATIENCE:-60}))
    shift
    until "$@" >"$lab_state/until" 2>&1; do
        if ((SECONDS >= end)); then
            lab_say "FAILED: waited in vain: $what"
            cat "$lab_state/until"
            exit 1
        fi
        sleep 0.02
    done
}

lab_await_end() {
    timeout "${LAB_PATIENCE:-60}" tail --pid="$1" -s 0.01 -f /dev/null && return
    lab_say "FAILED: process $1 doesn't end"
    exit 1
}

# lab_sized RELEASE DEBUG: how much of something; the sanitizers make everything slower.
lab_sized() {
    if grep -q '^CMAKE_BUILD_TYPE:.*=Debug$' "${binary_dir:?}/CMakeCache.txt"; then echo "$2"; else echo "$1"; fi
}

lab_etc() {
    : >"$lab_state/$1"
    mount --bind "$lab_state/$1" "/etc/$1"
}

lab_accounts() {
    local passwd group

    passwd=$(getent passwd root nobody)
    group=$(getent group root nogroup)
    lab_etc passwd
    lab_etc group
    {
        printf '%s\n' "$passwd"
        echo "_portd:x:901:901::/:/usr/sbin/nologin"
        echo "_portd-resolver:x:902:902::/:/usr/sbin/nologin"
    } >"$lab_state/passwd"
    printf '%s\n' "$group" _portd:x:901: _portd-resolver:x:902: portd:x:903: >"$lab_state/group"
}

# "name ipv4 ipv6" of each host, "-" where it has none.
lab_hosts() {
    sed 's/#.*//' "$1" | awk '$1 == "host" {
        v4 = v6 = "-"
        for (i = 5; i <= NF; i++) if ($i ~ /:/) v6 = $i; else v4 = $i
        print $2, v4, v6 }'
}

# The hosts that run portd.
lab_servers() {
    sed 's/#.*//' "$1" | awk '$1 == "host" && $4 != "-" { print $2 }'
}

lab_in() {
    local name=$1
    shift
    nsenter --net="/run/netns/$name" -- "$@"
}

# This namespace is the switch. Every address is on-link for everybody whatever its prefix;
# neighbours are written down, because the kernel's neighbour tables are shared by all namespaces
# and too small for all pairs. Broadcast is the last address of an IPv4 address's /24.
lab_network() {
    local table=$1 neighbours=$lab_state/neighbours n=0 name v4 v6 mac

    echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
    ip link add switch type bridge mcast_snooping 0 forward_delay 0
    ip link set switch up
    while read -r name v4 v6; do
        n=$((n + 1))
        printf -v mac '02:00:00:00:00:%02x' "$n"
        [[ $v4 == - ]] || echo "neigh replace $v4 lladdr $mac dev eth0 nud permanent"
        [[ $v6 == - ]] || echo "neigh replace $v6 lladdr $mac dev eth0 nud permanent"
    done < <(lab_hosts "$table") >"$neighbours"
    n=0
    while read -r name v4 v6; do
        n=$((n + 1))
        printf -v mac '02:00:00:00:00:%02x' "$n"
        lab_host "$name" "$v4" "$v6" "$mac" "port$n"
        grep -v " $mac " "$neighbours" | lab_in "$name" ip -batch -
    done < <(lab_hosts "$table")
}

lab_host() {
    local name=$1 v4=$2 v6=$3 mac=$4 port=$5

    ip netns add "$name"
    lab_in "$name" sh -c '
        echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
        echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
        echo "0 0" >/proc/sys/net/ipv4/ping_group_range'
    ip link add "$port" type veth peer name eth0 address "$mac" netns "$name"
    ip link set "$port" master switch up
    {
        echo "link set lo up"
        echo "link set eth0 up"
        if [[ $v4 != - ]]; then
            echo "addr add $v4/32 broadcast ${v4%.*}.255 dev eth0"
            echo "route add 0.0.0.0/0 dev eth0"
        fi
        if [[ $v6 != - ]]; then
            echo "addr add $v6/128 dev eth0 nodad"
            echo "route add ::/0 dev eth0"
        fi
    } | lab_in "$name" ip -batch -
}

# Asks for all neighbours anew: the host then needs ARP and neighbour discovery.
lab_forget_neighbours() {
    lab_in "$1" ip neigh flush nud permanent dev eth0
    lab_in "$1" ip -6 neigh flush nud permanent dev eth0
}

# The daemon's words go to $lab_state/NAME.log.
lab_portd() {
    local name=$1 binary_dir=${binary_dir:?}

    lab_in "$name" "$binary_dir/tests/lab/lab-start" "$lab_state/$name.log" "$binary_dir/daemon/portd" \
        --site "$lab_site" --policy-dir "$lab_policies" --host "$name" \
        --socket "$lab_state/$name.sock" --state-dir "$lab_state/$name" --learn "${lab_learn:-0}" --user nobody \
        >"$lab_state/$name.pid" || {
        lab_say "portd did not start on $name:"
        cat "$lab_state/$name.log"
        return 1
    }
}

lab_has_names() { grep -q '^name ' "$lab_table"; }

# lab_dns TABLE: a DNS server on the table's host `resolver`, which knows the table's names and
# whom everybody asks, until lab_dns_end.
lab_dns() {
    local table=$1 control=$lab_state/dns v4 v6 name

    read -r _ v4 v6 < <(lab_hosts "$table" | grep '^resolver ')
    lab_etc hosts
    lab_etc resolv.conf
    printf 'nameserver %s\n' "$v4" "$v6" >"$lab_state/resolv.conf"
    exec {lab_dns_ready}< <(lab_in resolver "$lab_dir/dns_server.py" "$control" "$v4" "$v6")
    lab_dns_pid=$!
    read -r _ <&"$lab_dns_ready" || { lab_say "the DNS server did not start"; return 1; }
    while read -r name; do
        # shellcheck disable=SC2086 # name and addresses
        "$lab_dir/dns_server.py" --tell "$control" answer ${name/ / 3600 }
    done < <(sed -nE 's/ *#.*//; s/^name +([^ ]+) +/\1 /p' "$table")
}

lab_dns_end() {
    kill "$lab_dns_pid"
    lab_await_end "$lab_dns_pid"
}

# lab_resolver NAME: starts portd-resolver beside the portd there, back when that knows an address
# of each name that it needs.
lab_resolver() {
    local name=$1 binary_dir=${binary_dir:?}

    lab_in "$name" "$binary_dir/daemon/resolver/portd-resolver" --socket "$lab_state/$name.sock" \
        2>"$lab_state/$name.resolver.log" &
    echo $! >"$lab_state/$name.resolver.pid"
    lab_until "portd-resolver on $name knows all names" lab_names_are_known "$name"
}

lab_names_are_known() {
    local name=$1 answer

    kill -0 "$(<"$lab_state/$name.resolver.pid")" || { cat "$lab_state/$name.resolver.log"; return 1; }
    answer=$("$binary_dir/daemon/portd-ctl" names --json --socket "$lab_state/$name.sock") &&
        jq -e 'all(.names[]; .addresses != [])' <<<"$answer"
}
