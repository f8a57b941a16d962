# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the tests of portd-ctl: run it, and say what is expected of it.
set -u
ctl=$(realpath "$1")/portd-ctl
policy_dir=$(realpath "$2")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
cleanup=()
trap 'for pid in "${cleanup[@]}"; do kill "$pid"; done; rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 TZ=UTC SSH_CONNECTION= # whoever runs this by ssh is none of its business
unset COLUMNS
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

# run STATUS ARGUMENT...: portd-ctl's output goes to $work/out and $work/err.
run() {
    local want=$1
    shift
    what="portd-ctl $*"
    "$ctl" "$@" >"$work/out" 2>"$work/err" </dev/null
    local got=$?
    [ "$got" = "$want" ] || { fail "$what: exit status $got, not $want"; cat "$work/err" >&2; }
}

# says out|err TEXT: a line of the last output has it in it.
says() {
    grep -qF -- "$2" "$work/$1" || { fail "$what: std$1 does not say: $2"; cat "$work/$1" >&2; }
}

# hushes out|err TEXT: no line has it in it.
hushes() {
    ! grep -qF -- "$2" "$work/$1" || { fail "$what: std$1 says: $2"; cat "$work/$1" >&2; }
}

# silent out|err
silent() {
    [ ! -s "$work/$1" ] || { fail "$what: std$1 is not empty"; cat "$work/$1" >&2; }
}

# json EXPRESSION: true of the answer `a` on stdout.
json() {
    python3 -IS -c 'import json, sys
a = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$work/out" "$1" || { fail "$what: not $1"; cat "$work/out" >&2; }
}

fake=
# unanswer: portd is gone.
unanswer() {
    local pid left=()
    [ -n "$fake" ] || return 0
    for pid in "${cleanup[@]}"; do [ "$pid" = "$fake" ] || left+=("$pid"); done
    kill "$fake"
    wait "$fake" 2>/dev/null
    fake=
    cleanup=("${left[@]}")
}

socket=$work/io.portd
# answer METHOD REPLY...: what a portd at $socket says from now on; answer_file FILE: of any method.
answer() {
    local method=$1
    shift
    (IFS=,; echo "{\"io.portd.$method\":[$*]}") >"$work/answers"
    answer_file "$work/answers"
}
answer_file() {
    unanswer
    rm -f "$socket" "$work/calls"
    mkfifo "$work/calls"
    python3 "$here/fake_portd.py" "$socket" "$1" >"$work/calls" &
    cleanup+=($!)
    fake=$!
    exec 3<"$work/calls"
    read -r -u 3 line
    [ "$line" = listening ] || fail "no fake portd"
}

# called TEXT: this is what portd got.
called() {
    read -r -u 3 -t 10 line
    [ "$line" = "$1" ] || fail "$what: called $line, not $1"
}

finish() {
    [ "$failures" = 0 ] || exit 1
    echo "all fine"
}
