#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A resolver that lies, run as the resolver's user.

    liar.py lie SOCKET NAME                     says what no resolver may say of a name that portd
                                                needs; prints what portd made of it, as JSON
    liar.py flood SOCKET NAME V4 V6 V4 V6       10,000 answers, now these addresses, now those"""
import json
import socket
import sys
import time

from varlink import Client, Error

PATH, NAME = sys.argv[2:4]
GOOD = ("203.0.113.80", "2001:db8:80::80")
def answer_of(method, parameters):
    try:
        Client(PATH).call(method, **parameters)
    except Error as e:
        return e.error.rsplit(".", 1)[1]
    except (EOFError, OSError):
        return "hung up"
    return "taken"


def good(v4=(), v6=()):
    return {"name": NAME, "ipv4": {"addresses": list(v4), "ttl": 60},
            "ipv6": {"addresses": list(v6), "ttl": 60}}


def lie():
    outcomes = {}

    def call(what, want, parameters, method="Resolved"):
        outcomes[f"{what} -> {want}"] = answer_of(method, parameters)

    def many(n):
        return [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(1, n + 1)]

    call("a name that isn't needed", "NotNeeded", {**good(GOOD[:1]), "name": "other.example.net"})
    call("257 addresses", "BadAnswer", good(many(257)))
    call("130 addresses a family", "BadAnswer",
         good(many(130), [f"2001:db8::{i:x}" for i in range(1, 131)]))
    call("10,000 addresses", "hung up", good(many(10000)))
    for address in ("127.0.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "240.0.0.1",
                    "10.0.0.0/8", "garbage", "", " 10.0.0.1", "10.0.0.1%eth0", "010.0.0.1",
                    "2001:db8::1", 7, None, [], {}):
        call(f"{address!r} in IPv4", "BadAnswer", good([GOOD[0], address], GOOD[1:]))
    for address in ("::1", "::", "ff02::1", "::ffff:10.0.0.1", "2001:db8::/32", "fe80::1%eth0",
                    "fe80::1", "10.0.0.1"):
        call(f"{address!r} in IPv6", "BadAnswer", good(GOOD[:1], [GOOD[1], address]))
    call("no address", "BadAnswer", good())
    call("nothing", "BadAnswer", {"name": NAME})
    call("no name", "BadAnswer", {})
    for ttl in (-1, 1 << 31, 1 << 62, "60", 1.5, None):
        call(f"ttl {ttl!r}", "BadAnswer", {**good(GOOD[:1]), "ipv6": {"addresses": [], "ttl": ttl}})
    call("an error of 5,000 bytes", "BadAnswer", {"name": NAME, "error": "x" * 5000})
    call("an error of two lines", "BadAnswer", {"name": NAME, "error": "x\ny"})
    call("an error that steers terminals", "BadAnswer", {"name": NAME, "error": "\x1b[2J"})
    call("an unknown parameter", "InvalidParameter", {**good(GOOD[:1]), "addresses": []})
    call("64 KiB", "hung up", {**good(GOOD[:1]), "error": "x" * (64 << 10)})
    for method in ("Status", "Reload", "Off", "Flows", "Drift"):
        call(f"{method} isn't the resolver's", "PermissionDenied", {}, method)
    crowd = [socket.socket(socket.AF_UNIX) for _ in range(400)]
    for s in crowd:
        s.connect(PATH)
    end = time.monotonic() + 10
    while (n := sum(map(is_open, crowd))) > 8 and time.monotonic() < end:
        time.sleep(0.01)
    outcomes["400 connections -> 8 stay"] = f"{n} stay"
    for s in crowd:
        s.close()
    outcomes["half a message -> hung up"] = half_message()
    print(json.dumps(outcomes))


def is_open(s):
    s.setblocking(False)
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def half_message():
    """64 KiB without an end."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(PATH)
        try:
            s.sendall(b'{"method":"io.portd.Resolved","parameters":{"name":"' + b"x" * (66 << 10))
            return "hung up" if s.recv(1) == b"" else "answered"
        except OSError:
            return "hung up"


def flood(*addresses):
    client = Client(PATH)
    for i in range(10000):
        at = i % 2 * 2
        client.call("Resolved", **good(addresses[at:at + 1], addresses[at + 1:at + 2]))


if sys.argv[1] == "flood":
    flood(*sys.argv[4:])
else:
    lie()
