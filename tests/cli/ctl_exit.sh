#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What each verb that asks portd exits with when it can't ask, is refused or is asked wrongly; 0 and
# 3 are with what they print, in ctl_online.sh and ctl_doctor.sh. ctl_exit.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

# What a verb needs so that it is no usage mistake.
declare -A needs=([explain]="in tcp/1 10.0.0.1" [grant]="in tcp/1 10.0.0.1 --for 1m --reason r" [revoke]="in tcp/1 10.0.0.1" [off]=--yes [unseal]="--for 1m")
run 0 --help
for verb in $(sed -nE 's/^  ([a-z]+) +[A-Z].*/\1/p' "$work/out"); do
    run 0 "$verb" --help
    if grep -q -- --remote "$work/out"; then verbs+=("$verb"); fi
done
[ ${#verbs[@]} -ge 13 ] || fail "only these ask: ${verbs[*]}"

# A portd that answers every method with the same error.
python3 - "$socket" >"$work/listening" <<'END' &
import json, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
while True:
    client = listener.accept()[0]
    if client.recv(65536):
        client.sendall(b'{"error":"org.varlink.service.PermissionDenied","parameters":{}}\0')
    client.close()
END
cleanup+=($!)
for _ in {1..600}; do
    grep -q listening "$work/listening" && break
    sleep 0.1
done
mkdir "$work/stale"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$work/stale/io.portd"

for verb in "${verbs[@]}"; do
    # shellcheck disable=SC2086 # several words
    set -- "$verb" ${needs[$verb]-}
    run 1 "$@" --socket "$socket"
    says err "try sudo"
    case $verb in
    watch | metrics) ;; # one writes lines, the other tells of it as a metric
    *)
        run 1 "$@" --socket "$socket" --json
        json 'a["error"] == "org.varlink.service.PermissionDenied"'
        ;;
    esac
    run 2 "$@" --socket
    run 2 "$@" --socket "$work/$(printf 'long%.0s' {1..40})"
    run 2 "$@" --nonsense
    [ "$verb" = flows ] || run 2 "$@" one more word
    run 4 "$@" --socket "$work/none"
    run 4 "$@" --socket "$work/stale/io.portd"
    says err "systemctl status portd"
done
run 2 explain in tcp/1
run 2 off --socket "$socket"
run 2 unseal --socket "$socket"
run 2 unseal --for 25h --socket "$socket"

finish
