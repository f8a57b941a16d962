#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the package manager that brings other policies, on acd-lb1, in whose network namespace this
runs. The row that changes is jtel-acd/pcs-web, tcp/2224 from acd-lb2.

    updates.py SITE POLICY SOCKET LOG START…"""
import json
import os
import select
import signal
import socket
import subprocess
import sys

from flood import in_namespace
from varlink import Client, Error

HERE, THERE = "10.1.0.11", "10.1.0.12"
LOAD_BALANCERS = "10.1.0.10-10.1.0.12, 2001:db8:1::10-2001:db8:1::12"
REASON = "dpkg: a test"
PATIENCE = 20


class Updates:
    def __init__(self, argv):
        site, self.policy, self.control, self.log, *self.command = argv
        self.drop_ins = os.path.join(os.path.dirname(site), "site.d")
        os.mkdir(self.drop_ins)
        with open(self.policy, encoding="utf-8") as f:
            self.original = json.load(f)
        self.failed, self.pid = 0, 0
        self.start()

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("updates: FAILED:", *what)

    # --- portd ---

    def start(self):
        self.pid = int(subprocess.run(self.command, stdout=subprocess.PIPE, check=True).stdout)
        self.client = Client(self.control)


    def end(self):
        fd = os.pidfd_open(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        select.select([fd], [], [], PATIENCE)
        os.close(fd)

    def status(self):
        return self.client.call("Status")

    def passes(self, port):
        answer = self.client.call("Explain", direction="in", service=f"tcp/{port}", address=THERE)
        return answer["explanation"]["verdict"] == "ACCEPT"

    def update(self):
        return self.client.call("Reload", update=True, reason=REASON)

    # --- files ---

    @staticmethod
    def write(path, content):
        with open(path, "w", encoding="utf-8") as f:
            json.dump(content, f)
        os.chmod(path, 0o644)

    def drop_in(self, name, content):
        self.write(f"{self.drop_ins}/{name}.json", content)

    def bring(self, port):
        """The policy with another port for the row; None: without the row."""
        policy = json.loads(json.dumps(self.original))
        for flow in policy["flows"]:
            if flow["id"] == "pcs-web" and port:
                flow["services"] = [f"tcp/{port}"]
        policy["flows"] = [f for f in policy["flows"] if f["id"] != "pcs-web" or port]
        self.write(self.policy, policy)

    # --- what must be ---

    def expect_held(self, digest, opens, closes, what):
        """As before, and told of; the files are no news."""
        status = self.status()
        held = status.get("held", {"opens": [], "closes": []})
        codes = {w["code"] for w in status["warnings"]}
        self.expect(status["digest"] == digest, f"{what}: other rules are in force")
        self.expect([c["service"] for c in held["opens"]] == opens, f"{what}: opens:", held)
        self.expect([c["service"] for c in held["closes"]] == closes, f"{what}: closes:", held)
        self.expect("held" in codes and "changed-on-disk" not in codes, f"{what}: {codes}")

    def expect_in_force(self, what, *ports):
        status = self.status()
        self.expect("held" not in status, f"{what}: still held")
        self.expect(not {w["code"] for w in status["warnings"]} & {"held", "changed-on-disk"},
                    f"{what}:", status["warnings"])
        for port in (2224, 2225, 2226):
            self.expect(self.passes(port) == (port in ports), f"{what}: tcp/{port}")

    def apply(self):
        """At once, and nothing but the policies."""
        self.drop_in("draft", {"flows": [{"id": "draft", "from": ["acd-lb2"], "to": ["self"],
                                          "services": ["tcp/2226"]}]})
        self.bring(2225)
        answer = self.update()
        self.expect(not answer["held"], "held, though the site doesn't say so")
        self.expect([c["text"] for c in answer["opened"]] ==
                    [f"tcp/2225 {word} {LOAD_BALANCERS} (jtel-acd/pcs-web)"
                     for word in ("from", "to")], answer["opened"])
        self.expect([c["service"] for c in answer["closed"]] == ["tcp/2224"] * 2, answer["closed"])
        self.expect(self.passes(2225) and not self.passes(2224), "not in force")
        status = self.status()
        self.expect(status["last_reload"]["reason"] == REASON, status["last_reload"])
        self.expect(any("draft.json" in w["text"] for w in status["warnings"]),
                    "the draft is not told of:", status["warnings"])
        self.expect(not self.passes(2226), "the draft was loaded")
        with open(self.log, encoding="utf-8") as f:
            self.expect(f"opened tcp/2225 from {LOAD_BALANCERS}" in f.read(), "the journal doesn't say it")
        os.remove(f"{self.drop_ins}/draft.json")

    def hold(self):
        self.drop_in("hold", {"policy_updates": "hold"})
        self.bring(2224)
        self.client.call("Reload")
        self.expect_in_force("the site says hold", 2224)
        digest = self.status()["digest"]
        self.bring(2225)
        self.expect(self.update()["held"], "not held")
        self.expect_held(digest, ["tcp/2225"] * 2, ["tcp/2224"] * 2, "held")
        self.end()
        self.start()
        self.expect_held(digest, ["tcp/2225"] * 2, ["tcp/2224"] * 2, "after a restart")
        self.end()
        subprocess.run(["nft", "delete", "table", "inet", "portd"], check=True)
        self.start()
        self.expect_held(digest, ["tcp/2225"] * 2, ["tcp/2224"] * 2, "after a boot")
        self.expect(self.update()["held"], "brought once more, and not held")
        self.client.call("Reload")
        self.expect_in_force("somebody asked for it", 2225)

    def back(self):
        """Who takes the update back has nothing held."""
        digest = self.status()["digest"]
        self.bring(2226)
        self.end()
        self.start()
        self.expect_held(digest, ["tcp/2226"] * 2, ["tcp/2225"] * 2, "brought while portd was away")
        self.bring(2225)
        self.expect(not self.update()["held"], "nothing changes, and it is held")
        self.expect_in_force("taken back", 2225)

    def unused(self):
        self.bring(None)
        answer = self.update()
        self.expect(not answer["held"], "what is closed is not in use:", answer)
        self.expect_in_force("a row less")

    def used(self):
        """By the counter alone, then by the connection alone."""
        self.bring(2225)
        self.client.call("Reload")
        listener = socket.create_server((HERE, 2225))
        client = in_namespace("acd-lb2", socket.socket)
        client.settimeout(PATIENCE)
        client.connect((HERE, 2225))
        server, _ = listener.accept()
        self.bring(None)
        digest = self.status()["digest"]
        subprocess.run(["nft", "reset", "counters", "table", "inet", "portd"], check=True,
                       capture_output=True)
        self.expect(self.update()["held"], "a connection is cut")
        self.expect_held(digest, [], ["tcp/2225"] * 2, "connected")
        for end in (client, server, listener):
            end.close()

    def hit(self):
        self.bring(2225)
        self.client.call("Reload")
        client = in_namespace("acd-lb2", socket.socket)
        client.settimeout(PATIENCE)
        try:
            client.connect((HERE, 2225))
        except ConnectionRefusedError: # it came through, nobody listens
            pass
        client.close()
        self.bring(None)
        self.expect(self.update()["held"], "a row that was used is closed")

    def off(self):
        self.client.call("Off")
        try:
            self.update()
            self.expect(False, "an update ends off")
        except Error as error:
            self.expect("portd is off" in str(error), error)
        self.expect(self.status()["state"] == "off", "it is no longer off")
        self.client.call("Reload")
        self.expect_in_force("after off")


def main():
    updates = Updates(sys.argv[1:])
    for step in (updates.apply, updates.hold, updates.back, updates.unused, updates.used,
                 updates.hit, updates.off):
        step()
        print(f"updates: {step.__name__}")
    updates.end()
    return 1 if updates.failed else 0


if __name__ == "__main__":
    sys.exit(main())
