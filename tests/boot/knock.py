#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Knocks at TCP ports, all at the same time.

knock.py EXPECTED SOURCE ADDRESS PORT …      once; EXPECTED is open or closed; fails if one is not
knock.py --until-term SOURCE ADDRESS PORT …  again and again until SIGTERM, then says for each how
                                             often, and how often somebody answered
"""
import errno
import select
import signal
import socket
import sys
import time

PATIENCE = {"open": 10.0, "closed": 0.7}  # how long to wait for an answer that we hope for, or fear
ROUND = 0.05


def start(source, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        s.bind((source, 0))
        s.connect((address, int(port)))
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            s.close()
            return None
    return s


def answered(s):
    return s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def knock(targets, seconds):
    """The targets that answered, waiting for each at most its own seconds."""
    begin = time.monotonic()
    open_now, waiting = set(), {}
    poll = select.poll()
    for target, patience in zip(targets, seconds):
        s = start(*target)
        if s:
            waiting[s.fileno()] = (s, target, begin + patience)
            poll.register(s, select.POLLOUT)
    while waiting:
        first = min(end for _, _, end in waiting.values())
        for fd, _ in poll.poll(max(0, (first - time.monotonic()) * 1000)):
            s, target, _ = waiting.pop(fd)
            if answered(s):
                open_now.add(target)
            poll.unregister(s)
            s.close()
        for fd in [fd for fd, (_, _, end) in waiting.items() if end <= time.monotonic()]:
            poll.unregister(fd)
            waiting.pop(fd)[0].close()
    return open_now


def once(words):
    expected = words[0::4]
    targets = list(zip(words[1::4], words[2::4], words[3::4]))
    open_now = knock(targets, [PATIENCE[e] for e in expected])
    wrong = 0
    for target, expect in zip(targets, expected):
        found = "open" if target in open_now else "closed"
        if found != expect:
            print(f"{target[1]} port {target[2]} is {found} to {target[0]}, not {expect}")
            wrong += 1
    return 1 if wrong else 0


def until_term(words):
    targets = list(zip(words[0::3], words[1::3], words[2::3]))
    connected = dict.fromkeys(targets, 0)
    rounds = 0
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while not ended:
        for target in knock(targets, [ROUND] * len(targets)):
            connected[target] += 1
        rounds += 1
    for target, n in connected.items():
        print(*target, rounds, n)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--until-term":
        sys.exit(until_term(sys.argv[2:]))
    sys.exit(once(sys.argv[1:]))
