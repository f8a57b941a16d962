#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Commits to nf_tables in bursts until it is killed: adds and deletes a table that is not portd's,
again and again, over one socket. Without any pause nobody could read a whole table in between,
and who wins would be the scheduler's choice."""
import itertools
import socket
import struct
import time

NETLINK_NETFILTER, NFPROTO_INET, REQUEST, CREATE = 12, 1, 1, 0x400
BEGIN, END, NEWTABLE, DELTABLE = 16, 17, 10 << 8 | 0, 10 << 8 | 2
BURST, PAUSE = 50, 0.05  # commits, seconds
NAME = struct.pack("=HH8s", 12, 1, b"storm\0")


def message(kind, flags, family, subsystem, payload=b""):
    body = struct.pack("=BBH", family, 0, socket.htons(subsystem)) + payload
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 1, 0) + body


def batch(kind, flags):
    return (message(BEGIN, 0, 0, 10) + message(kind, flags, NFPROTO_INET, 0, NAME) +
            message(END, 0, 0, 10))


with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as s:
    s.bind((0, 0))
    for n, commit in enumerate(itertools.cycle([batch(NEWTABLE, CREATE), batch(DELTABLE, 0)])):
        s.send(commit)
        if n % BURST == BURST - 1:
            time.sleep(PAUSE)
