#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks portd for its status while somebody commits without a pause: does it say the truth, does it
answer, what does it cost, and is all well afterwards?

    fight.py SOCKET PID SECONDS COMMITS MEMORY

SECONDS of fight over portd's rules, then COMMITS to another table; portd may grow by MEMORY KiB."""
import os
import subprocess
import sys
import time

import tamper
from varlink import Client

FIGHTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fighter.py")
ASK_SECONDS = 0.02
# lib/engine/backoff.h: so many repairs at once, then so many a second.
REPAIR_BURST, REPAIR_RATE = 50, 10


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Trial:
    def __init__(self, socket, pid, growth):
        self.client, self.pid, self.growth, self.failed = Client(socket), pid, growth, 0
        self.want = tamper.listing()

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("fight: FAILED:", *what)

    def run(self, what, words, is_over):
        """Statuses told while the fighter fights, and for how long that was."""
        fighter = subprocess.Popen([FIGHTER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        memory, cpu = resident_kib(self.pid), cpu_seconds(self.pid)
        begun, most, statuses, took = time.monotonic(), memory, [], []
        while not is_over(fighter, time.monotonic() - begun):
            asked = time.monotonic()
            statuses.append(self.client.call("Status"))
            took.append((time.monotonic() - asked) * 1000)
            most = max(most, resident_kib(self.pid))
            time.sleep(ASK_SECONDS)
        elapsed = time.monotonic() - begun
        cpu = cpu_seconds(self.pid) - cpu
        commits = int(fighter.communicate(timeout=60)[0])
        seen = sorted({s["state"] for s in statuses})
        print(f"fight: {what}: {commits} commits in {elapsed:.1f} s; status asked {len(took)} times, "
              f"answered in {tamper.percentile(took, 50):.1f} ms (p50), "
              f"{tamper.percentile(took, 99):.1f} ms (p99), {max(took):.1f} ms (max); states {seen}")
        print(f"fight: {what}: portd's memory {memory} KiB, at most {most} KiB; "
              f"CPU {cpu:.2f} s = {100 * cpu / elapsed:.0f} %")
        self.expect(most - memory < self.growth, f"{what}: memory grew by {most - memory} KiB")
        return statuses, elapsed

    def fight(self, seconds):
        before = self.client.call("Status")["drifts"]
        statuses, elapsed = self.run("over our rules", ["rules"], lambda _, t: t > seconds)
        told = [s for s in statuses if s["state"] == "contested"]
        last = statuses[len(statuses) // 4 * 3:]
        print(f"fight: over our rules: contested in {len(told)} of {len(statuses)} answers")
        self.expect(all(s["state"] == "contested" for s in last), "not contested later on:",
                    sorted({s["state"] for s in last}))
        self.expect(all(s.get("contested_by") == "fighter.py" for s in told),
                    "another opponent:", {s.get("contested_by") for s in told})
        repairs = self.await_peace("over our rules")["drifts"] - before
        print(f"fight: over our rules: {repairs} repairs")
        self.expect(0 < repairs <= REPAIR_BURST + REPAIR_RATE * (elapsed + 5), f"{repairs} repairs")

    def flood(self, commits):
        before = self.client.call("Status")["drifts"]
        self.run("in another table", ["foreign", str(commits)], lambda p, _: p.poll() is not None)
        self.expect(self.await_peace("in another table")["drifts"] == before, "told of drift")

    def await_peace(self, what):
        begun, status = time.monotonic(), self.client.call("Status")
        while status["state"] != "enforcing":
            time.sleep(ASK_SECONDS)
            status = self.client.call("Status")
        print(f"fight: {what}: enforcing {time.monotonic() - begun:.1f} s after it ended")
        self.expect(tamper.listing() == self.want, "the table is another")
        self.expect(self.client.call("Diff")["lines"] == [], "the compare is not clean")
        self.expect(not status.get("warnings"), "warnings:", status.get("warnings"))
        return status


def main():
    trial = Trial(sys.argv[1], int(sys.argv[2]), int(sys.argv[5]))
    trial.fight(float(sys.argv[3]))
    trial.flood(int(sys.argv[4]))
    return 1 if trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
