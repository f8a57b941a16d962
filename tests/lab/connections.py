#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of connections that connection tracking knows, on acd-lb1, in whose network
namespace this runs.

    connections.py SOCKET SITE

Forged: another process writes entries into connection tracking, for either side as the one who
began, and the packets that belong to them come: they open nothing. Revoked: connections that are
up, begun by either side, are cut at their next packet when their flow goes. Large: bulk data to a
host behind a narrow link arrives, because the routers' word about it comes through."""
import errno
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

import nfnl
from flood import in_namespace
from nfnl import Message, attr
from varlink import Client

HERE = {socket.AF_INET: "10.1.0.11", socket.AF_INET6: "2001:db8:1::11"}
PEER = {socket.AF_INET: "10.1.0.12", socket.AF_INET6: "2001:db8:1::12"}
STRANGER = {socket.AF_INET: "198.51.100.7", socket.AF_INET6: "2001:db8:ffff::7"}
FAR = {socket.AF_INET: "203.0.113.65", socket.AF_INET6: "2001:db8:77::1"}
FAMILIES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
OPEN_PORT, CLOSED_PORT, FAR_PORT = 7100, 7999, 7200
CHAT_PORT = 3000  # open to any
NARROW_MTU = 1280
BULK = 1 << 20
SILENCE = 0.2  # seconds without an arrival
PATIENCE = 20

CT_NEW, EXCL = 0, 0x200
SEEN_REPLY, ASSURED, CONFIRMED = 2, 4, 8
SYN_SENT = 1  # TCP_CONNTRACK_SYN_SENT: a SYN of either side belongs to the connection


def tuple_of(family, protocol, source, target):
    kinds = (1, 2) if family == socket.AF_INET else (3, 4)
    ends = [attr(kind, socket.inet_pton(family, end[0])) for kind, end in zip(kinds, (source, target))]
    return [attr(1, ends), attr(2, [attr(1, struct.pack("B", protocol)),
                                    attr(2, struct.pack("!H", source[1])),
                                    attr(3, struct.pack("!H", target[1]))])]


def forge(wire, family, protocol, source, target, translations=()):
    """An entry as if `source` had begun and `target` had answered; translations are attributes."""
    content = [attr(1, tuple_of(family, protocol, source, target)),
               attr(2, tuple_of(family, protocol, target, source)),
               attr(3, SEEN_REPLY | ASSURED | CONFIRMED), attr(7, 300), *translations]
    if protocol == socket.IPPROTO_TCP:
        content.append(attr(4, [attr(1, [attr(1, struct.pack("B", SYN_SENT))])]))
    return wire.request(Message(CT_NEW, content, nfnl.CREATE | EXCL, family, nfnl.CTNETLINK))


def established():
    """How many packets belonged to a connection that is established, for the kernel."""
    text = subprocess.run(["nft", "list", "table", "inet", "seen"], capture_output=True, text=True,
                          check=True).stdout
    return sum(int(n) for n in re.findall(r"counter packets (\d+)", text))


def until(is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            return False
    return True


def put(path, content):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(content)
    os.replace(path + ".new", path)


def speaks(source):
    try:
        source.send(b"word")
    except OSError:
        pass # refused by a rule


def hears(target, patience):
    try:
        return bool(select.select([target], [], [], patience)[0]) and target.recv(64) == b"word"
    except OSError:
        return False


def passes(source, target):
    speaks(source)
    return hears(target, PATIENCE)


class Trial:
    def __init__(self, control, site):
        self.client, self.site, self.failed = Client(control), site, 0
        self.wire = nfnl.Nfnl()
        with open(site, encoding="utf-8") as f:
            self.content = f.read()

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("connections: FAILED:", *what)

    # Forged

    def forged_one(self, family, kind, sender, receiver, began):
        """Whether a packet from `sender` to `receiver`, (namespace, address, port), arrived though
        all that speaks for it is a forged entry."""
        protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
        ends = (sender[1:], receiver[1:]) if began is sender else (receiver[1:], sender[1:])
        error = forge(self.wire, family, protocol, *ends)
        self.expect(error == 0, "the entry was refused:", errno.errorcode.get(error))
        before = established()
        with in_namespace(receiver[0], lambda: socket.socket(family, kind)) as here, \
                in_namespace(sender[0], lambda: socket.socket(family, kind)) as there:
            here.bind(receiver[1:])
            if kind == socket.SOCK_STREAM:
                here.listen()
            there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            there.bind(sender[1:])
            there.setblocking(False)
            try:
                there.connect(receiver[1:])
                there.send(b"forged")
            except OSError:
                pass
            self.expect(until(lambda: established() > before),
                        "no packet met the forged entry:", sender, receiver)
            return bool(select.select([here], [], [], SILENCE)[0])

    def forged(self):
        n, opened, port = 0, 0, 40000
        for family, name in FAMILIES.items():
            inside = ("acd-lb1", HERE[family], CLOSED_PORT)
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                for inwards in (True, False):
                    for by_sender in (True, False):
                        port += 1
                        outside = ("stranger", STRANGER[family], port)
                        ends = (outside, inside) if inwards else (inside, outside)
                        came = self.forged_one(family, kind, *ends, ends[0] if by_sender else ends[1])
                        self.expect(not came, "a forged entry opens:", name, kind, ends, by_sender)
                        n, opened = n + 1, opened + came
            # As answers to a flow that anybody may answer, or whom anybody may ask.
            web, asked = ("stranger", STRANGER[family], 80), ("acd-lb1", HERE[family], CHAT_PORT)
            for sender, receiver in ((web, inside), (asked, ("stranger", STRANGER[family], 40000))):
                came = self.forged_one(family, socket.SOCK_STREAM, sender, receiver, receiver)
                self.expect(not came, "a forged entry opens:", name, sender, receiver)
                n, opened = n + 1, opened + came
        print(f"connections: {n} forged entries (UDP, TCP, in, out, begun by either side, IPv4, "
              f"IPv6, from open ports), {opened} opened anything")

    # Revoked

    @staticmethod
    def connect(family, server, client, port):
        """Both ends of a connection, the client's first; ends are (namespace, addresses)."""
        with in_namespace(server[0], lambda: socket.socket(family, socket.SOCK_STREAM)) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((server[1][family], port))
            s.listen()
            c = in_namespace(client[0], lambda: socket.socket(family, socket.SOCK_STREAM))
            c.settimeout(PATIENCE)
            c.bind((client[1][family], 0))
            c.connect((server[1][family], port))
            return c, s.accept()[0]

    def revoked(self):
        ends = {"begun by the other": (("acd-lb1", HERE), ("acd-lb2", PEER)),
                "begun here": (("acd-lb2", PEER), ("acd-lb1", HERE))}
        up = []
        for family, name in FAMILIES.items():
            for who, (server, client) in ends.items():
                for way in (0, 1):
                    pair = self.connect(family, server, client, OPEN_PORT + way)
                    up.append((f"{name}, {who}, {('client', 'server')[way]} speaks", pair, way))
        for what, pair, _ in up:
            self.expect(passes(*pair) and passes(*pair[::-1]), "was never up:", what)
        site = json.loads(self.content)
        site["flows"] = [f for f in site["flows"] if f["id"] not in ("live-in", "live-out")]
        put(self.site, json.dumps(site))
        self.client.call("Reload")
        cut = 0
        for _, pair, way in up:
            speaks(pair[way])
        for what, pair, way in up:
            still = hears(pair[1 - way], SILENCE)
            self.expect(not still, "still passes after the reload:", what)
            cut += not still
        put(self.site, self.content)
        self.client.call("Reload")
        print(f"connections: {len(up)} live connections, {cut} cut at the next packet after the "
              "reload that takes their flows away")

    # Large

    def large(self):
        for family, name in FAMILIES.items():
            for who, server, client in (("asked for", ("acd-lb1", HERE), ("far", FAR)),
                                        ("sent", ("far", FAR), ("acd-lb1", HERE))):
                c, s = self.connect(family, server, client, FAR_PORT)
                source, target = (s, c) if server[0] == "acd-lb1" else (c, s)
                got = self.bulk(source, target)
                self.expect(got == BULK, f"{name}, {who}: {got} of {BULK} bytes arrived")
                c.close()
                s.close()
            route = subprocess.run(["ip", "route", "get", FAR[family]], capture_output=True, text=True,
                                   check=True).stdout
            self.expect(f"mtu {NARROW_MTU}" in route, name, "the path's MTU was not learned:", route)
        print(f"connections: {BULK} bytes over a path of MTU {NARROW_MTU}, IPv4 and IPv6, asked for "
              f"and sent, {'all arrived' if not self.failed else 'see above'}")

    @staticmethod
    def bulk(source, target):
        source.setblocking(False)
        sent, got = 0, 0
        while got < BULK:
            writers = [source] if sent < BULK else []
            readable, writable, _ = select.select([target], writers, [], PATIENCE)
            if not readable and not writable:
                break
            if writable:
                sent += source.send(bytes(min(65536, BULK - sent)))
            if readable:
                got += len(target.recv(1 << 20))
        return got


def main():
    trial = Trial(*sys.argv[1:3])
    trial.forged()
    trial.revoked()
    trial.large()
    trial.expect(trial.client.call("Diff")["lines"] == [], "the compare is not clean")
    return 1 if trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
