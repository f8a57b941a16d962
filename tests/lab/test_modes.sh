#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Modes and ways to deny with real packets: who is let through gets its answers, who is refused
# learns it, also at a port that is open for others only.
#   test_modes.sh BINARY_DIR
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
lab_isolate "$@"
binary_dir=$1
passed=0 failed=0

grep -E '^host (acd-rest1|acd-lb1|stranger) ' "$lab_table" >"$lab_state/table"
lab_network "$lab_table"

# What becomes of a connection: accepted, refused or lost, which is when nothing came for so long.
connect() { # from, address, port, seconds
    lab_in "$1" python3 - "$2" "$3" "$4" <<'PY'
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3])) as s:
        print("accepted" if s.recv(1) == b"x" else "closed")
except ConnectionRefusedError:
    print("refused")
except OSError as e:
    print("lost" if isinstance(e, TimeoutError) else e)
PY
}
listen() { # host, port…
    local name=$1 ready
    shift
    exec {ready}< <(lab_in "$name" python3 - "$@" <<'PY'
import selectors, socket, sys
s = selectors.DefaultSelector()
for port in sys.argv[1:]:
    l = socket.create_server(("0.0.0.0", int(port)))
    s.register(l, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in s.select():
        c, _ = key.fileobj.accept()
        c.send(b"x")
        c.close()
PY
    )
    read -r _ <&"$ready"
}
expect() { # what, from, address, port, outcome
    local got seconds=20
    [ "$5" != lost ] || seconds=0.5
    got=$(connect "$2" "$3" "$4" $seconds)
    if [ "$got" = "$5" ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        lab_say "FAILED: $1: $got, not $5"
    fi
}
site() { # ingress, egress, deny ingress
    sed -e "s/\"ingress\": \"enforce\"/\"ingress\": \"$1\"/" \
        -e "s/\"egress\": \"enforce\"/\"egress\": \"$2\"/" \
        -e "s/\"deny\": { \"ingress\": \"drop\"/\"deny\": { \"ingress\": \"$3\"/" \
        "$source_dir/policy/examples/jtel-acd.site.json" >"$lab_site"
    "$binary_dir/daemon/portd-ctl" reload --socket "$lab_state/acd-rest1.sock" >/dev/null
}

listen acd-rest1 8091 9
listen stranger 3306 53 9
lab_portd acd-rest1
rest=10.1.0.81 stranger=198.51.100.7
open_for_others=8091 open_for_nobody=9

site enforce enforce drop
expect "a flow" acd-lb1 $rest $open_for_others accepted
expect "drop" stranger $rest $open_for_others lost
expect "drop" stranger $rest $open_for_nobody lost
site enforce enforce reject
expect "a flow beside rejects" acd-lb1 $rest $open_for_others accepted
expect "reject" stranger $rest $open_for_others refused
expect "reject" stranger $rest $open_for_nobody refused
expect "egress reject" acd-rest1 $stranger 3306 refused
expect "egress reject" acd-rest1 $stranger 9 refused
for mode in audit off; do
    site $mode enforce drop
    expect "ingress $mode" stranger $rest $open_for_others accepted
    expect "ingress $mode" stranger $rest $open_for_nobody accepted
    expect "egress beside ingress $mode" acd-rest1 $stranger 9 refused
    site enforce $mode drop
    expect "egress $mode" acd-rest1 $stranger 3306 accepted
    expect "egress $mode" acd-rest1 $stranger 53 accepted
    expect "egress $mode" acd-rest1 $stranger 9 accepted
    expect "ingress beside egress $mode" stranger $rest $open_for_nobody lost
done

lab_say "$passed passed, $failed failed"
[ $failed = 0 ]
