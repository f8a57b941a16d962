#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Live connections, a site that changes at random, and what Plan says of both, on acd-lb1, in whose
network namespace this runs.

    plan.py SOCKET SITE PORTD_CTL ROUNDS

Each round opens connections (TCP and UDP, IPv4 and IPv6, begun by either side) through rows of the
site, takes some of these rows away or narrows them, asks for the plan, reloads, and speaks on all:
those that are dead are those that the plan named. Then the same for the session that the caller
came by, which a reload refuses to cut, and for a reload that ends "off"."""
import json
import os
import random
import select
import socket
import subprocess
import sys

from flood import in_namespace
from varlink import Client, Error

HERE = {socket.AF_INET: "10.1.0.11", socket.AF_INET6: "2001:db8:1::11"}
OTHERS = {"acd-lb2": {socket.AF_INET: "10.1.0.12", socket.AF_INET6: "2001:db8:1::12"},
          "stranger": {socket.AF_INET: "198.51.100.7", socket.AF_INET6: "2001:db8:ffff::7"}}
FAMILIES = (socket.AF_INET, socket.AF_INET6)
PORTS = range(7600, 7606)
SSH_PORT = 7622
SILENCE, PATIENCE = 0.3, 20
NOBODY = "192.0.2.200"


def put(path, content):
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(content, f)
    os.replace(path + ".new", path)


def bind(namespace, family, kind, address, port):
    s = in_namespace(namespace, lambda: socket.socket(family, kind))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.settimeout(PATIENCE)
    return s


class Connection:
    """`other` is a host; `inwards`: it begins, else acd-lb1 does."""

    def __init__(self, other, family, kind, inwards, port):
        self.inwards, self.kind, self.port, self.other = inwards, kind, port, OTHERS[other][family]
        here, there = ("acd-lb1", HERE[family]), (other, self.other)
        server, client = (here, there) if inwards else (there, here)
        self.client = bind(client[0], family, kind, client[1], 0)
        listener = bind(server[0], family, kind, server[1], port)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self.client.connect((server[1], port))
        self.source = self.client.getsockname()[1]
        if kind == socket.SOCK_STREAM:
            self.server = listener.accept()[0]
            listener.close()
        else:
            self.server = listener
            self.server.connect((client[1], self.source))
        self.client.send(b"first")
        assert self.server.recv(64) == b"first"
        self.server.send(b"answer")
        assert self.client.recv(64) == b"answer"

    def key(self):
        """As CutConnection says it."""
        protocol = "tcp" if self.kind == socket.SOCK_STREAM else "udp"
        return (f"{protocol}/{self.port}", "in" if self.inwards else "out", self.other,
                self.source if self.inwards else self.port, self.port if self.inwards else self.source)

    def close(self):
        for s in (self.client, self.server):
            if self.kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()


def speak(sockets, word):
    for s in sockets:
        try:
            s.send(word)
        except OSError:
            pass # refused by a rule


def hearing(sockets, word, patience):
    """Of these sockets those that get the word before there is silence."""
    heard, waiting = set(), set(sockets)
    while waiting:
        ready = select.select(list(waiting), [], [], patience)[0]
        if not ready:
            break
        for s in ready:
            waiting.discard(s)
            try:
                if word in s.recv(256):
                    heard.add(s)
            except OSError:
                pass
    return heard


class Trial:
    def __init__(self, control, site, ctl):
        self.client, self.control, self.site, self.ctl = Client(control), control, site, ctl
        self.failed, self.n, self.cut, self.past = 0, 0, 0, set()
        with open(site, encoding="utf-8") as f:
            self.content = json.load(f)

    def expect(self, good, *what):
        if not good:
            self.failed += 1
            print("plan: FAILED:", *what)

    def write(self, rows):
        put(self.site, self.content | {"flows": self.content["flows"] + rows})

    @staticmethod
    def rows():
        """One a port and direction, for everybody."""
        prefixes = [a for other in OTHERS.values() for a in other.values()]
        services = lambda port: [f"tcp/{port}", f"udp/{port}"]
        return [{"id": f"in-{p}", "from": prefixes, "to": ["self"], "services": services(p)}
                for p in PORTS] + \
               [{"id": f"out-{p}", "from": ["self"], "to": prefixes, "services": services(p)}
                for p in PORTS]

    @staticmethod
    def changed(rows):
        """Each stays, goes, or loses a party or a protocol."""
        result = []
        for row in rows:
            end = "from" if row["id"].startswith("in-") else "to"
            how = random.randrange(6)
            if how == 0:
                continue
            row = dict(row)
            if how == 1:
                row[end] = random.sample(row[end], random.randrange(1, len(row[end])))
            elif how == 2:
                row["services"] = [random.choice(row["services"])]
            elif how == 3:
                row[end] = [NOBODY]
            result.append(row)
        return result

    def round(self):
        rows = self.rows()
        self.write(rows)
        self.client.call("Reload")
        up = [Connection(other, family, kind, inwards, port)
              for other in OTHERS for family in FAMILIES for inwards in (True, False)
              for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
              for port in random.sample(PORTS, 2)]
        self.write(self.changed(rows))
        before = self.client.call("Status")["generation"]
        plan = self.client.call("Plan")
        named = {(c["service"], c["direction"], c["address"], c["port"], c["local_port"])
                 for c in plan["connections"]}
        self.expect(plan["cut"] == len(plan["connections"]) and "blind" not in plan, plan)
        self.expect(self.client.call("Status")["generation"] == before, "the plan was applied")
        told = self.client.call("Reload")
        self.expect(told["digest"] == plan["digest"], "another digest than planned")
        differ = set(told["changes"]) ^ set(plan["changes"])
        self.expect(not differ and len(told["changes"]) == len(plan["changes"]),
                    "the kernel was changed otherwise:", differ)
        for side in ("opened", "closed"):
            self.expect([c["text"] for c in told[side]] == [c["text"] for c in plan["planned"][side]],
                        "the plan had other services", side)
        dead = self.dead(up)
        self.expect({c.key() for c in dead} == {c.key() for c in up} & named,
                    "dead but not named:", [c.key() for c in dead if c.key() not in named],
                    "named but alive:", [c.key() for c in up if c.key() in named and c not in dead])
        ever = self.past | {c.key() for c in up}
        self.expect(named <= ever, "nobody's:", named - ever)
        # UDP has no end: those of earlier rounds may be named, too
        self.past |= {c.key() for c in up if c.kind == socket.SOCK_DGRAM}
        self.n, self.cut = self.n + len(up), self.cut + len(dead)
        for c in up:
            c.close()

    @staticmethod
    def dead(up):
        """Those in which a word doesn't come through one way or the other. Both speak at once."""
        for c in up:
            speak((c.client, c.server), b"word")
        ends = {s for c in up for s in (c.client, c.server)}
        heard = hearing(ends, b"word", SILENCE)
        late = {s for c in up for s in (c.client, c.server) if s not in heard}
        heard |= hearing(late, b"word", SILENCE)
        return [c for c in up if c.client not in heard or c.server not in heard]

    # The caller's own session

    def run(self, *words, session, inherited=False):
        environment = {k: v for k, v in os.environ.items() if k != "SSH_CONNECTION"}
        command = [self.ctl, *words, "--socket", self.control]
        if inherited: # as sudo does it: only a process above still has it
            command = ["sh", "-c", 'env -u SSH_CONNECTION "$@"; exit $?', "sh", *command]
        return subprocess.run(command, env=environment | {"SSH_CONNECTION": session}, text=True,
                              capture_output=True, check=False)

    def own(self):
        row = {"id": "admin", "from": [OTHERS["acd-lb2"][socket.AF_INET]], "to": ["self"],
               "services": [f"tcp/{SSH_PORT}"]}
        self.write([row])
        self.client.call("Reload")
        c = Connection("acd-lb2", socket.AF_INET, socket.SOCK_STREAM, True, SSH_PORT)
        here, there = HERE[socket.AF_INET], OTHERS["acd-lb2"][socket.AF_INET]
        session = f"{there} {c.source} {here} {SSH_PORT}"
        self.write([])
        for inherited in (False, True):
            plan = self.run("plan", session=session, inherited=inherited)
            self.expect(plan.returncode == 3 and "cuts your own session, from "
                        f"{there}:{c.source} to tcp/{SSH_PORT} here (site/admin)" in plan.stdout,
                        "the plan doesn't name the caller's session:", plan)
            done = self.run("reload", session=session, inherited=inherited)
            self.expect(done.returncode == 1 and "would cut your own session" in done.stderr,
                        "the reload is not refused:", done)
        self.expect(self.dead([c]) == [], "a refused reload cut the session")
        other = self.run("plan", session=f"{there} {c.source - 1} {here} {SSH_PORT}")
        self.expect(other.returncode == 0 and "cuts from" in other.stdout,
                    "somebody else's session counts as the caller's:", other)
        try:
            self.client.call("Reload", session="by train")
            self.expect(False, "any session is taken")
        except Error as e:
            self.expect(e.error == "io.portd.BadQuery", e)
        done = self.run("reload", "--force", session=session)
        self.expect(done.returncode == 0, "the reload is not forced:", done)
        self.expect(self.dead([c]) == [c], "a forced reload doesn't cut the session")
        c.close()
        done = self.run("reload", session=session)
        self.expect(done.returncode == 0, "a session that is gone is in the way:", done)

    # Beside the policy

    def granted(self):
        """What is granted for a while outlasts a reload, whatever the rows say."""
        stranger = OTHERS["stranger"][socket.AF_INET]
        self.write([])
        self.client.call("Reload")
        self.client.call("Grant", direction="in", service=f"tcp/{SSH_PORT}", address=stranger,
                         seconds=600, reason="the switch is being replaced")
        c = Connection("stranger", socket.AF_INET, socket.SOCK_STREAM, True, SSH_PORT)
        plan = self.client.call("Plan")
        self.expect(plan["changes"] == [] and plan["connections"] == [], "granted:",
                    plan["changes"], plan["connections"])
        self.client.call("Reload")
        self.expect(self.dead([c]) == [], "a reload cuts what is granted")
        c.close()

    # While portd is off

    def off(self):
        """No rule looks at connections then, and connection tracking may know none."""
        self.write([{"id": "admin", "from": list(OTHERS["acd-lb2"].values()), "to": ["self"],
                     "services": [f"tcp/{SSH_PORT}"]}])
        self.client.call("Reload")
        self.client.call("Off")
        up = [Connection(other, family, socket.SOCK_STREAM, True, SSH_PORT)
              for other in OTHERS for family in FAMILIES]
        listeners = [bind("acd-lb1", f, socket.SOCK_STREAM, HERE[f], SSH_PORT) for f in FAMILIES]
        for s in listeners: # tell who began
            s.listen()
        strange = {(c.other, c.source) for c in up if c.other in OTHERS["stranger"].values()}
        plan = self.client.call("Plan")
        named = {(c["address"], c["port"]) for c in plan["connections"]}
        self.expect(named == strange, "off: others are named:", named, "not", strange)
        self.expect([(m["direction"], m["from"], m["to"]) for m in plan["planned"]["modes"]] ==
                    [("in", "off", "enforce"), ("out", "off", "enforce")], "off:", plan["planned"])
        self.client.call("Reload")
        speak([c.server for c in up], b"word") # who was asked is the first to speak
        heard = hearing([c.client for c in up], b"word", SILENCE)
        dead = {(c.other, c.source) for c in up if c.client not in heard} | \
               {(c.other, c.source) for c in self.dead(up)}
        self.expect(dead == strange, "a reload after off cuts other connections than planned:", dead)
        for c in [*up, *listeners]:
            c.close()


def main():
    trial = Trial(*sys.argv[1:4])
    random.seed(6)
    for _ in range(int(sys.argv[4])):
        trial.round()
    print(f"plan: {trial.n} live connections (TCP, UDP, IPv4, IPv6, begun by either side) in "
          f"{sys.argv[4]} reloads, {trial.cut} died, "
          f"{'see above' if trial.failed else 'the same as were named'}")
    trial.own()
    trial.granted()
    trial.off()
    trial.expect(0 < trial.cut < trial.n, "nothing was tried")
    return 1 if trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
