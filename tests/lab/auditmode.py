#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same traffic in audit mode and enforced: what would be denied, and what is.

    auditmode.py SOCKET STATE-DIR audited|mended|enforced|part|part-enforced

To be run on the host acd-rest1, which runs portd."""
import ctypes
import errno
import json
import os
import select
import socket
import sys
import time

from varlink import Client

PATIENCE = 30
SHORT = 0.2  # to see that nothing comes
HERE = ("10.1.0.81", "2001:db8:1::81")
OTHERS = {"acd-lb1": ("10.1.0.11", "2001:db8:1::11"), "acd-chat1": ("10.1.0.71", "2001:db8:1::71"),
          "stranger": ("198.51.100.7", "2001:db8:ffff::7")}
IN_PORTS, OUT_PORTS = (8091, 22, 9), (3306, 9)
libc = ctypes.CDLL(None, use_errno=True)
failures = 0


def check(what, is_so, detail=""):
    global failures
    failures += not is_so
    print(f"auditmode: {'' if is_so else 'FAILED: '}{what}{f': {detail}' if detail and not is_so else ''}",
          flush=True)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def socket_in(name, address, kind):
    """A socket in the network namespace of another host."""
    with open("/proc/self/ns/net", "rb") as own, open(f"/run/netns/{name}", "rb") as other:
        if libc.setns(other.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
        if libc.setns(own.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")
    s.setblocking(False)
    return s


class Probe:
    def __init__(self, direction, other, version, protocol, port):
        self.direction, self.protocol, self.port = direction, protocol, port
        self.other, self.peer = other, OTHERS[other][version]
        self.target = HERE[version] if direction == "in" else self.peer
        self.key = (direction, self.peer, f"{protocol}/{port}")

    def send(self):
        kind = socket.SOCK_STREAM if self.protocol == "tcp" else socket.SOCK_DGRAM
        self.socket = socket_in(self.other if self.direction == "in" else "acd-rest1", self.target, kind)
        try:
            self.socket.connect((self.target, self.port))
            self.socket.send(b"x")
        except OSError as e:
            if e.errno not in (errno.EINPROGRESS, errno.EAGAIN, errno.EPERM, errno.EACCES,
                               errno.ECONNREFUSED, errno.EHOSTUNREACH):
                raise

    def is_refused(self, seconds):
        """By the other end, where nobody listens: the packet got there."""
        return bool(select.select([], [self.socket], [], seconds)[1])


def probes():
    for other in OTHERS:
        for version in (0, 1):
            for protocol in ("tcp", "udp"):
                for port in IN_PORTS:
                    yield Probe("in", other, version, protocol, port)
                for port in OUT_PORTS:
                    yield Probe("out", other, version, protocol, port)


def expectation(client, probe):
    """pass, would or deny, as Explain says."""
    e = client.call("Explain", direction=probe.direction, service=f"{probe.protocol}/{probe.port}",
                    address=probe.peer)["explanation"]
    if e["verdict"] != "ACCEPT":
        return "deny"
    return "pass" if "flow" in e else "would"


def key(row):
    return row["direction"], row["address"], row["service"]


def rows(client, since):
    found = [r for r in client.call("Denied")["denials"] if r["last"] > since]
    return ({key(r) for r in found if not r["would"]}, {key(r) for r in found if r["would"]})


def replay(client):
    """Sends all; what was denied, and what would be."""
    since = client.call("Denied")["denials"]
    since = since[0]["last"] if since else ""
    all_ = list(probes())
    expected = {p.key: expectation(client, p) for p in all_}
    for p in all_:
        p.send()
    denied = {k for k, v in expected.items() if v == "deny"}
    would = {k for k, v in expected.items() if v == "would"}
    got = until(lambda: (g := rows(client, since)) and g[0] >= denied and g[1] >= would and g) or \
        rows(client, since)
    check(f"denied are the {len(denied)} that explain denies", got[0] == denied, got[0] ^ denied)
    check(f"passed in audit are the {len(would)} that explain lets pass for it", got[1] == would,
          got[1] ^ would)
    tcp = [p for p in all_ if p.protocol == "tcp" and p.direction == "in"]
    check("what passes gets there",
          all(p.is_refused(PATIENCE) for p in tcp if expected[p.key] != "deny"))
    lost = [p for p in tcp if expected[p.key] == "deny"]
    time.sleep(SHORT)
    check("what is denied doesn't", not any(p.is_refused(0) for p in lost))
    for p in all_:
        p.socket.close()
    return got


def keep(path, sets):
    with open(path, "w", encoding="ascii") as f:
        json.dump([sorted(s) for s in sets], f)


def kept(path):
    with open(path, encoding="ascii") as f:
        return [{tuple(k) for k in s} for s in json.load(f)]


def main(path, directory, step):
    client, file = Client(path), os.path.join(directory, "auditmode")
    denied, would = replay(client)
    status = client.call("Status")
    state, audit = status["state"], status.get("audit", {"what": [], "would": []})
    told = {(w["direction"], w["service"]) for w in audit["would"]}
    check("status says what would be denied", told == {(k[0], k[2]) for k in would}, (told, would))
    check("status names what is audited", bool(audit["what"]) == (state == "audit"), audit["what"])
    check("it isn't quiet", not audit["what"] or 0 <= audit["quiet_usec"] < 60e6, audit)
    by = {(w["from"], w["to"], w["service"]): w for w in audit["would"]}
    if step == "audited":
        w = by.get(("ACD-CHAT", "ACD-REST", "tcp/8091"), {})
        check("in the policy's words, with the nearest flow",
              w.get("hosts") == 2 and w.get("packets", 0) >= 2 and w["nearest"]["flow"] == "jtel-acd/rest", by)
    stranger = ("in", "198.51.100.7", "tcp/8091")
    if step in ("audited", "mended", "part"):
        check("the state is audit", state == "audit", state)
        check("something would be denied", would)
    else:
        check("the state is enforcing", state == "enforcing", state)
        check("nothing passes in audit", not would, would)
    if step == "audited":
        check("nothing is denied", not denied, denied)
        check("a stranger would be", stranger in would, would)
    if step == "mended":
        check("what was mended would not be denied any more, the rest would",
              would == kept(file)[1] - {stranger}, would ^ kept(file)[1])
    if step == "part":
        check("the rest is denied", denied)
    if step.endswith("enforced"):
        before = kept(file)
        check(f"denied are all {len(before[0] | before[1])} that were or would be, and nothing else",
              denied == before[0] | before[1], denied ^ (before[0] | before[1]))
    keep(file, (denied, would))


if __name__ == "__main__":
    main(*sys.argv[1:])
    raise SystemExit(failures > 0)
