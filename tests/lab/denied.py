#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What portd says of denied packets, and what becomes of it when its reader is in trouble.

    denied.py PID-FILE SOCKET NEIGHBOUR packets|trouble|would|liar|busy|free|unsupported
    denied.py hold

NEIGHBOUR is the link address of acd-rest1. To be run on the host "stranger"."""
import os
import select
import signal
import socket
import struct
import sys
import time

import denied_packets
import nfnl
from varlink import Client

PATIENCE = 20
failures = 0


def check(what, is_so, detail=""):
    global failures
    failures += not is_so
    print(f"denied: {'' if is_so else 'FAILED: '}{what}{f': {detail}' if detail and not is_so else ''}",
          flush=True)


def until(what, condition):
    """The first value that is true; else what came last."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value or time.monotonic() > end:
            break
        time.sleep(0.02)
    check(what, value)
    return value


def quickly(client, method="Status"):
    start = time.monotonic()
    reply = client.call(method)
    return reply, time.monotonic() - start


class Lab:
    def __init__(self, pid_file, path, neighbour):
        with open(pid_file, encoding="ascii") as f:
            self.pid = int(f.read())
        self.client, self.link = Client(path), denied_packets.Link(neighbour)
        self.n = 0

    def denied(self, **parameters):
        return self.client.call("Denied", **parameters)

    def reader(self):
        return self.denied()["reader"]

    def child(self):
        """The process id of portd-denied, or None."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as f:
            children = f.read().split()
        return int(children[0]) if children else None

    def knock(self):
        """A packet of a sender that nothing is known of yet; its address."""
        self.n += 1
        address = denied_packets.sender(200 + self.n, 6)
        self.link.send(denied_packets.ipv6(200 + self.n, 17, denied_packets.udp(200 + self.n, 6, 9999)))
        return address

    def hears(self, what, **expected):
        """Knocks until the reader, which may be starting, has heard one."""
        addresses = set()

        def heard():
            addresses.add(self.knock())
            return [row for row in self.denied()["denials"] if row["address"] in addresses]

        rows = until(what, heard)
        for key, value in expected.items():
            check(f"{what}: {key} is {value}", rows and rows[0][key] == value, rows)


def packets(lab):
    """Each packet is its own row, and nothing else changes."""
    before = {c["direction"]: c["packets"] for c in lab.client.call("Flows")["denied"]}
    expected = {}
    for name, address, parts, services in denied_packets.each():
        for part in parts:
            lab.link.send(part)
        if services:
            expected[address] = name, services
    reply = until(f"{len(expected)} packets are read",
                  lambda: (r := lab.denied()) and r["packets"]["read"] >= len(expected) and r)
    rows = {row["address"]: row for row in (reply or lab.denied())["denials"]}
    for address, (name, services) in expected.items():
        row = rows.pop(address, None)
        check(f"{name}: {row and row['service']}",
              row and row["service"] in services and row["packets"] == 1 and row["direction"] == "in"
              and not row["would"] and row["reason"] and row["first"] == row["last"], row)
    check("no other row", not rows, rows)
    after = {c["direction"]: c["packets"] for c in lab.client.call("Flows")["denied"]}
    check("the rules counted as many", after["in"] - before["in"] == len(expected), (before, after))
    check("nothing is lost or can't be read",
          reply and not any(reply["packets"][k] for k in ("unlogged", "missed", "unread", "forgotten")),
          reply and reply["packets"])
    check("the reader runs as at first", reply and reply["reader"] ==
          {"state": "runs", "restarts": 0, "rejected": 0}, reply and reply["reader"])
    check("the state is enforcing", lab.client.call("Status")["state"] == "enforcing")


def rights(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines())
    names = sorted(int(n) for n in os.listdir(f"/proc/{pid}/fd"))
    check("the reader has two descriptors", names == [0, 1], names)
    check("it has no capability", all(int(status[k], 16) == 0 for k in ("CapInh", "CapPrm", "CapEff")))
    check("it is behind a filter, and can't gain rights",
          status["Seccomp"] == "2" and status["NoNewPrivs"] == "1")
    check("it isn't root", "0" not in status["Uid"].split(), status["Uid"])


def idles(pid):
    """Whoever waits takes no time of a processor."""
    begun = processor_seconds(pid)
    time.sleep(0.5)
    took = processor_seconds(pid) - begun
    check(f"it waits, {took:.2f} s of a processor in half a second", took < 0.1)


def trouble(lab):
    """The reader is killed, stopped, and flooded while it is stopped."""
    lab.hears("the reader reads")
    rights(lab.child())
    idles(lab.child())
    for count in (1, 2):
        child = lab.child()
        os.kill(child, signal.SIGKILL)
        until(f"killed, it is started anew and counted ({count})", lambda: lab.reader()["restarts"] == count)
        lab.hears("and reads again")
        check("it is another process", lab.child() not in (None, child))
    child = lab.child()
    os.kill(child, signal.SIGSTOP)
    slowest = 0
    for _ in range(50):
        lab.knock()
        slowest = max(slowest, quickly(lab.client)[1], quickly(lab.client, "Denied")[1])
    check(f"stopped, it holds nobody up: the slowest answer took {slowest * 1000:.1f} ms", slowest < 2)
    read = lab.denied()["packets"]["read"]
    os.kill(child, signal.SIGCONT)
    until("it reads what came meanwhile", lambda: lab.denied()["packets"]["read"] >= read + 50)
    check("it is the same process", lab.child() == child)


def would(lab):
    """ingress is only audited: what would be denied is told apart."""
    lab.hears("what would be denied is told", would=True)
    check("and only that", lab.denied(would=True)["denials"] and not lab.denied(would=False)["denials"])
    recently = lab.client.call("Status")["denied"]
    check("status counts it apart", recently["would_packets"] > 0 and recently["packets"] == 0, recently)
    follower = Client(lab.client.socket.getpeername())
    follower.send("Denied", more=True, since=3600)
    check("who follows gets all first", follower.receive()["denials"])
    address = lab.knock()
    until("then what comes", lambda: address in [r["address"] for r in follower.receive()["denials"]])


def unsupported(lab):
    """The kernel has no nfnetlink_log."""
    for _ in range(3):
        lab.knock()
    status, reply = lab.client.call("Status"), lab.denied()
    check("the policy is enforced all the same", status["state"] == "enforcing", status["state"])
    until("what is denied is counted", lambda: lab.denied()["packets"]["unlogged"] == 3)
    check("denied says why nothing is listed",
          reply["reader"]["state"] == "unsupported" and not reply["denials"], reply["reader"])
    codes = [w["code"] for w in status["warnings"]]
    check("status does, too", "denied-unsupported" in codes, codes)


def record(**changes):
    """A record as portd-denied makes them (daemon/denied/record.h)."""
    r = {"type": 1, "packets": 1, "address": socket.inet_aton("203.0.113.9") + bytes(12), "port": 9,
         "protocol": 6, "family": 0, "direction": 0, "kind": 0, "would": 0, "has_port": 1} | changes
    return struct.pack("=II16sHBBBBBB", *r.values())


LIES = {
    "too short": record()[:-1], "empty": b"", "a direction that isn't": record(direction=7),
    "an IPv4 address of 16 bytes": record(address=b"\xff" * 16),
}


def lie_put(path, parts, forever):
    with open(path + ".new", "wb") as f:
        for part in parts:
            f.write(struct.pack("=H", len(part)) + part)
        if forever:
            f.write(b"\xff\xff")
    os.replace(path + ".new", path)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def liar(lab, path="/run/lab/lie"):
    """In the reader's place is a program that says what it likes."""
    for name, lie in LIES.items():
        before = lab.reader()
        lie_put(path, [lie], False)
        until(f"{name}: rejected, counted, and the reader ended",
              lambda: lab.reader()["rejected"] > before["rejected"])
    codes = [w["code"] for w in lab.client.call("Status")["warnings"]]
    check("status says that it keeps ending", "denied-ends" in codes, codes)
    check("nothing of it is told", not lab.denied()["denials"], lab.denied()["denials"])
    lie_put(path, [record(port=p) for p in range(1, 3000)], True)
    until("records without end are taken", lambda: lab.denied(since=1)["packets"]["read"] > 1000)
    start, begun, slowest = processor_seconds(lab.pid), time.monotonic(), 0
    while time.monotonic() < begun + 2:
        slowest = max(slowest, quickly(lab.client)[1])
        select.select([], [], [], 0.1)
    share = (processor_seconds(lab.pid) - start) / (time.monotonic() - begun)
    check(f"they take {share:.0%} of a processor, the slowest answer {slowest * 1000:.1f} ms",
          share < 0.8 and slowest < 2)


def busy(lab):
    """Somebody else reads the log since before portd came."""
    check("the reader waits", lab.reader()["state"] == "busy", lab.reader())
    codes = [w["code"] for w in lab.client.call("Status")["warnings"]]
    check("status says why", "denied-busy" in codes, codes)


def free(lab):
    """Now it has gone."""
    until("it reads when the other is gone", lambda: lab.reader()["state"] == "runs")
    lab.hears("and hears")


def hold():
    """Reads the log of this network namespace."""
    s = nfnl.Nfnl()
    body = nfnl.attr(1, struct.pack("=B", 1))  # NFULA_CFG_CMD, NFULNL_CFG_CMD_BIND
    m = nfnl.Message(1, [body], family=0, subsystem=4)
    m.body = struct.pack("!BBH", 0, 0, 20549) + body
    if s.request(m):
        raise SystemExit("denied: the log can't be had")
    print("holds", flush=True)
    signal.pause()


if __name__ == "__main__":
    if sys.argv[1] == "hold":
        hold()
    {"packets": packets, "trouble": trouble, "would": would, "liar": liar,
     "busy": busy, "free": free, "unsupported": unsupported}[sys.argv[4]](Lab(*sys.argv[1:4]))
    raise SystemExit(failures > 0)
