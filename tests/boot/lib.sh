# SPDX-License-Identifier: GPL-2.0-or-later
# Booted machines for the boot tests, which source this file: systemd in containers, one kernel.
#
#   boot_images IMAGE…             first: make or find what machines are made of, a suite of Debian's,
#                                  after a hyphen with more in it
#   boot_isolate "$@"              then: start again in namespaces of our own, see tests/lab/lib.sh
#   boot_machine NAME IMAGE ADDRESS…   a machine, not yet on; on a network with all others
#   boot_start NAME                switch it on, back when it is up
#   boot_reboot NAME, boot_off NAME
#   boot_in NAME COMMAND…          run something in it
#   boot_net NAME COMMAND…         run something of ours in its network
#   boot_net_job NAME COMMAND…     the same beside the test, as process $!
#   boot_put NAME PATH [MODE]      write standard input to a file in it
#   boot_until SECONDS COMMAND…    wait until it succeeds; says what it waited for when it doesn't.
#                                  The seconds are those of a machine that does nothing else
#
# The images are kept in $BOOT_IMAGES and never booted themselves: a machine writes to an overlay in
# memory that goes with the test's mount namespace, as its processes go with the pid namespace.
#
# shellcheck shell=bash disable=SC2034 # names for those who source this

boot_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/lib.sh
. "$boot_dir/../lab/lib.sh"

BOOT_IMAGES=${BOOT_IMAGES:-/var/cache/portd-tests}
boot_state=$lab_state/boot

# What is in an image: systemd, what portd's packages depend on, and what the tests work with. The
# packages that tests reinstall lie in /root/packages.
boot_common="systemd systemd-sysv dbus nftables iproute2 netcat-openbsd
    libcap2 libjansson4 libmd0 libmnl0 libnftnl11 libsmartcols1"
declare -A boot_packages=(
    [bookworm]="$boot_common libc-ares2 rpm"
    [bookworm-managers]="$boot_common libc-ares2 firewalld ufw"
    [trixie]="$boot_common libcares2"
)
declare -A boot_kept=([bookworm]="nftables")

boot_image_make() { # image, directory
    local kept=${boot_kept[$1]:-} include
    local keep=()

    # shellcheck disable=SC2086 # a list
    include=$(printf '%s,' ${boot_packages[$1]})
    [ -z "$kept" ] || keep=(--customize-hook="mkdir \"\$1/root/packages\" &&
        chroot \"\$1\" sh -c 'cd /root/packages && apt-get -qq download $kept'")
    mmdebstrap --quiet --variant=minbase --include="${include%,}" "${keep[@]}" "${1%%-*}" "$2"
    : >"$2/etc/machine-id"
}

# An image carries the sum of what it was made from in its name, so that a new list makes a new one.
boot_image() { # image: where it is
    local content="${boot_packages[$1]} ${boot_kept[$1]:-}"
    echo "$BOOT_IMAGES/$1-$(sha256sum <<<"$content" | cut -c1-12)"
}

boot_images() {
    local name image

    [[ -z ${LAB_ISOLATED:-} ]] || return 0
    mkdir -p "$BOOT_IMAGES"
    for name in "$@"; do
        image=$(boot_image "$name")
        (
            flock 9
            [ ! -d "$image" ] || exit 0
            lab_say "making the image $name, about half a minute, once"
            rm -rf "$image.new"
            boot_image_make "$name" "$image.new"
            mv "$image.new" "$image"
        ) 9>"$image.lock"
    done
}

# The machines' control groups are no namespace's: they are removed when all else is gone, those of a
# test that was killed by the next one.
boot_sweep() {
    local hierarchy group

    while read -r hierarchy; do
        for group in "$hierarchy"/portd-boot-*; do
            [ "${group##*-}" = $$ ] || [ ! -d "/proc/${group##*-}" ] || continue
            find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        done
    done < <(boot_cgroups)
}
boot_isolate() {
    if [[ -z ${LAB_ISOLATED:-} ]]; then
        local status=0
        export BOOT_CGROUP=portd-boot-$$
        (lab_isolate "$@") || status=$?
        boot_sweep
        exit $status
    fi
    lab_isolate "$@"
    mkdir "$boot_state"
    ip link add lan type bridge mcast_snooping 0 forward_delay 0
    ip link set lan up
}

# The hierarchies that a booted systemd wants to be alone in.
boot_cgroups() {
    findmnt -n -l -t cgroup2 -o TARGET
    findmnt -n -l -t cgroup -O name=systemd -o TARGET || true
}

boot_until() { # seconds, command…
    local end=$((SECONDS + 4 * $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            lab_say "never came true: $*"
            return 1
        fi
        sleep 0.02
    done
}

boot_machine() { # name, image, address…
    local name=$1 machine=$boot_state/$1 image
    image=$(boot_image "$2")
    shift 2
    mkdir -p "$machine"/{upper,work,root}
    mount -t overlay "boot-$name" "$machine/root" \
        -o "lowerdir=$image,upperdir=$machine/upper,workdir=$machine/work"
    echo "$name" >"$machine/root/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$machine/root/etc/hosts"
    {
        printf '[Match]\nName=host0\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n'
        printf '[Address]\nAddress=%s\nDuplicateAddressDetection=none\n' "$@"
        printf '[Route]\nDestination=0.0.0.0/0\nScope=link\n[Route]\nDestination=::/0\n'
    } >"$machine/root/etc/systemd/network/10-host0.network"
    systemctl --quiet --root="$machine/root" enable systemd-networkd.service
}

# nspawn ends with 133 when the guest wants to be started again.
boot_power() { # name
    local machine=$boot_state/$1 hierarchy status=133

    while read -r hierarchy; do
        mkdir -p "$hierarchy/$BOOT_CGROUP/$1"
        echo "$BASHPID" >"$hierarchy/$BOOT_CGROUP/$1/cgroup.procs"
    done < <(boot_cgroups)
    while [ $status = 133 ]; do
        status=0
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --directory="$machine/root" \
            --machine="$1" --boot --register=no --keep-unit --network-bridge=lan --link-journal=no \
            --console=read-only </dev/null >>"$machine/console" 2>&1 &
        echo $! >"$machine/nspawn"
        wait $! || status=$?
    done
}

# The guest's first process, as a process of ours.
boot_leader_find() { # name
    local nspawn child children

    nspawn=$(cat "$boot_state/$1/nspawn") || return 1
    read -r -a children <"/proc/$nspawn/task/$nspawn/children"
    for child in "${children[@]}"; do
        if grep -qE '^NSpid:.*\s1$' "/proc/$child/status"; then
            echo "$child" >"$boot_state/$1/leader"
            return 0
        fi
    done
    return 1
}

boot_is_up() { # name
    boot_leader_find "$1" && boot_in "$1" systemctl is-system-running | grep -qE 'running|degraded'
}

boot_start() { # name
    boot_power "$1" &
    boot_until 60 boot_is_up "$1" || {
        tail -n 30 "$boot_state/$1/console"
        return 1
    }
}

boot_reboot() { # name
    local before
    before=$(cat "$boot_state/$1/nspawn")
    boot_in "$1" systemctl reboot
    boot_until 60 boot_is_another "$1" "$before"
    boot_until 60 boot_is_up "$1"
}

boot_is_another() { # name, process of nspawn before
    [ "$(cat "$boot_state/$1/nspawn")" != "$2" ]
}

boot_in() { # name, command…
    local leader
    leader=$(cat "$boot_state/$1/leader")
    shift
    nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 SYSTEMD_PAGER= "$@"
}

# Our own programs in the machine's network.
boot_net() { # name, command…
    local leader
    leader=$(cat "$boot_state/$1/leader")
    shift
    nsenter --target "$leader" --net "$@"
}

boot_net_job() { # name, command…
    nsenter --target "$(cat "$boot_state/$1/leader")" --net "${@:2}" </dev/null &
}

boot_put() { # name, path, [mode]
    mkdir -p "$(dirname "$boot_state/$1/root$2")"
    cat >"$boot_state/$1/root$2"
    chmod "${3:-0644}" "$boot_state/$1/root$2"
}
