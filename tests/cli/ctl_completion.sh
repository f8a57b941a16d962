#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion in bash, zsh and fish, and what portd-ctl tells them.
# ctl_completion.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

cd "$work" || exit 1
ln -s "$ctl" portd-ctl
cp -r "$policy_dir" policies
cp policies/examples/jtel-acd.site.json site.json
rm -r policies/examples
answer Flows '{"parameters":{"flows":[{"flow":"site/backup","product":"site","title":"Backup \u001b[31m",
"services":["tcp/9102","tcp/$x","udp/1-9"]}]}}'

# complete WORD...: what is told of the last word.
complete() {
    run 0 __complete -- "$@"
    silent err
}
complete --policy-dir policies --site site.json check --host acd-lb
[ "$(head -n 1 "$work/out")" = words ] || fail "$what: who knows?"
says out "acd-lb1	jtel-acd/ACD-LB"
hushes out acd-tel
complete flows --socket "$socket" ""
says out 'site/backup	Backup \x1b[31m'
complete metrics --format ""
says out openmetrics
hushes out html
complete explain --socket "$socket" in ""
says out "tcp/9102"
hushes out '$'
hushes out udp
complete status -H ""
[ "$(cat "$work/out")" = machines ] || fail "$what: not the shell's machines"
complete flows site/backup --socket "$socket" site/
hushes out site/backup
complete status --socket "$socket" --so
hushes out --socket
complete check --policy-dir policies --policy
says out --policy-dir
run 0 --help
for verb in $(sed -nE 's/^  ([a-z]+) +[A-Z].*/\1/p' "$work/out"); do
    complete "$verb"
    says out "$verb	"
done
complete _
hushes out _
complete bri
hushes out bridge
# Broken files, a portd that doesn't answer, options that aren't there: nothing is said.
echo "{" >broken.json
complete check --policy-dir policies --site broken.json --host ""
complete flows --socket "$work/none" --policy-dir none --site none ""
run 2 __complete -- status --nonsense ""
silent err
silent out

if ! command -v zsh >/dev/null || ! command -v fish >/dev/null; then
    fail "no zsh, no fish: packaging/dependencies test"
else
    what="completion.py"
    timeout 500 python3 "$here/completion.py" "$here/../../packaging/completions" "$work" >"$work/out" 2>&1 ||
        { fail "not what was meant"; cat "$work/out" >&2; }
fi

finish
