#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What portd does with DNS names, seen from the host that runs it: real connections to addresses
that move, DNS that fails in every way, a resolver that dies, hangs and lies.

    names.py BINARY-DIRECTORY STATE-DIRECTORY NAME…    the test; see test_names.sh
    names.py --licence-server                          serves port 443 of all addresses"""
import json
import os
import re
import select
import signal
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
import time

import dns_server
from varlink import Client

TTL = 2
DNS_PATIENCE = 2  # seconds, for one server: LOOKUP_TRY_MSEC of daemon/resolver/lookup.h
NAME = "my.mailstore.com"
OLD = ("203.0.113.80", "2001:db8:80::80")
NEW = ("203.0.113.81", "2001:db8:80::81")
TABLE = ["inet", "portd"]
LIAR = ["setpriv", "--reuid", "_portd-resolver", "--regid", "_portd-resolver", "--groups", "portd",
        f"{os.path.dirname(__file__)}/liar.py"]
READER = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--groups", "portd"]


def say(text):
    print(f"names: {text}", flush=True)


class Checks:
    passed = failed = 0

    def __call__(self, what, is_so, found=None):
        if is_so:
            self.passed += 1
        else:
            self.failed += 1
            say(f"FAILED: {what}" + ("" if found is None else f": {found}"))


check = Checks()


# --- the other ends ---

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(4096):
                self.request.sendall(data)
        except OSError:
            pass  # cut off


class Licence(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def licence_server():
    server = Licence(("::", 443), Echo)
    print("ready", flush=True)
    server.serve_forever()


# --- the host ---

class Daemon:
    """A program in the background, back from start() when it is ready."""

    def __init__(self, log, *command):
        self.log, self.command, self.pid = log, command, None

    def start(self):
        p = subprocess.run([f"{BINARIES}/tests/lab/lab-start", self.log, *self.command],
                           stdout=subprocess.PIPE, text=True, check=False)
        if p.returncode != 0:
            raise SystemExit(f"names: {self.command[0]} did not start:\n" + self.said())
        self.pid = int(p.stdout)

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self, number):
        fd = os.pidfd_open(self.pid)
        self.signal(number)
        ready, _, _ = select.select([fd], [], [], 60)
        os.close(fd)
        check(f"{os.path.basename(self.command[0])} ends", ready)

    def said(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def status(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as f:
            return dict(re.findall(r"^(\w+):\t(.*)$", f.read(), re.M))


class Commits:
    """How often each program committed to nf_tables, by the kernel's word."""

    def __init__(self):
        self.process = subprocess.Popen([f"{BINARIES}/tests/lab/lab-generations"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def of_portd(self):
        """Those until now; ends it."""
        nft("add", "table", "inet", "witness")  # the mark behind which nothing counts
        n = 0
        for line in self.process.stdout:
            who = line.split(maxsplit=3)[3].strip()
            if who == "nft":
                break
            n += who == "portd"
        self.process.stdin.close()
        self.process.wait(timeout=60)
        nft("delete", "table", "inet", "witness")
        return n


class Pulse(threading.Thread):
    """Asks portd for its status all the time."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.took, self.is_over = path, [], False
        self.start()

    def run(self):
        client = Client(self.path)
        while not self.is_over:
            began = time.monotonic()
            client.call("Status")
            self.took.append(time.monotonic() - began)
            time.sleep(0.005)

    def end(self, what):
        self.is_over = True
        self.join()
        took = sorted(1000 * t for t in self.took)
        cuts = statistics.quantiles(took, n=100)
        say(f"{what}: {len(took)} status calls, p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms, "
            f"slowest {took[-1]:.2f} ms")
        check(f"{what}: no call waits for DNS", took[-1] < 1000 * DNS_PATIENCE, took[-1])


def nft(*words):
    p = subprocess.run(["nft", *words], capture_output=True, text=True, timeout=60, check=False)
    if p.returncode != 0:
        raise SystemExit(f"names: nft {words}: {p.stderr}")
    return p.stdout


def rules():
    """All of the table with its handles, but elements and counts."""
    table = json.loads(nft("-j", "-a", "list", "table", *TABLE))["nftables"]
    for entry in table:
        for o in entry.values():
            if "type" in o and "flags" not in o:
                o.pop("elem", None)
            for key in ("packets", "bytes"):
                o.pop(key, None)
    return json.dumps(table, sort_keys=True)


def connects(address, timeout=0.5):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        try:
            s.connect((address, 443))
        except OSError:
            return False
    return True


def all_connect(*addresses):
    return all(connects(a) for a in addresses)


def tell(*words):
    reply = dns_server.tell(f"{STATE}/dns", words)
    if reply != "ok":
        raise SystemExit(f"names: the DNS server: {reply}")


def until(is_so, timeout=30.0):
    """Seconds until it is so; None: it never was."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > timeout:
            return None
        time.sleep(0.01)
    return time.monotonic() - began


def ctl(*words):
    p = subprocess.run([f"{BINARIES}/daemon/portd-ctl", *words, "--socket", SOCKET],
                       capture_output=True, text=True, check=False, env={"COLUMNS": "250"})
    return p.returncode, p.stdout + p.stderr


def status():
    return Client(SOCKET).call("Status")


def names():
    return {n["name"]: n for n in Client(SOCKET).call("Names")["names"]}


def warnings(code):
    return [w["text"] for w in status()["warnings"] if w["code"] == code]


def own_addresses(i):
    return f"203.0.113.{100 + i}", f"2001:db8:80::{100 + i}"


# --- the test ---

def start(portd, resolver):
    tell("answer", NAME, str(TTL), *OLD)
    for i, name in enumerate(NAMES):
        tell("answer", f"{name}.example.net", str(TTL), *own_addresses(i))
    portd.start()
    check("before it is resolved a name is closed", not any(map(connects, OLD)))
    check("status says that no resolver is there", warnings("no-resolver"))
    resolver.start()
    check("then its addresses are open", until(lambda: all_connect(*OLD)), names())
    check("those of the other names, too", until(lambda: all(
        all_connect(*own_addresses(i)) for i in range(len(NAMES)))), names())
    check("and no other", not any(map(connects, NEW)))


def rights(portd, resolver):
    for daemon, want in ((portd, 1 << 12), (resolver, 0)):
        found = daemon.status()
        caps = {k: found[k] for k in found if k.startswith("Cap")}
        say(f"{os.path.basename(daemon.command[0])}: " +
            " ".join(f"{k} {v}" for k, v in caps.items()) +
            f" NoNewPrivs {found['NoNewPrivs']} Uid {found['Uid'].split()[0]}")
        for key in ("CapPrm", "CapEff", "CapBnd"):
            check(f"{key}", int(caps[key], 16) == want, caps)
        for key in ("CapInh", "CapAmb"):
            check(f"{key}", int(caps[key], 16) == 0, caps)
        check("no new privileges", found["NoNewPrivs"] == "1")


def move(before, after):
    """Changes the addresses of the name and measures when that counts."""
    lasting = {a: socket.create_connection((a, 443), timeout=20) for a in before}
    want = {**{a: True for a in after}, **{a: False for a in before if a not in after}}
    tell("answer", NAME, str(TTL), *after)
    began = time.monotonic()
    seen = {}
    while len(seen) < len(want) and time.monotonic() - began < TTL + 5:
        for a, is_open in want.items():
            if a not in seen and connects(a) == is_open:
                seen[a] = time.monotonic() - began
        time.sleep(0.005)
    check("the new addresses work and the old stop in time",
          all(seen.get(a, 99) <= TTL + 1 for a in want), seen)
    for a, s in lasting.items():
        check("an open connection to what is no address of the name any more is cut, and no other",
              is_cut(s, 20 if a in after else 0.3) == (a not in after), a)
        s.close()
    return ", ".join(f"{a} {'opens' if is_open else 'shuts'} after {seen.get(a, 99):.2f} s"
                     for a, is_open in want.items())


def is_cut(s, patience):
    """Nothing comes back on an open connection."""
    s.settimeout(patience)
    try:
        s.sendall(b"x")
        return s.recv(1) == b""
    except OSError:
        return True


def moves():
    """Only elements change: no rule, chain or set is written, and each move is one commit."""
    before, commits = rules(), Commits()
    ways = [OLD, NEW, OLD, NEW[:1], OLD[1:], OLD]  # two of them without an address of one family
    for i in range(1, len(ways)):
        say(f"move {i}: {move(ways[i - 1], ways[i])}")
    n = commits.of_portd()
    check("no rule was written", rules() == before)
    check("a move is one commit", n == len(ways) - 1, n)
    say(f"{len(ways) - 1} moves: {n} commits of portd; rules, chains and sets with their handles "
        "as before")


FAULTS = {
    "garbage": (["garbage"], "an answer that is no DNS message"),
    "nxdomain": (["nxdomain"], "NXDOMAIN"),
    "servfail": (["servfail"], "SERVFAIL"),
    "refused": (["refused"], "REFUSED"),
    "nodata": (["nodata"], "no addresses"),
    "many": (["many", "2", "2000"], "2000 addresses, more than the 256 that are taken"),
    "silent": (["silent"], "no answer within 4 s"),
    "loopback": (["answer", "2", "127.0.0.1", "::1"],
                 'refused by portd: "127.0.0.1" is no address of a host'),
}


def faults():
    """All other names go wrong at once, each in its way: what was known stays."""
    known = names()
    for name, (words, _) in FAULTS.items():
        tell(words[0], f"{name}.example.net", *words[1:])
    for i, name in enumerate(NAMES):
        full, error = f"{name}.example.net", FAULTS[name][1]
        check(f"{name}: the error is told", until(lambda: names()[full].get("error") == error),
              names()[full])
        now = names()[full]
        check(f"{name}: the addresses stay", now["addresses"] == known[full]["addresses"], now)
        check(f"{name}: it is told how old they are",
              now["failing_since"] > now["answered"] >= known[full]["answered"], now)
        check(f"{name}: and they work", all_connect(*own_addresses(i)))
    _, text = ctl("names")
    for name, (_, error) in FAULTS.items():
        check(f"portd-ctl names tells of {name}", f"{name}.example.net" in text and error in text,
              text)
    code, text = ctl("status")
    check("portd-ctl status tells of them, and is fine",
          code == 0 and "can't be resolved" in text, (code, text))
    say(f"{len(FAULTS)} names fail in {len(FAULTS)} ways: addresses in force and told, with age "
        "and error")


def tampering():
    """A rule is deleted while DNS is in trouble."""
    drifts = status()["drifts"]
    rule = next(e["rule"] for e in json.loads(nft("-j", "-a", "list", "table", *TABLE))["nftables"]
                if "rule" in e and "mailstore-spe/license" in e["rule"].get("comment", ""))
    nft("delete", "rule", *TABLE, rule["chain"], "handle", str(rule["handle"]))
    check("a tamper is seen", until(lambda: status()["drifts"] == drifts + 1))
    drift = status()["last_drift"]
    check("and repaired", until(lambda: "repaired_usec" in status()["last_drift"]), drift)
    check("portd-ctl diff is empty", ctl("diff")[0] == 0, ctl("diff"))
    usec = status()["last_drift"]["repaired_usec"]
    say(f"a deleted rule was repaired in {usec / 1000:.2f} ms meanwhile")


def recovery():
    for i, name in enumerate(NAMES):
        tell("answer", f"{name}.example.net", str(TTL), *own_addresses(i))


def resolver_dies(resolver, here, there):
    resolver.end(signal.SIGKILL)
    check("status says that it is gone", until(lambda: warnings("no-resolver")))
    check("its addresses stay", all_connect(*here) and not any(map(connects, there)))
    tell("answer", NAME, str(TTL), *there)
    resolver.start()
    back = until(lambda: all_connect(*there) and not any(map(connects, here)))
    check("it is started again: the move counts", back, names())
    resolver.signal(signal.SIGSTOP)
    tell("answer", NAME, str(TTL), *here)
    time.sleep(TTL + 1)
    check("stopped: what is known stays", all_connect(*there) and not any(map(connects, here)))
    check("and portd is fine", status()["state"] == "enforcing")
    resolver.signal(signal.SIGCONT)
    on = until(lambda: all_connect(*here) and not any(map(connects, there)))
    check("continued: the move counts", on, names())
    say(f"resolver killed and started again: the move counts after {back or 99:.2f} s; "
        f"stopped and continued: {on or 99:.2f} s")


def others():
    """Nobody but the resolver's user hands in answers, root neither."""
    call = {"name": NAME, "ipv4": {"addresses": ["198.51.100.66"], "ttl": 60},
            "ipv6": {"addresses": [], "ttl": 60}}
    text = json.dumps({"method": "io.portd.Resolved", "parameters": call})
    script = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
              "s.sendall(sys.argv[2].encode() + b'\\0'); print(s.recv(4096).decode().strip('\\0'))")
    for who, prefix in (("root", []), ("a reader", READER)):
        p = subprocess.run([*prefix, sys.executable, "-c", script, SOCKET, text],
                           capture_output=True, text=True, check=False)
        check(f"{who} may not hand in answers", "PermissionDenied" in p.stdout, p.stdout + p.stderr)
    p = subprocess.run(["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
                        sys.executable, "-c", script, SOCKET, text], capture_output=True, text=True,
                       check=False)
    check("a stranger can't even connect", "Permission" in p.stderr, p.stdout + p.stderr)


def lies():
    """The resolver's user says what no resolver should; portd and all others don't suffer."""
    known, commits, pulse = names(), Commits(), Pulse(SOCKET)
    p = subprocess.run([*LIAR, "lie", SOCKET, NAME], capture_output=True, text=True, timeout=300,
                       check=False)
    outcomes = json.loads(p.stdout) if p.returncode == 0 else {}
    check("the liar ends", outcomes, p.stdout + p.stderr)
    for what, found in outcomes.items():
        check(f"a lie: {what}", found == what.split(" -> ")[1], found)
    pulse.end("while the resolver lies")
    check("nothing of it is believed", names() == known, names())
    n = commits.of_portd()
    check("nothing is written", n == 0, n)
    check("all addresses work", all(all_connect(*own_addresses(i)) for i in range(len(NAMES))))
    say(f"{len(outcomes)} kinds of lies, each refused: {n} commits")


def flood(here, there):
    """The resolver's user changes its mind 10,000 times: portd's commits are bounded."""
    commits, pulse, began = Commits(), Pulse(SOCKET), time.monotonic()
    subprocess.run([*LIAR, "flood", SOCKET, NAME, *here, *there], timeout=300, check=True)
    took = time.monotonic() - began
    pulse.end("while the resolver floods")
    n = commits.of_portd()
    check("commits are bounded", n <= 10 * took + 2, n)
    say(f"10,000 changes of address in {took:.1f} s: {n} commits")


def restarts(portd, here, there):
    """portd is restarted while DNS is silent."""
    for name in (NAME, *(f"{n}.example.net" for n in NAMES)):
        tell("silent", name)
    known = {name: n["addresses"] for name, n in names().items()}
    for number in (signal.SIGTERM, signal.SIGKILL):
        commits = Commits()
        portd.end(number)
        check("without portd the rules stay", all_connect(*here) and not any(map(connects, there)))
        portd.start()
        check("at READY the last addresses are in force",
              all_connect(*here) and not any(map(connects, there)))
        now = {name: n["addresses"] for name, n in names().items()}
        check("and known", now == known, now)
        n = commits.of_portd()
        check("without a commit", n == 0, n)
        say(f"restart after {number.name} while DNS is silent: {n} commits, all addresses in "
            "force at READY")
    check("and the trouble is told", until(lambda: len(warnings("name-stale")) == len(NAMES) + 1),
          warnings("name-stale"))


def main():
    portd = Daemon(f"{STATE}/portd.log", f"{BINARIES}/daemon/portd", "--site",
                   f"{STATE}/mailstore-spe.site.json", "--policy-dir", f"{STATE}/policy",
                   "--host", "mgmt1", "--socket", SOCKET, "--state-dir", f"{STATE}/mgmt1", "--learn", "0")
    resolver = Daemon(f"{STATE}/resolver.log", f"{BINARIES}/daemon/resolver/portd-resolver",
                      "--socket", SOCKET)
    start(portd, resolver)
    rights(portd, resolver)
    pulse = Pulse(SOCKET)
    moves()
    pulse.end("without trouble")
    pulse = Pulse(SOCKET)
    faults()
    tampering()
    say(f"meanwhile: {move(OLD, NEW)}")
    pulse.end("while DNS fails")
    here, there = NEW, OLD
    recovery()
    resolver_dies(resolver, here, there)
    others()
    resolver.end(signal.SIGTERM)
    lies()
    flood(here, there)
    resolver.start()
    check("the truth comes back", until(
        lambda: names()[NAME]["addresses"] == list(here) and all_connect(*here) and
        not any(map(connects, there))), names())
    restarts(portd, here, there)
    portd.end(signal.SIGTERM)
    resolver.end(signal.SIGTERM)
    for daemon in (portd, resolver):
        check("no sanitizer complained", "anitizer" not in daemon.said() and
              "runtime error" not in daemon.said(), daemon.said())
    say(f"{check.passed} passed, {check.failed} failed")
    sys.exit(1 if check.failed else 0)


if sys.argv[1] == "--licence-server":
    licence_server()
else:
    BINARIES, STATE, *NAMES = sys.argv[1:]
    SOCKET = f"{STATE}/mgmt1.sock"
    main()
