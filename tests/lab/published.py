#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who reaches the ports that acd-rest1 publishes for a container, in whose network namespace this
runs. The container's own ports are others than those that are published.

    published.py open
    published.py enforced [SOCKET SITE]

open: before portd, all who ask are answered: nothing else in this network denies. enforced: the
policy decides, by the port that was asked for. With a socket and a site also: live connections
whose flow goes are cut, entries that others forge into connection tracking open nothing."""
import errno
import json
import select
import socket
import struct
import subprocess
import sys

import connections
import nfnl
from connections import FAMILIES, PATIENCE, SILENCE, hears, passes, put, speaks
from flood import in_namespace
from nfnl import attr
from varlink import Client

V4, V6 = socket.AF_INET, socket.AF_INET6
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
ADDRESSES = {
    "acd-rest1": {V4: "10.1.0.81", V6: "2001:db8:1::81"},
    "acd-lb1": {V4: "10.1.0.11", V6: "2001:db8:1::11"},
    "stranger": connections.STRANGER,
    "box": {V4: "172.17.0.2", V6: "fd00:17::2"},
    "box2": {V4: "172.18.0.2", V6: "fd00:18::2"},
}
HOST = "acd-rest1"
# Who asks whom, and who answers there on which port; whether the policy lets it pass.
PROBES = (
    ("acd-lb1", TCP, HOST, 8091, "box", 80, True),
    ("acd-lb1", TCP, HOST, 7500, "box", 75, True),
    ("acd-lb1", UDP, HOST, 7300, "box", 73, True),
    ("stranger", TCP, HOST, 8091, "box", 80, False),
    ("stranger", UDP, HOST, 7300, "box", 73, False),
    # in no flow at all
    ("acd-lb1", TCP, HOST, 9000, "box", 80, False),
    ("acd-lb1", UDP, HOST, 9000, "box", 73, False),
    # not published: the host's own
    ("acd-lb1", TCP, HOST, 7400, HOST, 7400, True),
    ("stranger", TCP, HOST, 7400, HOST, 7400, False),
    # from another container, by the host's address: that container is no load balancer
    ("box2", TCP, HOST, 8091, "box", 80, False),
    # what containers ask for, and what the host merely routes
    ("box", TCP, "stranger", 9, "stranger", 9, True),
    ("box", UDP, "stranger", 9, "stranger", 9, True),
    ("acd-lb1", TCP, "box", 80, "box", 80, True),
    ("box2", TCP, "box", 75, "box", 75, True),
)
CTA_NAT_SRC, CTA_NAT_DST = 6, 13


def is_readable(sock, patience):
    return bool(select.select([sock], [], [], patience)[0])


def listener(family, kind, where, port):
    sock = in_namespace(where, lambda: socket.socket(family, kind))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((ADDRESSES[where][family], port))
    if kind == TCP:
        sock.listen()
    return sock


def translation(kind, family, to):
    """That connection tracking sends packets from or to another address and port."""
    first = 1 if family == V4 else 4
    address, port = socket.inet_pton(family, to[0]), struct.pack("!H", to[1])
    return attr(kind, [attr(first, address), attr(first + 1, address),
                       attr(3, [attr(1, port), attr(2, port)])])


class Trial:
    def __init__(self):
        self.failed = 0
        self.listeners = {(family, kind, where, port): listener(family, kind, where, port)
                          for family in FAMILIES
                          for kind, where, port in {(p[1], p[4], p[5]) for p in PROBES}}

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("published: FAILED:", *what)

    def client(self, family, kind, name, port=0):
        sock = in_namespace(name, lambda: socket.socket(family, kind))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((ADDRESSES[name][family], port))
        sock.setblocking(False)
        return sock

    # Who reaches whom

    def connects(self, client, server, to, patience):
        """Both ends of a connection, or None."""
        if client.connect_ex(to) not in (0, errno.EINPROGRESS) or not is_readable(server, patience):
            return None
        return client, server.accept()[0]

    def reaches(self, family, probe):
        who, kind, whom, port, where, inside, _ = probe
        server, to = self.listeners[family, kind, where, inside], (ADDRESSES[whom][family], port)
        with self.client(family, kind, who) as client:
            if kind == UDP:
                client.sendto(b"word", to)
                if not is_readable(server, PATIENCE):
                    return False
                word, source = server.recvfrom(64)
                server.sendto(word, source)
                return is_readable(client, PATIENCE) and client.recv(64) == b"word"
            ends = self.connects(client, server, to, PATIENCE)
            if not ends:
                return False
            with ends[1] as accepted:
                accepted.send(b"word")
                return is_readable(client, PATIENCE) and client.recv(64) == b"word"

    def asks(self, family, probe):
        who, kind, whom, port = probe[:4]
        client = self.client(family, kind, who)
        client.connect_ex((ADDRESSES[whom][family], port))
        if kind == UDP:
            client.send(f"{FAMILIES[family]} {probe}".encode())
        return client

    def arrivals(self, patience):
        """What all who listen have got."""
        ready = select.select(self.listeners.values(), [], [], patience)[0]
        for sock in ready:
            yield sock.accept()[0].getpeername() if sock.type == TCP else sock.recv(256).decode()
        if ready:
            yield from self.arrivals(0)

    def probes(self, is_enforced):
        reached, denied = 0, []
        for family, name in FAMILIES.items():
            for probe in PROBES:
                if is_enforced and not probe[6]:
                    denied.append((family, probe))
                    continue
                came = self.reaches(family, probe)
                self.expect(came, name, probe, "did not reach")
                reached += came
        clients = [self.asks(*one) for one in denied]
        for who in self.arrivals(SILENCE):
            self.expect(False, "arrived, though it is to be denied:", who)
        for client in clients:
            client.close()
        print(f"published: {reached} of {2 * len(PROBES)} reach whom they ask, {len(denied)} are denied")

    # What is told about a connection

    def errors(self):
        """ICMP errors come through in both directions: who sends to a closed port learns it."""
        for family, name in FAMILIES.items():
            server = self.listeners[family, UDP, "box", 73]
            with self.client(family, UDP, "acd-lb1") as client:
                client.sendto(b"word", (ADDRESSES[HOST][family], 7300))
                is_readable(server, PATIENCE)
                source = server.recvfrom(64)[1]
            with in_namespace("box", lambda f=family: socket.socket(f, UDP)) as answering:
                answering.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                server.close()
                answering.bind((ADDRESSES["box"][family], 73))
                answering.connect(source)
                answering.send(b"word")
                self.expect(is_readable(answering, PATIENCE) and self.is_refused(answering), name,
                            "the container doesn't learn that nobody listens any more")
            with self.client(family, UDP, "acd-lb1") as client:
                client.connect((ADDRESSES[HOST][family], 7300))
                client.send(b"word")
                self.expect(is_readable(client, PATIENCE) and self.is_refused(client), name,
                            "the client doesn't learn that the container doesn't listen")
            self.listeners[family, UDP, "box", 73] = listener(family, UDP, "box", 73)

    @staticmethod
    def is_refused(sock):
        try:
            sock.recv(64)
            return False
        except ConnectionRefusedError:
            return True

    # Revoked

    def revoked(self, control, site):
        up = []
        for family, name in FAMILIES.items():
            for way in (0, 1):
                client = self.client(family, TCP, "acd-lb1")
                pair = self.connects(client, self.listeners[family, TCP, "box", 75],
                                     (ADDRESSES[HOST][family], 7500), PATIENCE)
                up.append((f"{name}, the {('client', 'container')[way]} speaks", pair, way))
        for what, pair, _ in up:
            self.expect(pair and passes(*pair) and passes(*pair[::-1]), "was never up:",
                        what)
        with open(site, encoding="utf-8") as f:
            content = f.read()
        without = json.loads(content)
        without["flows"] = [f for f in without["flows"] if f["id"] != "live"]
        put(site, json.dumps(without))
        named = {(c["address"], c["port"]) for c in control.call("Plan")["connections"]
                 if c["forwarded"] and c["service"] == "tcp/7500" and c["flow"] == "site/live"}
        self.expect(named == {pair[0].getsockname()[:2] for _, pair, _ in up},
                    "the plan names other connections:", named)
        control.call("Reload")
        cut = 0
        for _, pair, way in up:
            speaks(pair[way])
        for what, pair, way in up:
            still = hears(pair[1 - way], SILENCE)
            self.expect(not still, "still passes after the reload:", what)
            cut += not still
        put(site, content)
        control.call("Reload")
        print(f"published: {len(up)} live connections, {cut} cut at the next packet after the reload "
              "that takes their flow away")

    # Forged

    def forgeries(self, family, kind, asker):
        """Entries by which what the stranger sends to the published port belongs to a connection:
        one to the container that he began; one that the container began, masqueraded; one that it
        began to an open port elsewhere. Source, target, translations."""
        host = (ADDRESSES[HOST][family], 8091 if kind == TCP else 7300)
        inside = (ADDRESSES["box"][family], 80 if kind == TCP else 73)
        elsewhere = (connections.FAR[family], host[1])
        masquerade = translation(CTA_NAT_SRC, family, host)
        return (("begun by the stranger", asker, host, [translation(CTA_NAT_DST, family, inside)]),
                ("begun inside, to an open port", inside, elsewhere,
                 [masquerade, translation(CTA_NAT_DST, family, asker)]),
                ("begun inside, masqueraded", inside, asker, [masquerade]))

    def forged(self):
        n, port, wire = 0, 40000, nfnl.Nfnl()
        for family, name in FAMILIES.items():
            for kind in (TCP, UDP):
                for number in range(3 if kind == TCP else 2):  # see README for the third over UDP
                    port += 1
                    asker = (ADDRESSES["stranger"][family], port)
                    entry = self.forgeries(family, kind, asker)[number]
                    came = self.forged_one(wire, family, kind, asker, entry)
                    self.expect(not came, "a forged entry opens:", name, kind, entry[:3])
                    n += 1
        print(f"published: {n} forged entries (TCP, UDP, IPv4, IPv6, begun by either side)")

    def forged_one(self, wire, family, kind, asker, entry):
        protocol = socket.IPPROTO_TCP if kind == TCP else socket.IPPROTO_UDP
        error = connections.forge(wire, family, protocol, *entry[1:])
        self.expect(error == 0, "the entry was refused:", errno.errorcode.get(error), entry[:3])
        before = connections.established()
        server = self.listeners[family, kind, "box", 80 if kind == TCP else 73]
        to = (ADDRESSES[HOST][family], 8091 if kind == TCP else 7300)
        with self.client(family, kind, "stranger", asker[1]) as client:
            client.connect_ex(to)
            if kind == UDP:
                client.send(b"forged")
            came = is_readable(server, SILENCE)
        if came:
            server.recv(64) if kind == UDP else server.accept()[0].close()
        self.expect(connections.established() > before, "no packet met the forged entry:", entry[:3])
        return came


def main():
    trial = Trial()
    trial.probes(sys.argv[1] == "enforced")
    trial.errors()
    if len(sys.argv) > 2:
        control = Client(sys.argv[2])
        trial.revoked(control, sys.argv[3])
        trial.forged()
        trial.expect(control.call("Diff")["lines"] == [], "the compare is not clean")
    return 1 if trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
