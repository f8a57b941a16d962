#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections that are open before the first rules are: learn.py READY GO HERE THERE…

HERE and each THERE are namespaces of the lab and the addresses to use: "acd-lb1=10.1.0.11". Begins
connections both ways with each, on a port that the policy opens and on one that it doesn't, writes
READY, waits for the file GO, then sends in each of them, whoever has been silent first, and prints
a line each: "in|out PORT THERE speaks-first lives|dead"."""
import ctypes
import os
import select
import socket
import sys
import time

CLONE_NEWNET = 0x40000000
CLOSED_PORT = 9999
libc = ctypes.CDLL(None, use_errno=True)
listeners = {}


def enter(name):
    with open(f"/run/netns/{name}", encoding="ascii") as f:
        if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def connect(client, server, port):
    """Both ends of a connection that nobody has yet sent a byte in."""
    key = server[1], port
    if key not in listeners:
        enter(server[0])
        listeners[key] = socket.socket(socket.AF_INET6 if ":" in server[1] else socket.AF_INET)
        listeners[key].bind(key)
        listeners[key].listen()
    enter(client[0])
    near = socket.create_connection(key, 5, (client[1], 0))
    return near, listeners[key].accept()[0]


def lives(speaker, hearer, patience):
    """Whether a byte gets there, and one back."""
    for a, b in ((speaker, hearer), (hearer, speaker)):
        try:
            a.send(b"x")
        except OSError:
            return False
        if not select.select([b], [], [], patience)[0]:
            return False
        try:
            if b.recv(1) != b"x":
                return False
        except OSError:
            return False
    return True


def main():
    ready, go = sys.argv[1:3]
    here, *others = [arg.split("=") for arg in sys.argv[3:]]
    made = []
    for there, ports in zip(others, ({"in": (3306, CLOSED_PORT), "out": (8091, CLOSED_PORT)},) * len(others)):
        for way, numbers in ports.items():
            for port in numbers:
                for first in ("client", "server"):
                    client, server = (there, here) if way == "in" else (here, there)
                    made.append((way, port, there[1], first, connect(client, server, port)))
    with open(ready, "w", encoding="ascii") as f:
        f.write("ready\n")
    while not os.path.exists(go):
        time.sleep(0.01)
    for way, port, there, first, (near, far) in made:
        pair = (near, far) if first == "client" else (far, near)
        patience = 0.5 if port == CLOSED_PORT else 20
        print(way, port, there, first, "lives" if lives(*pair, patience) else "dead", flush=True)


main()
