#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# portd-ctl --remote: what ssh is given, what comes back over it, and what is said when it doesn't.
# Where sshd is installed it is asked over a real one, too. ctl_remote.sh BINARY_DIR POLICY_DIR
. "$(dirname "$0")/lib.bash"

# An ssh that goes nowhere: it keeps its arguments, and has a shell run the command.
mkdir "$work/bin" "$work/there"
cat >"$work/bin/ssh" <<'END'
#!/bin/bash
printf '%s\n' "$@" >"$SSH_ARGUMENTS"
while [ "$1" != -- ]; do shift; done
shift 2
[ -z "$SSH_STATUS" ] || exit "$SSH_STATUS"
PATH=$SSH_PATH exec sh -c "$*"
END
chmod +x "$work/bin/ssh"
ln -s "$ctl" "$work/there/portd-ctl"
export SSH_ARGUMENTS=$work/arguments SSH_STATUS="" SSH_PATH=$work/there:/usr/bin:/bin
here_path=$PATH
PATH=$work/bin:$PATH

status='"state":"enforcing","site":"berlin","host":"acd-lb1","warnings":[]'
questions() { # host: everything that can be seen over one
    answer Status "{\"parameters\":{$status}}"
    run 0 status -H "$1" --socket "$socket"
    called '{"method":"io.portd.Status","parameters":{}}'
    says out "● acd-lb1  enforcing"
    silent err
    run 0 --remote="$1" status --socket="$socket" --json
    json 'a["host"] == "acd-lb1"'
    answer Reload '{"error":"org.varlink.service.PermissionDenied","parameters":{}}'
    run 1 reload -H "$1" --socket "$socket"
    says err "only root may do this"
    # A megabyte on the way back.
    answer Drift "{\"parameters\":{\"drifts\":[{\"time\":\"2020-01-31T14:02:11Z\",\"command\":\"nft\",
\"changes\":[\"$(head -c 1000000 /dev/zero | tr '\0' x)\"]}]}}"
    run 0 drift -H "$1" --socket "$socket" --json
    json 'len(a["drifts"][0]["changes"][0]) == 1000000'
    answer Watch '{"parameters":{"time":"2020-01-31T14:02:11Z","event":"drift","text":"nft: x"},"continues":true}'
    run 1 watch -H "$1" --socket "$socket"
    says out "nft: x"
    says err "$1: portd hung up"
    unanswer
    run 4 status -H "$1" --socket "$socket"
    says err "$1: portd is not running"
    [ "$(wc -l <"$work/err")" = 1 ] || fail "$what: says it more than once"
}

questions root@acd-lb1
printf '%s\n' -xT -- root@acd-lb1 portd-ctl bridge "--socket='$socket'" >"$work/expected"
diff "$work/expected" "$work/arguments" >&2 || fail "ssh was given something else"
run 4 status -H acd-lb1 --socket "$work/it's \$(touch $work/escaped); & here"
[ "$(tail -n 1 "$work/arguments")" = "--socket='$work/it'\\''s \$(touch $work/escaped); & here'" ] ||
    fail "$what: the socket was given as $(tail -n 1 "$work/arguments")"
[ ! -e "$work/escaped" ] || fail "$what: a shell ran a part of the socket's path"

# Nothing that ssh would take for an option.
rm "$work/arguments"
for host in -oProxyCommand=x --help ""; do
    run 2 status -H "$host"
    says err "is no host that ssh could reach"
done
[ ! -e "$work/arguments" ] || fail "ssh was started"
for verb in "check" "matrix" "explain in tcp/1 10.0.0.1 --offline"; do
    run 2 $verb -H acd-lb1
done
run 2 status -H

# What can be wrong over there.
SSH_STATUS=255 run 1 status -H acd-lb1
says err "ssh does not reach acd-lb1"
SSH_STATUS=2 run 1 status -H acd-lb1
says err "another version"
SSH_STATUS=77 run 1 status -H acd-lb1
says err "acd-lb1: this user may not ask portd"
SSH_PATH=/usr/bin:/bin run 1 status -H acd-lb1
says err "acd-lb1 has no portd-ctl"
PATH=$work/there run 1 status -H acd-lb1
says err "acd-lb1: there is no ssh here"

# The bridge alone: its input ends before the answer comes.
answer Status "{\"parameters\":{$status}}"
what="portd-ctl bridge"
printf '{"method":"io.portd.Status","parameters":{}}\0' | timeout 30 "$ctl" bridge --socket "$socket" |
    tr '\0' '\n' >"$work/out"
json 'a["parameters"]["state"] == "enforcing"'
# What would cut the session that the call came by is told of it by that end.
for verb in Plan Reload Status; do
    session='"session":"198.51.100.7 50022 10.0.0.1 22"'
    [ $verb != Status ] || session=
    answer $verb '{"error":"io.portd.Refused","parameters":{"text":"no"}}'
    SSH_CONNECTION='198.51.100.7 50022 10.0.0.1 22' run 1 "${verb,,}" -H acd-lb1 --socket "$socket"
    called '{"method":"io.portd.'$verb'","parameters":{'"$session"'}}'
done
run 0 --help
hushes out bridge

# Over a real sshd, in a network of its own.
if [ ! -x /usr/sbin/sshd ] || [ "$EUID" != 0 ]; then
    echo "no sshd here: only the ssh that goes nowhere was asked"
    finish
    exit
fi
PATH=$here_path
mkdir -p /run/sshd
for key in host user; do ssh-keygen -q -t ed25519 -N "" -f "$work/$key"; done
cp "$work/user.pub" "$work/authorized"
cat >"$work/sshd_config" <<END
Port 2222
ListenAddress 127.0.0.1
HostKey $work/host
AuthorizedKeysFile $work/authorized
StrictModes no
PermitRootLogin yes
UsePAM no
PidFile none
SetEnv PATH=$work/there:/usr/bin:/bin
END
cat >"$work/ssh_config" <<END
Host acd-lb1
    HostName 127.0.0.1
    Port 2222
    User root
    IdentityFile $work/user
    UserKnownHostsFile $work/known
    BatchMode yes
    ConnectionAttempts 100
Host nowhere
    HostName 127.0.0.1
    Port 2223
END
echo "[127.0.0.1]:2222 $(cut -d' ' -f1,2 "$work/host.pub")" >"$work/known"
unshare --net sh -c 'ip link set lo up; exec "$@"' sshd /usr/sbin/sshd -D -e -f "$work/sshd_config" 2>"$work/sshd" &
sshd=$!
cleanup+=($sshd)
for _ in {1..300}; do
    grep -q 'Server listening' "$work/sshd" && break
    sleep 0.1
done
cat >"$work/bin/ssh" <<END
#!/bin/bash
exec nsenter --net=/proc/$sshd/ns/net $(command -v ssh) -F $work/ssh_config "\$@"
END
PATH=$work/bin:$PATH
questions acd-lb1
run 1 status -H nowhere
says err "Connection refused"
says err "ssh does not reach nowhere"

finish
