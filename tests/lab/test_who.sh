#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who did it: a script calls nft, which is held at its end until portd has looked at it; how much can
# be seen of one that is gone sooner is a matter of luck. The kernel tells the process id as the machine's
# first pid namespace counts it, so this test stays in the pid namespace that it is started in;
# where that is another one, and where /proc hides others, nobody must be blamed for the id.
#   test_who.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
if [[ -z ${LAB_ISOLATED:-} && $EUID = 0 ]]; then
    LAB_TIMEOUT=120 lab_in_time unshare --mount --net "$0" "$@"
fi
lab_isolate "$@"
binary_dir=$1
lab_watched
failed=0
group=""
ip link set lo up

# The shell writes down its own process id and that of nft, whose tracer is no parent of it (-D).
cat >"$lab_state/open-all.sh" <<'X'
#!/bin/bash
{ echo 12345 >/proc/self/loginuid; } 2>/dev/null
cat /proc/self/loginuid >"$1.login" 2>/dev/null
strace -D -o /dev/null -e trace=exit_group -e inject=exit_group:delay_enter=100000000 \
    nft flush chain inet portd in_tcp_2224 &
echo "$! $$" >"$1"
wait
X
chmod +x "$lab_state/open-all.sh"

ask() { "$binary_dir/daemon/portd-ctl" "$@" --socket "$lab_state/s"; }
# start COMMAND…: portd, which ends soon whatever becomes of this test. In the foreground timeout
# hands on SIGTERM alone: its SIGCONT would undo the stop by which the leak check looks at portd.
start() {
    timeout --foreground --signal=KILL 60 "$@" "$binary_dir/daemon/portd" --site "$lab_site" \
        --policy-dir "$lab_policies" --host acd-lb1 --state-dir "$lab_state/state" \
        --socket "$lab_state/s" --learn 0 --user nobody 2>"$lab_state/log" &
    daemon=$!
    lab_until "portd answers" answers
}
answers() { kill -0 "$daemon" && ask status || { cat "$lab_state/log"; return 1; }; }
stop() {
    kill "$daemon"
    wait "$daemon" || true
}
# A control group of systemd's hierarchy, into $group; "" where we may make none. What is made here
# goes when this test ends.
make_group() { # part…
    local part
    group=$(findmnt -n -l -t cgroup2 -o TARGET | grep -m 1 '^/sys/fs/cgroup') ||
        group=$(findmnt -n -l -t cgroup -O name=systemd -o TARGET)
    made=()
    trap 'rmdir "${made[@]}"' EXIT
    for part in "$@"; do
        group=$group/$part
        if [ ! -d "$group" ]; then
            mkdir "$group" || { group="" && return; }
            made=("$group" "${made[@]}")
        fi
    done
}
run_in_group() {
    [ -z "$group" ] || echo $BASHPID >"$group/cgroup.procs"
    exec "$@"
}
# The drift of that number, into $drift, $nft and $shell.
drift_of_a_script() {
    number=$1
    rm -f "$lab_state/ids"
    run_in_group "$lab_state/open-all.sh" "$lab_state/ids" --please &
    lab_until "drift $number is told" is_told
    drift=$(ask drift --json | jq -c '.drifts[-1]')
    read -r nft shell <"$lab_state/ids"
    kill -KILL "$(awk '$1 == "TracerPid:" { print $2 }' "/proc/$nft/status")" # and nft goes on
    wait "$shell"
}
is_told() { ask status --json | jq -e ".drifts == $number"; }
expect() { # what, jq condition
    jq -e --argjson nft "$nft" --argjson shell "$shell" "$2" <<<"$drift" >/dev/null && return
    lab_say "FAILED: $1:"
    jq . <<<"$drift"
    failed=1
}
nobody='.command == "nft" and ([.uid, .unit, .login_uid, .command_line, .parent_pid, .parent_unit,
    .parent_command, .parent_command_line] | all(. == null))'

# portd waits for its look at a process for some milliseconds: on a busy machine it takes a few tries.
drift_with() { # jq condition, of a look that was in time
    for try in {1..20}; do
        drift_of_a_script "$try"
        jq -e --argjson nft "$nft" ".pid != \$nft or $1" <<<"$drift" >/dev/null && break
    done
}

start env
drift_with .parent_command_line
stop
if jq -e --argjson nft "$nft" '.pid == $nft' <<<"$drift" >/dev/null; then
    lab_say "process ids are the kernel's"
    expect "the command" '.command == "nft" and .uid == 0 and
        .command_line == "nft flush chain inet portd in_tcp_2224"'
    expect "the script" '.parent_pid == $shell and .parent_command == "open-all.sh" and
        (.parent_command_line | test("^/bin/bash .*/open-all.sh .*/ids --please$"))'
    if [ "$(cat "$lab_state/ids.login")" = 12345 ]; then
        expect "who had logged in" '.login_uid == 12345'
    fi
else
    lab_say "process ids are of another namespace"
    expect "nobody who happens to have that id is blamed" "$nobody"
fi

# Others' processes hidden, as ProtectProc= of a unit does.
hidden() { mount -t proc -o "hidepid=$1,subset=pid" proc /proc && exec "${@:2}"; }
export -f hidden

# They can be seen and not looked into.
make_group user.slice user-61234.slice "session-portd$$.scope"
start unshare --mount bash -c 'hidden "$@"' hidden noaccess
drift_with ".unit or \"$group\" == \"\""
stop
if jq -e --argjson nft "$nft" '.pid == $nft' <<<"$drift" >/dev/null; then
    expect "the user, and nothing from within /proc" '.command == "nft" and .uid == 0 and
        ([.command_line, .parent_pid, .parent_command, .parent_command_line] | all(. == null))'
    [ -z "$group" ] || expect "the unit, and who had logged in" \
        ".unit == \"${group##*/}\" and .login_uid == 61234"
else
    expect "nobody who happens to have that id is blamed, unseen" "$nobody"
fi
group=""

start unshare --mount bash -c 'hidden "$@"' hidden invisible
drift_of_a_script 1
stop
expect "what the kernel told, and no more" "$nobody and .pid > 0"

[ $failed = 0 ] && lab_say "a command, its script and its user are told as far as they can be known"
exit $failed
