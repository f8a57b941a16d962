#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way to change portd's table, by nft and by messages written by hand.

    seal.py SOCKET sealed    as root beside portd: each is refused, nothing changed
    seal.py SOCKET valid     on the table without an owner: the kernel would take each of them (it
                             is asked without committing), so that the refusals above are the
                             seal's and not those of a mistake
    seal.py SOCKET owner     prints the table's flags and its owner's port id"""
import errno
import random
import re
import subprocess
import sys

import nfnl
import tamper
from nfnl import Message, attr
from varlink import Client

T = attr(1, "portd")
SET, ADDRESS, PEER = "jtel-acd_ACD-LB_4", bytes([198, 51, 100, 7]), bytes([10, 1, 0, 12])
PORT_9 = bytes([6, 0, 0, 0, 0, 9, 0, 0])
ACCEPT = attr(2, [attr(1, 1)])
ACCEPT_RULE = attr(4, [attr(1, [attr(1, "immediate"), attr(2, [attr(1, 0), attr(2, [ACCEPT])])])])
NO_RULES = Message(nfnl.DELRULE, [T])
COUNTER = "denied/in"


def new_table(flags):
    return Message(nfnl.NEWTABLE, [T, attr(2, flags)], nfnl.CREATE)


def hook(number, priority):
    return attr(4, [attr(1, number), attr(2, priority)])


def element(name, key, *data):
    return [T, attr(2, name), attr(3, [attr(1, [attr(1, [attr(1, key)]), *data])])]


def by_hand(table):
    """{what: messages}"""
    rule = next(r for r in table.rules if r["chain"] == "input")
    named = [T, attr(2, "input"), attr(3, nfnl.u64(rule["handle"]))]
    return {
        "NEWRULE at the end": [Message(nfnl.NEWRULE, [T, attr(2, "input"), ACCEPT_RULE],
                                       nfnl.CREATE | nfnl.APPEND)],
        "NEWRULE at the head": [Message(nfnl.NEWRULE, [T, attr(2, "input"), ACCEPT_RULE],
                                        nfnl.CREATE)],
        "NEWRULE in place of another": [Message(nfnl.NEWRULE, named + [ACCEPT_RULE], 0x100)],
        "DELRULE of one": [Message(nfnl.DELRULE, named)],
        "DELRULE of a chain's": [Message(nfnl.DELRULE, [T, attr(2, "input")])],
        "DELRULE of all": [NO_RULES],
        "NEWCHAIN with policy accept": [Message(nfnl.NEWCHAIN, [T, attr(3, "input"), attr(5, 1)],
                                                nfnl.CREATE)],
        "NEWCHAIN": [Message(nfnl.NEWCHAIN, [T, attr(3, "more")], nfnl.CREATE)],
        "NEWCHAIN with a hook": [Message(nfnl.NEWCHAIN, [
            T, attr(3, "more"), hook(1, 5), attr(7, "filter")], nfnl.CREATE)],
        "DELCHAIN": [NO_RULES, Message(nfnl.DELCHAIN, [T, attr(3, "input")])],
        "NEWSET": [Message(nfnl.NEWSET, [
            T, attr(2, "more"), attr(4, 7), attr(5, 4), attr(10, 1)], nfnl.CREATE)],
        "DELSET": [NO_RULES, Message(nfnl.DELSET, [T, attr(2, SET)])],
        "NEWSETELEM": [Message(nfnl.NEWSETELEM, element(SET, ADDRESS), nfnl.CREATE)],
        "NEWSETELEM of a service": [Message(nfnl.NEWSETELEM, element(
            "in_service", PORT_9, attr(2, [ACCEPT])), nfnl.CREATE)],
        "DELSETELEM": [Message(nfnl.DELSETELEM, element(SET, PEER))],
        "DELSETELEM of all": [Message(nfnl.DELSETELEM, [T, attr(2, SET)])],
        "NEWTABLE dormant": [new_table(nfnl.DORMANT)],
        "NEWTABLE with no flag": [new_table(0)],
        "NEWTABLE for the claimer": [new_table(nfnl.OWNER | nfnl.PERSIST)],
        "NEWTABLE for the claimer, not to stay": [new_table(nfnl.OWNER)],
        "DELTABLE": [Message(nfnl.DELTABLE, [T])],
        "DELTABLE and NEWTABLE": [Message(nfnl.DELTABLE, [T]), new_table(0)],
        "DESTROYTABLE": [Message(nfnl.DESTROYTABLE, [T])],
        "NEWOBJ": [Message(nfnl.NEWOBJ, [T, attr(2, "more"), attr(3, 1), attr(4, [])], nfnl.CREATE)],
        "DELOBJ": [NO_RULES, Message(nfnl.DELOBJ, [T, attr(2, COUNTER), attr(3, 1)])],
        "NEWFLOWTABLE": [Message(nfnl.NEWFLOWTABLE, [
            T, attr(2, "fast"), attr(3, [attr(1, 0), attr(2, 0)])], nfnl.CREATE)],
    }


def by_nft(table, rng):
    """{what: command}"""
    commands = {kind.__name__: kind(table, rng)
                for kind in tamper.TAMPERS if kind is not tamper.ruleset_flush}
    commands |= {
        "chain_rename": f"rename chain {tamper.TABLE} deny_in denied",
        "counter_add": f"add counter {tamper.TABLE} more",
        "flowtable_add": f"add flowtable {tamper.TABLE} fast {{ hook ingress priority 0 ; }}",
        "chain_delete": f"flush table {tamper.TABLE} ; delete chain {tamper.TABLE} input",
    }
    return commands


def nft(command, *options):
    """0, or the errno that nft tells in words."""
    p = subprocess.run(["nft", *options, command], capture_output=True, text=True, timeout=60)
    if p.returncode == 0:
        return 0
    words = re.search(r"Error: .*: (.*)$", p.stderr, re.M)
    known = {"Operation not permitted": errno.EPERM, "Operation not supported": errno.EOPNOTSUPP,
             "No such file or directory": errno.ENOENT}
    return known.get(words and words[1], p.stderr)


class Judge:
    def __init__(self):
        self.failed = 0

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("seal: FAILED:", *what)


def sealed(client, judge):
    wire = nfnl.Nfnl()
    table, want, owner = tamper.Table(), tamper.listing(), wire.owner()
    generation, drifts = wire.generation(), client.call("Status")["drifts"]
    judge.expect(owner[0] == nfnl.OWNER | nfnl.PERSIST and owner[1], "not sealed:", owner)
    commands, messages = by_nft(table, random.Random(1)), by_hand(table)

    for what, command in commands.items():
        judge.expect(nft(command) == errno.EPERM, "not refused:", command)
        judge.expect(wire.generation() == generation, "a commit by", what)
    for sender in (0, owner[1]): # the port id in a message is only what its sender says
        for what, batch in messages.items():
            errors = wire.batch(batch, sender=sender)
            judge.expect(set(errors) == {errno.EPERM}, "not refused:", what, errors)
            judge.expect(wire.generation() == generation, "a commit by", what)
    try:
        nfnl.Nfnl(owner[1])
        judge.expect(False, "the owner's port id was taken by another socket")
    except OSError as e:
        judge.expect(e.errno == errno.EADDRINUSE, e)
    judge.expect(wire.owner() == owner, "another owner:", wire.owner())
    judge.expect(tamper.listing() == want, "the table changed")
    judge.expect(client.call("Diff")["lines"] == [], "the compare is not clean")
    judge.expect(client.call("Status")["drifts"] == drifts, "drift was told")
    print(f"seal: {len(commands)} classes of change by nft, {len(messages)} by messages, those with "
          f"a forged sender, too: each refused with EPERM, generation still {generation}")
    resets(client, judge, wire, generation)


def resets(client, judge, wire, generation):
    """To read and to set to zero is no change for the kernel: it lets everybody."""
    results = {
        "nft reset counters": nft(f"reset counters table {tamper.TABLE}"),
        "GETOBJ_RESET": wire.request(
            Message(nfnl.GETOBJ_RESET, [T, attr(2, COUNTER), attr(3, 1)])),
    }
    judge.expect(wire.generation() == generation, "a reset is a commit")
    judge.expect(client.call("Diff")["lines"] == [], "the compare is not clean after a reset")
    for what, result in results.items():
        done = "the kernel does it: counters begin at 0 again, no verdict changes"
        print(f"seal: {what}: {'refused' if result else done}")


# What was sealed once stays to persist: the kernel keeps its flags.
KEPT = ("NEWTABLE dormant", "NEWTABLE with no flag", "NEWTABLE for the claimer, not to stay",
        "table_dormant")


def valid(judge):
    wire, table = nfnl.Nfnl(), tamper.Table()
    judge.expect(wire.owner() == (nfnl.PERSIST, 0), "still somebody's:", wire.owner())
    commands, messages = by_nft(table, random.Random(1)), by_hand(table)
    answers = {what: {nft(command, "-c")} for what, command in commands.items()}
    answers |= {what: set(wire.batch(batch, commit=False)) for what, batch in messages.items()}
    for what, answer in answers.items():
        wanted = {errno.EOPNOTSUPP} if what in KEPT else {0}
        if what.lower().find("flowtable") >= 0 and answer == {errno.ENOENT}:
            print(f"seal: {what}: this kernel has no flowtables in family inet")
        else:
            judge.expect(answer == wanted, "no valid change:", what, answer)
    print(f"seal: without an owner the kernel would take all {len(answers)}, but {len(KEPT)} of "
          "the table's flags")


def main():
    judge = Judge()
    if sys.argv[2] == "sealed":
        sealed(Client(sys.argv[1]), judge)
    elif sys.argv[2] == "valid":
        valid(judge)
    else:
        print(*nfnl.Nfnl().owner())
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
