#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DNS server (RFC 1035, UDP and TCP) for the lab, whose zone changes while it runs and which also
does what no DNS server should.

    dns_server.py CONTROL ADDRESS…           serve on port 53 of these addresses
    dns_server.py --tell CONTROL WORD…       change or ask the one that listens at CONTROL

What it is told, a line each:

    answer NAME TTL [ADDRESS…]      these addresses; a family without any is NODATA
    cname NAME TTL TARGET           an alias, and what the zone has for its target
    many NAME TTL COUNT             so many addresses a family: cut off in UDP, whole in TCP
    nxdomain|servfail|refused|nodata|silent NAME
    garbage NAME                    the right header and question, then no records but bytes
    noise NAME                      not even a header
    lie-id NAME ADDRESS             an answer to a question that wasn't asked: another id
    lie-name NAME ADDRESS           … another name
    extra NAME TTL ADDRESS OTHER    a good answer amidst records of names that weren't asked for
    queries NAME                    the seconds since the start at which it was asked for, A only
    … with "a" or "aaaa" before it: for this type only

Any other name is NXDOMAIN. Each line is answered with one, "ok" or what was asked."""
import ipaddress
import os
import random
import socket
import socketserver
import struct
import sys
import threading
import time

A, CNAME, AAAA, IN = 1, 5, 28, 1
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
QR, TC, RD, RA = 0x8000, 0x0200, 0x0100, 0x0080
UDP_MAX = 512  # without EDNS, which it doesn't speak
QUESTION = b"\xc0\x0c"  # a pointer to the name in the question
TYPES = {"a": A, "aaaa": AAAA}
RCODES = {"nxdomain": NXDOMAIN, "servfail": SERVFAIL, "refused": REFUSED, "nodata": NOERROR}


def name_bytes(name):
    """Its labels; bytes are written as they are."""
    if isinstance(name, bytes):
        return name
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner, kind, ttl, data):
    return name_bytes(owner) + struct.pack(">HHIH", kind, IN, ttl, len(data)) + data


def address_record(owner, ttl, address):
    ip = ipaddress.ip_address(address)
    return record(owner, A if ip.version == 4 else AAAA, ttl, ip.packed)


class Query:
    def __init__(self, data):
        self.id, self.flags, n, _, _, _ = struct.unpack(">HHHHHH", data[:12])
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        self.name = ".".join(labels).lower()
        self.kind, self.klass = struct.unpack(">HH", data[at + 1:at + 5])
        self.question = data[12:at + 5]
        if n != 1 or self.klass != IN:
            raise ValueError("not one question")

    def reply(self, rcode, records=(), flags=0, id_=None, question=None):
        flags |= QR | RA | self.flags & RD | rcode
        return struct.pack(">HHHHHH", self.id if id_ is None else id_, flags, 1, len(records), 0,
                           0) + (question or self.question) + b"".join(records)


class Zone:
    """(name, type) -> what it was told: (mode, arguments)."""

    def __init__(self):
        self.told, self.seen, self.began = {}, [], time.monotonic()

    def tell(self, words):
        kinds = [A, AAAA]
        if words[0] in TYPES:
            kinds = [TYPES[words.pop(0)]]
        mode, name, *rest = words
        if mode == "queries":
            return " ".join(f"{t:.3f}" for t, n, kind in self.seen
                            if n == name and kind == kinds[0])
        if not hasattr(self, "do_" + mode.replace("-", "_")) and mode not in RCODES:
            return f"no such mode: {mode}"
        for kind in kinds:
            self.told[name, kind] = (mode, rest)
        return "ok"

    def answer(self, query):
        """The bytes to send, or None."""
        self.seen.append((time.monotonic() - self.began, query.name, query.kind))
        mode, rest = self.told.get((query.name, query.kind), ("nxdomain", []))
        if mode in RCODES:
            return query.reply(RCODES[mode])
        return getattr(self, "do_" + mode.replace("-", "_"))(query, *rest)

    def records(self, name, kind):
        """What is behind a name, as far as it is plain."""
        mode, rest = self.told.get((name, kind), (None, []))
        if mode == "cname":
            ttl, target = rest
            return [record(name, CNAME, int(ttl), name_bytes(target)), *self.records(target, kind)]
        if mode == "answer":
            version = 4 if kind == A else 6
            return [address_record(name, int(rest[0]), a) for a in rest[1:]
                    if ipaddress.ip_address(a).version == version]
        return []

    def do_answer(self, query, *_):
        return query.reply(NOERROR, self.records(query.name, query.kind))

    do_cname = do_answer

    def do_many(self, query, ttl, count):
        first = ipaddress.ip_address("198.18.0.1" if query.kind == A else "2001:db8:ffff::1")
        return query.reply(NOERROR, [address_record(QUESTION, int(ttl), first + i)
                                     for i in range(int(count))])

    def do_silent(self, _query):
        return None

    def do_garbage(self, query):
        return query.reply(NOERROR, [b"\xc0\xff" + random.randbytes(40)])

    def do_noise(self, _query):
        return random.randbytes(random.randint(1, 60))

    def do_lie_id(self, query, address):
        return query.reply(NOERROR, [address_record(query.name, 60, address)],
                           id_=query.id ^ 0x5555)

    def do_lie_name(self, query, address):
        other = "other." + query.name
        return query.reply(NOERROR, [address_record(other, 60, address)],
                           question=name_bytes(other) + struct.pack(">HH", query.kind, IN))

    def do_extra(self, query, ttl, address, other):
        lies = [address_record("other." + query.name, 0, other),
                record("other." + query.name, CNAME, 0, name_bytes("more." + query.name)),
                address_record("more." + query.name, 0, other)]
        good = address_record(query.name, int(ttl), address)
        return query.reply(NOERROR, [lies[0], good, *lies[1:]])


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        query = Query(data)
        reply = self.server.zone.answer(query)
        if reply and len(reply) > UDP_MAX:
            reply = query.reply(NOERROR, flags=TC)
        if reply:
            sock.sendto(reply, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while size := self.rfile.read(2):
                reply = self.server.zone.answer(Query(self.rfile.read(*struct.unpack(">H", size))))
                if reply:
                    self.wfile.write(struct.pack(">H", len(reply)) + reply)
        except ConnectionError:
            pass  # whoever asked has enough


class Control(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.server.zone.tell(self.rfile.readline().decode().split()).encode())


def tell(path, words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(path)
        s.sendall(" ".join(words).encode() + b"\n")
        s.shutdown(socket.SHUT_WR)
        reply = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    return reply


def listen(base, where, handler, zone, family):
    server = type("Server", (socketserver.ThreadingMixIn, base),
                  {"address_family": family, "allow_reuse_address": True, "daemon_threads": True,
                   "request_queue_size": 64})(where, handler)
    server.zone = zone
    threading.Thread(target=server.serve_forever, daemon=True).start()


def serve(zone, addresses):
    """From now on, in threads."""
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listen(socketserver.UDPServer, (address, 53), Udp, zone, family)
        listen(socketserver.TCPServer, (address, 53), Tcp, zone, family)


def main():
    if sys.argv[1] == "--tell":
        reply = tell(sys.argv[2], sys.argv[3:])
        if reply != "ok":
            print(reply)
        return
    zone = Zone()
    serve(zone, sys.argv[2:])
    listen(socketserver.UnixStreamServer, sys.argv[1], Control, zone, socket.AF_UNIX)
    os.chmod(sys.argv[1], 0o666)
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
