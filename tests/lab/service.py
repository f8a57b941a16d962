#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Listens to what portd tells its service manager (sd_notify(3)).

    service.py LOG SITE SOCKET COMMAND…"""
import os
import signal
import socket
import subprocess
import sys

from varlink import Client, Error

WATCHDOG_USEC = 1_000_000
BUSY_USEC = 300_000_000
PATIENCE = 60
ALIVE = "WATCHDOG=1"


def has_table():
    command = ["nft", "list", "table", "inet", "portd"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Service:
    def __init__(self, argv):
        log, self.site, self.control = argv[1:4]
        self.socket, self.failed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), 0
        self.socket.settimeout(PATIENCE)
        self.socket.bind(f"\0service-{os.getpid()}")
        environment = {"NOTIFY_SOCKET": f"@service-{os.getpid()}",
                       "WATCHDOG_USEC": str(WATCHDOG_USEC)}
        with open(log, "ab") as to:
            self.portd = subprocess.Popen(argv[4:], stdout=to, stderr=to,
                                          env=os.environ | environment)

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("service: FAILED:", *what)

    def hear(self, end):
        """The lines up to one that begins so, without its own; descriptors are not kept."""
        lines = []
        while True:
            for line in self.socket.recv(4096).decode().splitlines():
                if line.startswith(end):
                    return lines, line
                lines.append(line)

    def status(self, *words):
        line = ""
        while not all(word in line for word in words):
            line = self.hear("STATUS=")[1]
        print("service:", line)

    def start(self):
        before, _ = self.hear("READY=1")
        self.expect(has_table(), "ready without rules")
        self.expect(f"EXTEND_TIMEOUT_USEC={BUSY_USEC}" in before, "no time to start:", before)
        status = [line for line in before if line.startswith("STATUS=")]
        self.expect(status == ["STATUS=enforcing as acd-lb1 (jtel-acd/ACD-LB), generation 1, "
                               "0 drifts"], "status:", status)

    def watchdog(self):
        """The usual time counts again, and only the loop can ask for more of it."""
        self.hear(ALIVE)
        self.socket.settimeout(BUSY_USEC / 1e6 / 10)
        self.hear(ALIVE)
        self.socket.settimeout(2 * WATCHDOG_USEC / 1e6)
        os.kill(self.portd.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.portd.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        try:
            while True: # what was sent before
                self.hear(ALIVE)
        except TimeoutError:
            pass
        os.kill(self.portd.pid, signal.SIGCONT)
        self.socket.settimeout(PATIENCE)

    def reload(self, is_good):
        self.call_reload(is_good)
        self.hear("RELOADING=1")
        during, _ = self.hear("READY=1")
        usec = [int(line.split("=")[1]) for line in during if line.startswith("WATCHDOG_USEC=")]
        self.expect(len(usec) == 2 and usec[0] >= BUSY_USEC > 10 * usec[1] >= WATCHDOG_USEC,
                    "the watchdog's time:", usec)

    def call_reload(self, is_good):
        try:
            Client(self.control).call("Reload", reason="test")
            self.expect(is_good, "broken files were loaded")
        except Error as error:
            self.expect(not is_good, error)

    def drift(self):
        subprocess.run(["nft", "flush", "chain", "inet", "portd", "input"], check=True)
        self.status("generation 1, 1 drift")

    def broken(self):
        with open(self.site, "a", encoding="utf-8") as f:
            f.write("}")
        self.reload(False)

    def end(self):
        self.portd.terminate()
        self.hear("STOPPING=1")
        self.expect(self.portd.wait(PATIENCE) == 0, "SIGTERM is no failure")
        self.expect(has_table(), "the rules are gone")

    def start_broken(self, argv):
        again = Service(argv)
        again.status("degraded as acd-lb1", "the last good ones in force", "site.json:")
        again.end()
        self.failed += again.failed


def main():
    service = Service(sys.argv)
    service.start()
    service.watchdog()
    service.reload(True)
    service.drift()
    service.broken()
    service.end()
    service.socket.close()
    service.start_broken(sys.argv)
    return 1 if service.failed else 0


if __name__ == "__main__":
    sys.exit(main())
