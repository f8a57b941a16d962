#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbered datagrams, steadily, over flows that rules allow or deny, until stdin is closed and
each flow has had its number.

    flood.py RATE COUNT NAME=FROM,ADDRESS,TO,PORT …

FROM and TO are network namespaces (/run/netns). RATE is per second and flow. Says "ready" once an
answerable first round is through the network, and at the end, as JSON, for each flow how many were
sent and how many of them arrived. A flow whose name begins with "allowed" has to arrive at once,
else there is no flood."""
import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

BURST = 5       # datagrams between two looks at the clock
SETTLE = 0.3    # seconds without an arrival: nothing is under way any more
BUFFER = 32 << 20
SO_RCVBUFFORCE = 33
CLONE_NEWNET = 0x40000000
SOURCE_PORTS = 8


def in_namespace(name, make):
    """What make() returns in another network namespace; sockets stay in theirs."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        for fd in (there, here):
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            if fd == there:
                made = make()
        return made
    finally:
        os.close(here)
        os.close(there)


class Flow:
    def __init__(self, number, text):
        self.name, where = text.split("=", 1)
        source, address, self.target, port = where.split(",")
        self.number, self.to = number, (address, int(port))
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sent, self.refused, self.seen = 0, 0, set()
        self.senders = in_namespace(source, lambda: [
            socket.socket(self.family, socket.SOCK_DGRAM) for _ in range(SOURCE_PORTS)])

    def send(self):
        try:
            self.senders[self.sent % SOURCE_PORTS].sendto(
                struct.pack("!II", self.number, self.sent), self.to)
        except OSError:
            self.refused += 1
        self.sent += 1

    def figures(self):
        return {"sent": self.sent, "refused": self.refused, "arrived": len(self.seen),
                "lost": self.sent - len(self.seen)}


class Receivers:
    """One socket for each place that flows lead to."""

    def __init__(self, flows):
        self.flows, self.sockets = flows, []
        for target, family, to in {(f.target, f.family, f.to) for f in flows}:
            self.sockets.append(in_namespace(target, lambda: self._listen(family, to)))

    @staticmethod
    def _listen(family, to):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        s.bind(to)
        s.setblocking(False)
        return s

    def take(self):
        for s in self.sockets:
            try:
                while True:
                    number, count = struct.unpack("!II", s.recv(64))
                    self.flows[number].seen.add(count)
            except BlockingIOError:
                pass

    def settle(self):
        while select.select(self.sockets, [], [], SETTLE)[0]:
            self.take()


def send_steadily(flows, receivers, rate, count):
    ending, due = False, time.monotonic()
    while not ending or flows[0].sent < count:
        for _ in range(BURST):
            for f in flows:
                f.send()
        receivers.take()
        due = max(due + BURST / rate, time.monotonic() - 0.05)
        wait = max(0, due - time.monotonic())
        if ending:
            time.sleep(wait)
        elif select.select([sys.stdin], [], [], wait)[0]:
            ending = not sys.stdin.read(1)


def main():
    rate, count = int(sys.argv[1]), int(sys.argv[2])
    flows = [Flow(i, text) for i, text in enumerate(sys.argv[3:])]
    receivers = Receivers(flows)
    for f in flows:
        f.send()
    receivers.settle()
    silent = [f.name for f in flows if f.name.startswith("allowed") and not f.seen]
    if silent:
        raise SystemExit(f"flood: nothing arrives: {silent}")
    print("ready", flush=True)
    send_steadily(flows, receivers, rate, count)
    receivers.settle()
    print(json.dumps({f.name: f.figures() for f in flows}), flush=True)


class Flood:
    """The same, for another program: Flood(rate, count, {name: (from, address, to, port)})."""

    def __init__(self, rate, count, flows):
        words = [f"{name}={','.join(map(str, where))}" for name, where in flows.items()]
        self.process = subprocess.Popen([__file__, str(rate), str(count), *words], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("the flood did not begin")

    def end(self):
        """The figures."""
        self.process.stdin.close()
        figures = json.loads(self.process.stdout.readline())
        self.process.wait(timeout=60)
        return figures


def judge(figures):
    """Prints them; how many datagrams came that must not, or did not that must. Flows whose name
    begins with "measured" are printed only."""
    wrong = 0
    for name, f in figures.items():
        print(f"flood: {name}: {f['sent']} sent, {f['arrived']} arrived, {f['lost']} did not")
        if name.startswith("allowed"):
            wrong += f["lost"]
        elif name.startswith("denied"):
            wrong += f["arrived"]
    return wrong


if __name__ == "__main__":
    main()
