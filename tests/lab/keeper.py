#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays the service manager of portd: keeps the descriptor that it hands over (FDSTORE of
sd_notify(3)) and gives it to the next start (sd_listen_fds(3)). portd is killed, restarted and
upgraded at random under a flood of datagrams, and the kernel tells what that changed.

    keeper.py GENERATIONS ROUNDS SEED LOG SITE SOCKET COMMAND…"""
import array
import errno
import json
import os
import random
import shutil
import signal
import socket
import struct
import sys
import threading
import time

import flood
import nfnl
import tamper
from varlink import Client, Error

FIRST_FD = 3
SEALED = nfnl.OWNER | nfnl.PERSIST
READY_SECONDS = 60
OWNER_SECONDS = 0.0005  # between two looks at who owns the table


class Keeper:
    def __init__(self, command, log):
        self.command, self.log, self.original = command, log, command[0]
        self.command[0] = os.path.join(os.path.dirname(log), "portd")
        self.install()
        self.name = f"@keeper-{os.getpid()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("\0" + self.name[1:])
        self.keeps, self.stored, self.strange = True, {}, []
        self.ready = threading.Event()
        self.pid = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            data, sender, fds = self._receive()
            words = dict(line.split("=", 1) for line in data.decode().splitlines() if "=" in line)
            if words.get("FDSTORE") == "1" and self.keeps and words.get("FDPOLL") == "0":
                self._store(words.get("FDNAME", "stored"), fds.pop())
            if words.get("FDSTOREREMOVE") == "1":
                self.drop(words.get("FDNAME"))
            for fd in fds: # a barrier's, or one that is not kept
                os.close(fd)
            if words.get("READY") == "1" and sender == self.pid: # and not one before it
                self.ready.set()

    def _receive(self):
        """What was said, by which process, and the descriptors that came with it."""
        data, extras, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(64),
                                                     socket.MSG_CMSG_CLOEXEC)
        sender, fds = 0, array.array("i")
        for _, kind, content in extras:
            if kind == socket.SCM_RIGHTS:
                fds.frombytes(content)
            elif kind == socket.SCM_CREDENTIALS:
                sender = struct.unpack_from("=i", content)[0]
        return data, sender, list(fds)

    def _store(self, name, fd):
        """The same socket may come again, another may not: nobody would let go of the old one."""
        old = self.stored.get(name)
        if old is not None and os.fstat(old).st_ino != os.fstat(fd).st_ino:
            self.strange.append(f"another descriptor of the name {name}")
        self.drop(name)
        self.stored[name] = fd

    def drop(self, name):
        if name in self.stored:
            os.close(self.stored.pop(name))

    def comes_to_store(self, is_wanted):
        """Whether the owner's socket; what portd says of it may come behind its answers."""
        end = time.monotonic() + READY_SECONDS
        while ("nft-owner" in self.stored) != is_wanted:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def install(self):
        """The program anew, as another file of the same name: what runs goes on running."""
        shutil.copy(self.original, self.command[0] + ".new")
        os.rename(self.command[0] + ".new", self.command[0])

    def start(self):
        self.ready.clear()
        self.pid = os.fork()
        if self.pid == 0:
            self._run()

    def _run(self):
        os.environ["NOTIFY_SOCKET"] = self.name
        stored = {name: os.dup(fd) for name, fd in self.stored.items()}
        for i, fd in enumerate(stored.values()):
            os.dup2(fd, FIRST_FD + i)
        if stored:
            os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(stored)),
                           "LISTEN_FDNAMES": ":".join(stored)}
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.execv(self.command[0], self.command)

    def await_ready(self):
        if not self.ready.wait(READY_SECONDS):
            raise SystemExit("keeper: portd is not ready")

    def end(self, number):
        """The exit status, negative for a signal."""
        os.kill(self.pid, number)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Owners:
    """Looks all the time who owns the table: no event would tell."""

    def __init__(self):
        self.seen, self.looks, self.is_over = set(), 0, False
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self):
        wire = nfnl.Nfnl()
        while not self.is_over:
            self.seen.add(wire.owner())
            self.looks += 1
            time.sleep(OWNER_SECONDS)

    def end(self):
        """{(flags, port id)}"""
        self.is_over = True
        self.thread.join()
        return self.seen


class Trial:
    def __init__(self, argv):
        generations, rounds, seed, log, self.site, self.control = argv[1:7]
        self.rng, self.rounds = random.Random(int(seed)), int(rounds)
        self.keeper = Keeper(argv[7:], log)
        self.wire, self.failed = nfnl.Nfnl(), 0
        self.keeper.start()
        self.keeper.await_ready()
        self.port = self.wire.owner()[1]
        self.generations = tamper.Generations(generations)
        self.want = tamper.listing()

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("keeper: FAILED:", *what)

    def expect_commits(self, n, what):
        names = self.generations.commands()
        print(f"keeper: {what}: {len(names)} commits")
        self.expect(names == ["portd"] * n, f"{what}: commits of {names}, not {n} of portd")

    def end_any(self):
        """Killed, often before it is ready, asked to end, or upgraded."""
        way = self.rng.choice(("kill -9", "restart", "upgrade"))
        if way == "kill -9":
            time.sleep(self.rng.random() * 0.03)
            self.keeper.end(signal.SIGKILL)
            return way
        self.keeper.await_ready()
        if way == "upgrade":
            self.keeper.install()
        self.expect(self.keeper.end(signal.SIGTERM) == 0, "SIGTERM is no failure")
        return way

    def with_store(self):
        owners, ways = Owners(), []
        for _ in range(self.rounds):
            ways.append(self.end_any())
            errors = self.wire.batch([nfnl.Message(nfnl.DELTABLE, [nfnl.attr(1, "portd")])])
            self.expect(errors == [errno.EPERM], "portd is gone, and the table deleted:", errors)
            self.keeper.start()
        self.keeper.await_ready()
        self.expect(owners.end() == {(SEALED, self.port)}, "other owners:", owners.seen)
        print("keeper:", ", ".join(f"{ways.count(way)} times {way}" for way in sorted(set(ways))),
              f"under load; {owners.looks} looks at the table's owner found {len(owners.seen)} owner")
        self.expect_commits(0, f"{self.rounds} ends and starts, the socket in the store")
        self.expect(Client(self.control).call("Status")["seal"] == "sealed", "not sealed")

    def while_gone(self):
        """Who asks meanwhile is answered by the next."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.keeper.end(number)
            client = Client(self.control)
            self.keeper.start()
            self.expect(client.call("Status")["state"] == "enforcing", "asked while it was gone")
            self.keeper.await_ready()

    def with_change(self):
        """Nothing but the change, at the start that finds it."""
        with open(self.site, encoding="utf-8") as f:
            before = f.read()
        site = json.loads(before)
        site["products"]["jtel-acd"]["features"]["tts"] = False
        for text in (json.dumps(site), before):
            self.keeper.end(signal.SIGKILL)
            with open(self.site, "w", encoding="utf-8") as f:
                f.write(text)
            self.keeper.start()
            self.keeper.await_ready()
        self.expect_commits(2, "two starts with another site file, the socket in the store")

    def unsealed(self):
        client = Client(self.control)
        client.call("Unseal", seconds=3600)
        self.expect(self.keeper.comes_to_store(False),
                    "unsealed, and the socket is still in the store")
        self.expect(self.wire.owner() == (nfnl.PERSIST, 0), "unsealed, owner:", self.wire.owner())
        client.call("Seal")
        client.call("Status")
        self.expect(self.wire.owner() == (SEALED, self.port), "sealed, owner:", self.wire.owner())
        self.expect_commits(1, "unsealed and sealed again")
        self.expect(self.keeper.comes_to_store(True), "sealed, and the socket is not in the store")
        self.keeper.end(signal.SIGKILL)
        self.expect(self.wire.owner() == (SEALED, self.port), "the new socket was not stored")
        self.keeper.start()
        self.keeper.await_ready()
        self.expect_commits(0, "an end and a start, the new socket in the store")

    def with_copy(self):
        """Somebody else has the socket: then the table can't be unsealed, and is not ours."""
        client, copy = Client(self.control), os.dup(self.keeper.stored["nft-owner"])
        try:
            client.call("Unseal", seconds=3600)
            self.expect(False, "unsealed, though there is another hand on the socket")
        except Error as e:
            self.expect("copy of the socket" in str(e), e)
        self.await_status(client, seal="hostile", state="degraded")
        os.close(copy)
        self.await_status(client, seal="sealed", state="enforcing")
        self.expect(self.wire.owner()[0] == SEALED, "not claimed:", self.wire.owner())
        self.expect(self.wire.owner("portd-spare") == (0, 0), "the spare table is still there")
        self.generations.commands()

    @staticmethod
    def await_status(client, **wanted):
        status = None
        while status is None or any(status[key] != value for key, value in wanted.items()):
            status = client.call("Status")

    def without_store(self, rounds):
        self.keeper.keeps = False
        for name in list(self.keeper.stored):
            self.keeper.drop(name)
        for i in range(rounds):
            self.keeper.end((signal.SIGKILL, signal.SIGTERM)[i % 2])
            self.expect(self.wire.owner() == (nfnl.PERSIST, 0),
                        "nothing stored, owner:", self.wire.owner())
            self.keeper.start()
            self.keeper.await_ready()
            self.expect(self.wire.owner()[0] == SEALED, "not claimed")
        self.expect_commits(rounds, f"{rounds} ends and starts without the store")

    def store_again(self):
        self.keeper.keeps = True
        self.keeper.end(signal.SIGTERM)
        self.keeper.start()
        self.keeper.await_ready()
        self.expect_commits(1, "an end and a start with a store again")


def main():
    trial = Trial(sys.argv)
    packets = flood.Flood(3000, 1000, {
        "allowed": ("acd-lb2", "10.1.0.11", "acd-lb1", 5405),
        "denied port": ("acd-lb2", "10.1.0.11", "acd-lb1", 9999),
        "denied sender": ("stranger", "10.1.0.11", "acd-lb1", 5405)})
    trial.with_store()
    trial.while_gone()
    trial.with_change()
    trial.unsealed()
    trial.without_store(max(2, trial.rounds // 5))
    trial.store_again()
    trial.with_copy()
    trial.expect(flood.judge(packets.end()) == 0, "wrong verdicts")
    trial.expect(tamper.listing() == trial.want, "the table is another")
    trial.expect(Client(trial.control).call("Diff")["lines"] == [], "the compare is not clean")
    trial.expect(not trial.keeper.strange, trial.keeper.strange)
    trial.keeper.end(signal.SIGTERM)
    return 1 if trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
