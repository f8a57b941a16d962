#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What portd-ctl prints on terminals of several kinds, and into a pipe.
# ctl_screen.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

hosts=$(printf '"host-%d",' {1..30})
answer Flows "{\"parameters\":{\"flows\":[{\"flow\":\"shop/rest\",\"product\":\"shop\",\"title\":\"t\",
\"services\":[\"tcp/8091\"],\"from\":[${hosts%,}],\"to\":[\"WEB\"],\"ingress\":\"active\",
\"egress\":\"not-mine\",\"packets_in\":7}]}}"

# terminal COLUMNS: what flows looks like on one that is so wide.
terminal() {
    what="flows on a terminal of $1 columns, TERM=$TERM, NO_COLOR=${NO_COLOR-}"
    script -qec "stty cols $1; '$ctl' flows --socket '$socket'" /dev/null </dev/null | tr -d '\r' >"$work/out"
}
plain() { sed -E 's/\x1b\[[0-9;]*m//g' "$work/out"; }

export TERM=xterm
for columns in 60 80 200; do
    terminal $columns
    widest=$(plain | awk '{ if (length > n) n = length } END { print n }')
    [ "$widest" -le $columns ] || fail "$what: a line of $widest"
    [ "$(plain | grep -o 'host-[0-9]*' | sort -u | wc -l)" = 30 ] || fail "$what: not all hosts"
    says out $'\033[32m'
done
NO_COLOR=1 terminal 80
hushes out $'\033'
NO_COLOR="" terminal 80
says out $'\033[32m'
TERM=dumb terminal 80
hushes out $'\033'
(unset TERM; TERM="" terminal 80; hushes out $'\033'; exit "$failures") || failures=1

# In a pipe nothing is cut, and nothing has a colour.
run 0 flows --socket "$socket"
[ "$(grep -o 'host-[0-9]*' "$work/out" | sort -u | wc -l)" = 30 ] || fail "$what: not all hosts"
hushes out $'\033'
COLUMNS=60 run 0 flows --socket "$socket"
[ "$(awk 'length > 60' "$work/out" | wc -l)" = 0 ] || fail "$what: wider than COLUMNS says"

finish
