#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets that wait for somebody: listeners.py [--cgroup DIRECTORY] SOCKET...

SOCKET is "tcp/ADDRESS/PORT" or "udp/ADDRESS/PORT"; of IPv6 sockets "::" takes IPv4 as well, and
"only::" doesn't. "+" before it: two sockets share the port. Prints a line once all are there, and
goes when it is ended."""
import os
import signal
import socket
import sys

arguments = sys.argv[1:]
if arguments[0] == "--cgroup":
    with open(f"{arguments[1]}/cgroup.procs", "w", encoding="ascii") as f:
        f.write("0")
    arguments = arguments[2:]
kept = []
for argument in arguments:
    shared = argument.startswith("+")
    kind, address, port = argument.removeprefix("+").split("/")
    only = address.startswith("only")
    address = address.removeprefix("only")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(2 if shared else 1):
        s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        s.bind((address, int(port)))
        if kind == "tcp":
            s.listen(16)
        kept.append(s)
os.write(1, b"ready\n")
signal.pause()
