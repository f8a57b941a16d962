#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reloads a site that opens tcp/2226 to acd-lb2, on acd-lb1, in whose network namespace this runs,
and lets come what may before somebody confirms it.

    confirm.py SITE SOCKET STATE_DIR LOG PORTD_CTL START…"""
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

from flood import in_namespace
from varlink import Client, Error

HERE, THERE, PORT = "10.1.0.11", "10.1.0.12", 2226
PATIENCE = 60
LONG = 3600  # seconds, far more than this test may take
SHORT = 2
NOBODY = 65534


class Confirm:
    def __init__(self, argv):
        site, self.control, self.state, self.log, self.ctl, *self.command = argv
        self.drop_ins = os.path.join(os.path.dirname(site), "site.d")
        os.mkdir(self.drop_ins)
        self.draft = f"{self.drop_ins}/draft.json"
        self.failed, self.pid, self.boot = 0, 0, 1
        self.start()
        self.before = self.status()["digest"]

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("confirm: FAILED:", *what)

    # --- portd ---

    def start(self):
        command = self.command + ["--boot-id", f"boot-{self.boot}"]
        self.pid = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        self.client = Client(self.control)

    def kill(self):
        fd = os.pidfd_open(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        select.select([fd], [], [], PATIENCE)
        os.close(fd)

    def reboot(self):
        self.kill()
        subprocess.run(["nft", "delete", "table", "inet", "portd"], check=True)
        self.boot += 1
        self.start()

    def status(self):
        return self.client.call("Status")

    def codes(self):
        return {w["code"] for w in self.status()["warnings"]}

    def refused(self, method, words, **parameters):
        try:
            self.client.call(method, **parameters)
            self.expect(False, f"{method} is not refused")
        except Error as error:
            self.expect(words in str(error), f"{method}:", error)

    # --- files ---

    def write_draft(self):
        with open(self.draft, "w", encoding="utf-8") as f:
            json.dump({"flows": [{"id": "draft", "from": ["host:acd-lb2"], "to": ["self"],
                                  "services": [f"tcp/{PORT}"]}]}, f)
        os.chmod(self.draft, 0o644)

    def fill(self):
        """To the last byte: what portd writes then fails."""
        with open(f"{self.state}/ballast", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 4096)
            except OSError as error:
                self.expect(error.errno == errno.ENOSPC, error)

    def empty(self):
        os.remove(f"{self.state}/ballast")

    def left_over(self):
        return {name for name in os.listdir(self.state)
                if name in ("unconfirmed.json", "rolled-back.json")}

    # --- what must be ---

    def is_open(self):
        """What a client sees: nobody listens there."""
        client = in_namespace("acd-lb2", socket.socket)
        client.settimeout(0.5)
        try:
            client.connect((HERE, PORT))
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
        finally:
            client.close()
        return True

    def expect_tried(self, what):
        status = self.status()
        self.expect(status["digest"] != self.before and self.is_open(), f"{what}: not in force")
        return status

    def expect_before(self, what):
        status = self.status()
        self.expect(status["digest"] == self.before, f"{what}: other rules are in force")
        self.expect(not self.is_open(), f"{what}: the port is open")
        self.expect("rolled_back" in status and "unconfirmed" not in status, f"{what}:", status)
        self.expect("rolled-back" in {w["code"] for w in status["warnings"]}, f"{what}:", status)
        self.wait(f"{what}: the files are told of", lambda: "changed-on-disk" in self.codes())

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                self.expect(False, f"{what}: waited in vain")
                return
            time.sleep(0.05)

    def await_rollback(self, what):
        self.wait(what, lambda: "rolled_back" in self.status())
        self.expect_before(what)

    def reload(self, seconds):
        self.write_draft()
        answer = self.client.call("Reload", confirm_seconds=seconds, reason="a trial")
        self.expect(answer.get("confirm_until"), answer)
        self.expect([c["service"] for c in answer["opened"]] == [f"tcp/{PORT}"], answer["opened"])
        status = self.expect_tried("reloaded")
        self.expect(0 < status.get("unconfirmed", {}).get("seconds", 0) <= seconds, status)
        self.expect("unconfirmed" in self.codes(), self.codes())

    def restore(self):
        """As it was before, by files."""
        os.remove(self.draft)
        self.client.call("Reload")
        status = self.status()
        self.expect(status["digest"] == self.before, "the files are loaded, and it is not as before")
        self.expect("rolled_back" not in status, "a reload doesn't end it")
        self.expect(not self.left_over(), self.left_over())

    # --- the steps ---

    def confirmed(self):
        self.reload(LONG)
        self.refused("Reload", "waits to be confirmed")
        self.refused("Reload", "waits to be confirmed", update=True)
        os.kill(self.pid, signal.SIGHUP)
        self.expect("unconfirmed" in self.status(), "SIGHUP ends it")
        self.kill()
        self.start()
        self.expect("unconfirmed" in self.expect_tried("restarted"), "it no longer waits")
        self.client.call("Confirm")
        self.refused("Confirm", "no reload waits")
        self.expect("unconfirmed" not in self.expect_tried("confirmed"), "it still waits")
        self.kill()
        self.start()
        self.expect_tried("confirmed and restarted")
        self.reboot()
        self.expect_tried("confirmed and booted")
        self.restore()

    def missed(self):
        self.reload(SHORT)
        self.await_rollback("missed")
        self.refused("Confirm", "too late")
        self.refused("Reload", "an update does not end that", update=True)
        self.kill()
        self.start()
        self.expect_before("missed and restarted")
        self.reboot()
        self.expect_before("missed and booted")
        self.client.call("Reload")
        self.expect_tried("a reload of the same files")
        self.restore()

    def killed(self):
        """Back before the time is over, and behind it."""
        self.reload(2 * SHORT)
        self.kill()
        self.start()
        self.await_rollback("killed")
        self.restore()
        self.reload(SHORT)
        self.kill()
        time.sleep(SHORT)
        self.start()
        self.expect_before("killed for longer")
        self.restore()

    def booted(self):
        self.reload(LONG)
        self.reboot()
        self.expect_before("booted")
        self.reboot()
        self.expect_before("booted twice")
        self.restore()

    def full(self):
        self.fill()
        self.write_draft()
        self.refused("Reload", "nothing was changed", confirm_seconds=LONG)
        self.expect(self.status()["digest"] == self.before and not self.is_open(),
                    "refused, and yet in force")
        self.expect(not self.left_over(), self.left_over())
        self.empty()
        self.reload(SHORT)
        self.fill()
        self.await_rollback("full")
        self.expect("not-saved" in self.codes(), self.codes())
        self.kill()
        self.start()
        self.expect_before("full, and restarted")
        self.reboot()
        self.expect_before("full, and booted")
        self.empty()
        self.restore()

    def full_and_killed(self):
        self.reload(LONG)
        self.fill()
        self.kill()
        self.start()
        self.expect("unconfirmed" in self.expect_tried("full and killed"), "it no longer waits")
        self.reboot()
        self.expect_before("full, killed and booted")
        self.empty()
        self.restore()
        self.reload(LONG)
        self.fill()
        self.client.call("Rollback")
        self.kill()
        self.start()
        self.expect_before("full, rolled back and killed")
        self.empty()
        self.restore()

    def unsaved(self):
        """What was in the kernel for a moment, and portd ended before it was on disk."""
        with open(f"{self.state}/last-good.json", "rb") as f:
            before = f.read()
        self.reload(LONG)
        self.kill()
        with open(f"{self.state}/last-good.json", "wb") as f:
            f.write(before)
        self.start()
        self.expect_before("not saved")
        self.restore()

    def damaged(self):
        """The files are what is left."""
        self.reload(LONG)
        self.kill()
        with open(f"{self.state}/unconfirmed.json", "r+b") as f:
            f.seek(100)
            f.write(b"!")
        self.start()
        self.expect_tried("damaged")
        with open(self.log, encoding="utf-8") as f:
            self.expect("unconfirmed.json in" in f.read(), "nothing is said of the damage")
        self.restore()

    def brought(self):
        """By the files, while portd was away: listed with what it changed."""
        self.kill()
        self.write_draft()
        self.start()
        newest = self.client.call("Generations")["generations"][0]
        self.expect(newest["by"] == "start" and
                    [c["service"] for c in newest.get("opened", [])] == [f"tcp/{PORT}"], newest)
        self.restore()

    def by_hand(self):
        self.reload(LONG)
        self.client.call("Rollback", reason="no")
        self.expect_before("by hand")
        self.kill()
        self.start()
        self.expect_before("by hand, and restarted")
        self.client.call("Reload")
        tried = self.status()["generation"]
        answer = self.client.call("Rollback")
        self.expect(answer["restores"] < tried and answer["generation"] > tried, answer)
        self.expect([c["service"] for c in answer["closed"]] == [f"tcp/{PORT}"], answer)
        self.expect_before("to the one before")
        self.client.call("Rollback", generation=tried)
        self.expect_tried("to the one that was tried")
        first = self.client.call("Generations")["generations"][-1]
        self.client.call("Rollback", generation=first["generation"])
        self.expect(self.status()["digest"] == first["digest"], "not the oldest:", first)
        self.refused("Rollback", "is not kept", generation=LONG)
        for verb in ("confirm", "rollback"):
            done = subprocess.run(["setpriv", "--reuid", str(NOBODY), "--clear-groups", self.ctl,
                                   verb, "--socket", self.control], capture_output=True, text=True)
            self.expect(done.returncode == 1 and "root" in done.stderr, verb, done)
        self.restore()

    def listed(self):
        answer = self.client.call("Generations")
        generations = answer["generations"]
        self.expect(generations[0]["generation"] == answer["current"], answer)
        self.expect(0 < len(generations) <= 20, len(generations))
        self.expect([g["generation"] for g in generations] ==
                    sorted((g["generation"] for g in generations), reverse=True), "not in order")
        undone = [g for g in generations if g.get("reason") == "not confirmed in time"]
        self.expect(undone and all(g["by"] == "portd" and g["restores"] < g["generation"] and
                                   [c["service"] for c in g["closed"]] == [f"tcp/{PORT}"]
                                   for g in undone if "closed" in g), undone)
        trials = [g for g in generations if g.get("reason") == "a trial"]
        self.expect(trials and all([c["service"] for c in g["opened"]] == [f"tcp/{PORT}"]
                                   for g in trials), trials)
        files = os.listdir(f"{self.state}/generations")
        self.expect(len(files) == len(generations), files)
        print(subprocess.run([self.ctl, "generations", "--socket", self.control], check=True,
                             capture_output=True, text=True).stdout[:600])


def main():
    confirm = Confirm(sys.argv[1:])
    for step in (confirm.confirmed, confirm.missed, confirm.killed, confirm.booted, confirm.full,
                 confirm.full_and_killed, confirm.unsaved, confirm.damaged, confirm.brought,
                 confirm.by_hand, confirm.listed):
        step()
        print(f"confirm: {step.__name__}", flush=True)
    confirm.kill()
    return 1 if confirm.failed else 0


if __name__ == "__main__":
    sys.exit(main())
