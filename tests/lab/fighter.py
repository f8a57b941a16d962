#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Commits to nf_tables as fast as one process can, and says at the end how often.

    fighter.py rules            removes portd's rules, its table now and then, until stdin is closed
    fighter.py foreign COUNT    adds and removes a table that is nobody else's"""
import itertools
import select
import sys

import nfnl
from nfnl import Message, attr

LOOK = 50 # commits between two looks at stdin
ROUND = 20 # of which one removes the table


def rules(wire):
    """Transactions that the kernel refuses are not counted: there was nothing left to remove."""
    done, table = 0, [attr(1, "portd")]
    for n in itertools.count():
        kind = nfnl.DELTABLE if n % ROUND == 0 else nfnl.DELRULE
        done += wire.batch([Message(kind, table)]) == [0]
        if n % LOOK == 0 and select.select([sys.stdin], [], [], 0)[0]:
            return done


def foreign(wire, count):
    table = [attr(1, "foreign")]
    for n in range(count):
        m = Message(nfnl.DELTABLE, table) if n % 2 else Message(nfnl.NEWTABLE, table, nfnl.CREATE)
        if wire.batch([m]) != [0]:
            raise SystemExit("fighter: a commit to its own table was refused")
    return count


if __name__ == "__main__":
    print(rules(nfnl.Nfnl()) if sys.argv[1] == "rules" else foreign(nfnl.Nfnl(), int(sys.argv[2])))
