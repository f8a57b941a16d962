#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A flood of denied packets: what it costs portd and its reader, whether portd still answers, and
whether what is allowed beside it comes through.

    denied_flood.py SPRAY PID-FILE SOCKET RATE SECONDS MIB

MIB is what the daemon may grow by. Datagrams of an allowed flow are sent and counted meanwhile, with portd's rules in force and, after
`off`, under the same flood without them."""
import os
import subprocess
import sys
import threading
import time

import flood
from varlink import Client

SPRAY, PID_FILE, SOCKET = sys.argv[1:4]
RATE, SECONDS, MIB = int(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
HERE = "10.1.0.81"
FLOWS = {"allowed": ("acd-lb1", HERE, "acd-rest1", 7000)}
ALLOWED_RATE = 500
SPRAYERS = 2
TICK = os.sysconf("SC_CLK_TCK")
failures = 0


def check(what, is_so):
    global failures
    failures += not is_so
    print(f"denied_flood: {'' if is_so else 'FAILED: '}{what}", flush=True)


class Process:
    def __init__(self, pid):
        self.pid, self.start = pid, self.seconds(pid)

    @staticmethod
    def seconds(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def used(self):
        return self.seconds(self.pid) - self.start

    def memory(self):
        """KiB resident."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


class Asker(threading.Thread):
    """Asks for the status again and again; how long each answer took."""

    def __init__(self):
        super().__init__()
        self.took, self.is_over = [], False

    def run(self):
        client = Client(SOCKET)
        while not self.is_over:
            start = time.monotonic()
            client.call("Status")
            self.took.append(time.monotonic() - start)
            time.sleep(0.01)

    def end(self):
        self.is_over = True
        self.join()
        self.took.sort()
        return self.took


def under_flood():
    """(packets, seconds, what came of the allowed flow). What comes over a network waits for nobody,
    so here it is ahead of everybody on the processor, where the machine lets us."""
    ahead = ["chrt", "--rr", "1"]
    if subprocess.run([*ahead, "true"], check=False).returncode != 0:
        ahead = []
    allowed = flood.Flood(ALLOWED_RATE, 1, FLOWS)
    command = ["nsenter", "--net=/run/netns/stranger", "--", *ahead,
               SPRAY, HERE, str(RATE // SPRAYERS), str(SECONDS)]
    sprays = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(SPRAYERS)]
    said = [s.communicate()[0].split() for s in sprays]
    if any(s.returncode for s in sprays):
        raise SystemExit("denied_flood: there is no flood")
    return (sum(int(sent) for sent, _ in said), max(float(seconds) for _, seconds in said),
            allowed.end()["allowed"])


def share_of(process, seconds):
    return process.used() / seconds


def denied_by_the_rules(client):
    return next(c["packets"] for c in client.call("Flows")["denied"] if c["direction"] == "in")


def with_portd(client):
    with open(PID_FILE, encoding="ascii") as f:
        pid = int(f.read())
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        child = int(f.read())
    client.call("Denied")
    daemon, reader, asker = Process(pid), Process(child), Asker()
    memory = daemon.memory(), reader.memory()
    counted = denied_by_the_rules(client)
    asker.start()
    sent, seconds, allowed = under_flood()
    shares = share_of(daemon, seconds), share_of(reader, seconds)
    took = asker.end()
    counted = denied_by_the_rules(client) - counted
    time.sleep(0.5)  # the reader's last tenths of a second
    start = time.monotonic()
    reply = client.call("Denied")
    listing = time.monotonic() - start
    packets = reply["packets"]
    print(f"denied_flood: {sent / seconds:,.0f} packets a second for {seconds:.0f} s "
          f"({RATE:,} wanted), {counted:,} denied")
    check(f"the daemon took {shares[0]:.1%} of a processor, the reader {shares[1]:.1%}",
          shares[0] < 0.5 and shares[1] < 0.2)
    grown = daemon.memory() - memory[0], reader.memory() - memory[1]
    check(f"memory: the daemon {daemon.memory():,} KiB ({grown[0]:+,}), the reader "
          f"{reader.memory():,} KiB ({grown[1]:+,})", grown[0] < MIB << 10 and grown[1] < 1024)
    check(f"{packets['read']:,} were read, {packets['unlogged']:,} not logged, {packets['missed']:,} "
          f"missed, {packets['unread']:,} unreadable, {packets['forgotten']:,} rows forgotten",
          0 < packets["read"] <= 300 * (seconds + 2)
          and abs(packets["read"] + packets["unlogged"] + packets["missed"] - counted) <= 64
          and packets["unread"] == 0)
    check(f"{len(reply['denials']):,} rows, listed in {listing * 1000:.0f} ms",
          len(reply["denials"]) <= 4096 and listing < 5)
    p99 = took[len(took) * 99 // 100]
    check(f"status answered {len(took)} times: the median took {took[len(took) // 2] * 1000:.1f} ms, "
          f"p99 {p99 * 1000:.1f} ms, the slowest {took[-1] * 1000:.1f} ms", len(took) > 20 and p99 < 3)
    check("the reader is as it was", reply["reader"] == {"state": "runs", "restarts": 0, "rejected": 0})
    return allowed


def main():
    client = Client(SOCKET, timeout=60)
    beside = with_portd(client)
    client.call("Off")
    sent, seconds, without = under_flood()
    print(f"denied_flood: without portd {sent / seconds:,.0f} packets a second")
    lost = [f["lost"] / f["sent"] for f in (beside, without)]
    check(f"of the allowed flow {beside['lost']} of {beside['sent']} datagrams were lost ({lost[0]:.2%}), "
          f"without portd {without['lost']} of {without['sent']} ({lost[1]:.2%})",
          lost[0] <= lost[1] + 0.002)
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
