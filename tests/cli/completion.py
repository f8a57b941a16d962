#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion as somebody at a terminal has it: bash and zsh run on one, fish is asked.

completion.py COMPLETIONS-DIRECTORY DIRECTORY: the shells' files, and a directory that has
portd-ctl, policies, site.json and the socket io.portd of a portd with flow site/backup."""
import os
import pty
import re
import select
import subprocess
import sys
import time

SECONDS = 60  # for one answer, on a machine that others use

# A key tells the line as it stands; another puts in everything that could be meant.
BASH = """
PS1='ready> '
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
bind -x '"\\C-g": printf "<<%s>>\\n" "$READLINE_LINE"'
bind '"\\C-t": insert-completions'
source {completions}/portd-ctl.bash
"""
ZSH = """
PS1='ready> '
fpath=({work}/functions $fpath)
autoload -Uz compinit
compinit -u -D
tell() {{ print -r -- "<<$BUFFER>>" }}
zle -N tell
bindkey '^G' tell
bindkey '^I' complete-word
zle -C all-matches complete-word _generic
zstyle ':completion:all-matches:*' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true
bindkey '^T' all-matches
"""


class Terminal:
    """A shell that somebody types at."""

    def __init__(self, arguments, begin):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", HISTFILE="", COLUMNS="1000", LINES="100")
            os.execvp(arguments[0], arguments)
        self.seen = ""
        os.write(self.fd, begin.encode() + b"\n echo be''gin\n")
        self.wait("begin")

    def wait(self, pattern):
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.seen, re.S)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise TimeoutError(f"no {pattern} in {self.seen!r}")
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        self.seen = self.seen[found.end():]
        return found

    def line(self, typed, key):
        """What the line is after a key was pressed behind `typed`."""
        os.write(self.fd, b"\x15" + typed.encode() + key)
        os.write(self.fd, b"\x07")
        return self.wait("<<(.*?)>>")[1].replace("\r", "").replace("\n", "")

    def one(self, typed):
        return self.line(typed, b"\t")

    def all(self, typed):
        """The words that could be meant by the last one."""
        before = typed.rsplit(" ", 1)[0]
        return self.line(typed, b"\x14").removeprefix(before).split()

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class Fish:
    """Is asked, line by line."""

    def __init__(self, completions):
        self.begin = f"source {completions}/portd-ctl.fish; complete -C $argv[1]"

    def all(self, typed):
        # fish exits with an error where nothing can be meant.
        out = subprocess.run(["fish", "--no-config", "-c", self.begin, "--", typed], text=True,
                             stdout=subprocess.PIPE, timeout=SECONDS, check=False).stdout
        return [line.split("\t")[0] for line in out.splitlines()]

    def one(self, typed):
        words = self.all(typed)
        if len(words) != 1:
            return typed
        end = "" if words[0][-1] in "=,/" else " "
        return typed.rsplit(" ", 1)[0] + " " + words[0] + end

    def close(self):
        pass


# What is typed, and what it becomes when Tab is pressed.
ONE = [
    ("ex", "explain "),
    ("expl", "explain "),
    ("nonsense x", "nonsense x"),
    ("explain o", "explain out "),
    ("explain in tcp/1 fr", "explain in tcp/1 from "),
    ("status --js", "status --json "),
    ("off --rea", "off --reason "),
    ("off --offl", "off --offl"),
    ("matrix --format mark", "matrix --format markdown "),
    ("matrix --format=mark", "matrix --format=markdown "),
    ("matrix --policy-dir policies jt", "matrix --policy-dir policies jtel-acd "),
    ("check --site si", "check --site site.json "),
    ("check --site=si", "check --site=site.json "),
    ("check --policy-dir pol", "check --policy-dir policies/"),
    ("check {files} --host acd-ch", "check {files} --host acd-chat"),
    ("check {files} --host acd-tel1", "check {files} --host acd-tel1 "),
    ("check {files} --host=acd-tel1", "check {files} --host=acd-tel1 "),
    ("init --policy-dir policies mailstore-spe --host m1=MG",
     "init --policy-dir policies mailstore-spe --host m1=MGMT "),
    ("init --policy-dir policies mailstore-spe --host=m1=MGMT,C",
     "init --policy-dir policies mailstore-spe --host=m1=MGMT,CAS "),
    ("flows --socket io.portd site/", "flows --socket io.portd site/backup "),
    ("explain --socket io.portd in tcp/91", "explain --socket io.portd in tcp/9102 "),
    ("explain --offline {files} in tcp/1 from 2001:db8:1::3",
     "explain --offline {files} in tcp/1 from 2001:db8:1::3"),
    ("explain --offline {files} in tcp/1 from 2001:db8:1::11",
     "explain --offline {files} in tcp/1 from 2001:db8:1::11 "),
]
# What is typed, and all that the last word could become.
ALL = [
    ("re", {"reload", "revoke"}),
    ("s", {"status", "seal"}),
    ("explain ", {"in", "out"}),
    ("init --policy-dir policies mailstore-spe --host m1=", {"m1=MGMT", "m1=CAS", "m1=IH"}),
    ("explain --offline {files} in tcp/1 10.1.0.1", {"10.1.0.10", "10.1.0.11", "10.1.0.12"}),
]
FILES = "--policy-dir policies --site site.json"


def check(name, shell):
    for typed, want in ONE:
        typed, want = (f"portd-ctl {text.format(files=FILES)}" for text in (typed, want))
        if name == "fish" and want.endswith("acd-chat"):
            continue  # it lists, and shortens nothing by itself
        got = shell.one(typed)
        if got != want:
            yield f"{name}: {typed!r} becomes {got!r}, not {want!r}"
    for typed, want in ALL:
        got = set(shell.all(f"portd-ctl {typed.format(files=FILES)}"))
        if name == "bash":  # the first has what stands before the '='
            got, want = ({word.split("=")[-1] for word in words} for words in (got, want))
        if got != want:
            yield f"{name}: {typed!r} could become {got}, not {want}"


def main():
    completions, work = map(os.path.realpath, sys.argv[1:])
    os.chdir(work)
    os.environ["HOME"] = work  # fish keeps notes there
    os.environ["PATH"] = f"{work}:{os.environ['PATH']}"
    os.makedirs("functions", exist_ok=True)
    os.symlink(f"{completions}/_portd-ctl", "functions/_portd-ctl")
    shells = {
        "bash": lambda: Terminal(["bash", "--norc", "--noprofile", "-i"],
                                 BASH.format(completions=completions)),
        "zsh": lambda: Terminal(["zsh", "-f", "-i"], ZSH.format(work=work)),
        "fish": lambda: Fish(completions),
    }
    found = []
    for name, start in shells.items():
        shell = start()
        found += check(name, shell)
        shell.close()
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
