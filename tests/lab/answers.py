#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays portd-resolver, and everybody who gets in its way.

    answers.py BINARY-DIRECTORY STATE-DIRECTORY"""
import copy
import json
import os
import pwd
import re
import select
import signal
import subprocess
import sys
import time

from varlink import Client, Error

BINARIES, STATE = sys.argv[1:]
SOCKET, LOG, SITE, KEPT = (f"{STATE}/{n}" for n in ("s", "log", "site.json", "kept"))
SAVED = f"{KEPT}/names.json"
A, B, C = (f"{c}.example.net" for c in "abc")
MANY = [f"n{i:02}.example.net" for i in range(65)]
POLICY = {
    "format": 1, "product": "p", "title": "p", "roles": {"A": {}},
    "peers": {"named": {"hostnames": [A, B]}, "many": {"hostnames": MANY}},
    "flows": [{"id": i, "from": ["A"], "to": [i], "services": [s], "title": i, "ref": "r"}
              for i, s in (("named", "tcp/443"), ("many", "tcp/80"))]}
DEPLOYMENT = {"format": 1, "site": "s", "seal": True, "products": {"p": {}},
              "hosts": {"x": {"roles": ["p/A"], "addresses": ["10.0.0.1"]}}}
passed = failed = 0


def check(what, is_so, found=None):
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"answers: FAILED: {what}" + ("" if found is None else f": {found}"), flush=True)


def until(is_so):
    end = time.monotonic() + 30
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def write(path, value):
    with open(path, "w", encoding="utf-8") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Portd:
    def start(self):
        p = subprocess.run(
            [f"{BINARIES}/tests/lab/lab-start", LOG, f"{BINARIES}/daemon/portd", "--site", SITE,
             "--policy-dir", f"{STATE}/p", "--host", "x", "--socket", SOCKET, "--state-dir", KEPT,
             "--learn", "0"], stdout=subprocess.PIPE, text=True, check=False)
        if p.returncode != 0:
            raise SystemExit("answers: portd did not start:\n" + read(LOG))
        self.pid = int(p.stdout)
        self.root = Client(SOCKET)
        self.resolver = client_of("_portd-resolver")

    def end(self, number=signal.SIGTERM):
        fd = os.pidfd_open(self.pid)
        os.kill(self.pid, number)
        check("portd ends", select.select([fd], [], [], 60)[0])
        os.close(fd)

    def status(self):
        return self.root.call("Status")

    def drifts(self):
        return self.root.call("Drift")["drifts"]

    def warnings(self, code):
        return [w["text"] for w in self.status()["warnings"] if w["code"] == code]

    def reload(self, binding=None):
        site = copy.deepcopy(DEPLOYMENT)
        if binding is not None:
            site["products"]["p"]["peers"] = {"named": binding}
        write(SITE, site)
        return self.root.call("Reload")

    def answer(self, name, *addresses, error=None):
        """Hands in IPv4 addresses, all that there are. The error's name, or None."""
        try:
            if error:
                self.resolver.call("Resolved", name=name, error=error)
            else:
                self.resolver.call("Resolved", name=name, ipv6={"addresses": [], "ttl": 60},
                                   ipv4={"addresses": list(addresses), "ttl": 60})
        except Error as e:
            return e.error.rsplit(".", 1)[1]
        return None


def client_of(user):
    """The kernel tells portd who it was that connected."""
    uid = pwd.getpwnam(user).pw_uid
    os.setgroups([903])
    os.seteuid(uid)
    try:
        return Client(SOCKET)
    finally:
        os.seteuid(0)
        os.setgroups([])


def nft(*words):
    p = subprocess.run(["nft", *words], capture_output=True, text=True, timeout=60, check=False)
    if p.returncode != 0:
        raise SystemExit(f"answers: nft {words}: {p.stderr}")
    return p.stdout


def elements(name="p_named_dns_4"):
    for entry in json.loads(nft("-j", "list", "set", "inet", "portd", name))["nftables"]:
        if "set" in entry:
            return sorted(entry["set"].get("elem", []))
    return None


def holds(*addresses):
    return until(lambda: elements() == sorted(addresses))


def commits_during(act):
    """How often portd committed meanwhile, by the kernel's word."""
    witness = subprocess.Popen([f"{BINARIES}/tests/lab/lab-generations"], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    witness.stdout.readline()
    act()
    nft("add", "table", "inet", "witness")  # the mark behind which nothing counts
    who = []
    for line in witness.stdout:
        who.append(line.split(maxsplit=3)[3].strip())
        if who[-1] == "nft":
            break
    witness.stdin.close()
    witness.wait(timeout=60)
    nft("delete", "table", "inet", "witness")
    return who.count("portd")


# --- the test ---

def changes(portd):
    def other():
        check("an answer is taken", portd.answer(A, "203.0.113.1") is None)
        check("and in force", holds("203.0.113.1"), elements())

    n = commits_during(other)
    check("other addresses are one commit", n == 1, n)
    n = commits_during(lambda: (portd.answer(A, "203.0.113.1"), time.sleep(0.3)))
    check("the same ones none", n == 0, n)
    portd.answer(B, "203.0.113.1", "203.0.113.2")
    check("two names share an address", holds("203.0.113.1", "203.0.113.2"), elements())
    portd.answer(A, "203.0.113.3")
    check("and one lets go of it", holds("203.0.113.1", "203.0.113.2", "203.0.113.3"), elements())
    portd.answer(B, "203.0.113.3")
    check("then both", holds("203.0.113.3"), elements())


def is_denied(client, method):
    try:
        client.call(method)
    except Error as e:
        return e.error.endswith("PermissionDenied")
    return False


def rights(portd):
    """Which of the real methods answer whom."""
    reads = {"Names", "Status", "Flows", "Drift", "Diff", "Explain"}
    for client, who, may in ((portd.root, "root", reads | {"Reload"}),
                             (client_of("nobody"), "a reader", reads),
                             (client_of("_portd-resolver"), "the resolver", {"Names", "Resolved"})):
        for method in sorted(reads | {"Reload", "Resolved"}):
            check(f"{who}: {method}", is_denied(client, method) == (method not in may))


def tampering(portd):
    """Somebody's change of a set of names, just when an answer changes it, too."""
    for i in range(20):
        before = len(portd.drifts())
        if i % 2:
            portd.answer(A, f"203.0.113.{10 + i}")
        nft("add", "element", "inet", "portd", "p_named_dns_4", "{", f"198.51.100.{i}", "}")
        if i % 2 == 0:
            portd.answer(A, f"203.0.113.{10 + i}")
        check("the stranger goes, the answer counts", holds("203.0.113.3", f"203.0.113.{10 + i}"),
              elements())
        check("it is recorded", until(lambda n=before: len(portd.drifts()) == n + 1), before)
        drift = portd.drifts()[-1]
        check("as his, and it alone", drift.get("command") == "nft" and drift["changes"] ==
              [f"elements were added to p_named_dns_4: 198.51.100.{i}"], drift)
    portd.answer(A, "203.0.113.3")
    check("one address again", holds("203.0.113.3"), elements())


def lost_words(portd):
    """A transaction is written, and portd doesn't hear what became of it: it was done, or it never
    reached the kernel (portd's first word goes to the resolver)."""
    before = len(portd.drifts())
    for i, fault in enumerate(("recvmsg:error=ENOBUFS:when=1", "sendto:retval=1:when=2") * 3):
        address = f"203.0.113.{40 + i}"
        trace = subprocess.Popen(["strace", "-p", str(portd.pid), "-o", f"{STATE}/trace", "-e",
                                  "trace=recvmsg,sendto", "-e", f"inject={fault}"],
                                 stderr=subprocess.PIPE, text=True)
        trace.stderr.readline()  # it is attached
        portd.answer(A, address)
        check("an answer whose outcome was lost counts", holds("203.0.113.3", address), elements())
        trace.send_signal(signal.SIGINT)
        trace.communicate()
        check("a word was lost", "INJECTED" in read(f"{STATE}/trace"))
        check("diff is empty", not portd.root.call("Diff")["lines"])
    check("and nobody is blamed for it", len(portd.drifts()) == before, portd.drifts()[before:])


def unsealed(portd):
    """What others change is let stand until the table is sealed again, and DNS has to wait, too."""
    portd.root.call("Unseal", seconds=3600)
    portd.answer(A, "203.0.113.49")
    check("that an answer waits is told", until(lambda: "sealed again" in str(
        portd.warnings("names-waiting"))))
    check("it does", elements() == ["203.0.113.3", "203.0.113.45"], elements())
    portd.root.call("Seal")
    check("until the table is sealed", holds("203.0.113.3", "203.0.113.49"), elements())
    check("and that is nobody's drift", not portd.drifts(), portd.drifts())
    DEPLOYMENT["seal"] = False  # from now on others can write
    portd.reload()


def loads(portd):
    stream = client_of("_portd-resolver")
    stream.send("Names", more=True)
    check("all names are needed", len(stream.receive()["names"]) == 67)
    portd.answer(A, "203.0.113.50")
    portd.answer(A, "203.0.113.51")
    portd.reload()
    check("a reload right behind an answer has it", elements() == ["203.0.113.3", "203.0.113.51"],
          elements())
    portd.reload([])
    names = [n["name"] for n in stream.receive()["names"]]
    check("names that nobody needs any more", names == MANY, names)
    check("have no answers", portd.answer(A, "203.0.113.52") == "NotNeeded")
    portd.reload([A, "198.51.100.0/24", A])
    names = [n["name"] for n in stream.receive()["names"]]
    check("a name beside a network", names == [A, *MANY], names)
    check("has to be resolved again", elements() == [], elements())
    portd.answer(A, "198.51.100.9", "203.0.113.53")
    check("even to an address of that network", holds("198.51.100.9", "203.0.113.53"), elements())
    portd.reload()
    stream.receive()
    check("the drifts are those of others", all(d.get("command") == "nft" for d in portd.drifts()))


def refusals(portd):
    """Somebody owns both tables that portd could write to."""
    claim = subprocess.Popen([f"{BINARIES}/tests/lab/lab-claim", "portd", "portd-spare"], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    claim.stdout.readline()
    try:
        portd.reload([])
        check("a reload is refused", False)
    except Error as e:
        check("a reload is refused", e.error.endswith("Refused"), e)
    for i in range(300):
        portd.answer(A, f"203.0.113.{i % 250 + 1}")
    portd.answer(A, "203.0.113.60")
    check("answers are taken meanwhile", portd.status()["state"] == "degraded", portd.status())
    check("that they wait is told", until(lambda: portd.warnings("names-waiting")))
    claim.stdin.close()
    claim.wait(timeout=60)
    check("and count afterwards", until(lambda: portd.status()["state"] == "enforcing") and
          holds("203.0.113.60"), elements())
    check("nothing waits", until(lambda: not portd.warnings("names-waiting")))


def off_and_on(portd):
    portd.root.call("Off")
    portd.answer(A, "203.0.113.70")
    time.sleep(0.3)
    check("an answer while portd is off writes nothing", "inet portd" not in nft("list", "tables"))
    portd.reload()
    check("and counts from the start", elements() == ["203.0.113.70"], elements())


def floods(portd):
    """Answers that change all the time, others that say good and bad by turns."""
    def changing():
        nonlocal n, took
        began = time.monotonic()
        while took < 2:
            n += 1
            portd.answer(A, f"203.0.113.{n % 250 + 1}")
            portd.answer(B, error="SERVFAIL")
            portd.answer(B, "203.0.113.3")
            took = time.monotonic() - began

    n, took, size = 0, 0, os.path.getsize(LOG)
    commits = commits_during(changing)
    check("commits are bounded", commits <= 10 * took + 2, (commits, took))
    lines = read(LOG)[size:].count("\n")
    check("and so is what is logged", lines <= 37 * took + 1, (lines, took))
    print(f"answers: {3 * n} answers in {took:.1f} s: {commits} commits, {lines} lines logged")


def too_many(portd):
    """256 addresses of a name are taken, and so many of all names."""
    for i, name in enumerate(MANY):
        said = portd.answer(name, *(f"10.{i}.0.{j}" for j in range(256)))
        check(f"{name}: its addresses", said == ("BadAnswer" if i >= 63 else None), said)
    check("all are in force", until(lambda: len(elements("p_many_dns_4")) == 63 * 256))
    for name in MANY:
        portd.answer(name, "203.0.113.3")
    check("and gone", until(lambda: elements("p_many_dns_4") == ["203.0.113.3"]))


def restarts(portd):
    portd.answer(A, "203.0.113.80")
    check("in force", holds("203.0.113.3", "203.0.113.80"), elements())

    def restart():
        portd.end()
        portd.start()

    n = commits_during(restart)
    check("a restart right behind an answer writes nothing", n == 0, n)
    check("and knows it", elements() == ["203.0.113.3", "203.0.113.80"], elements())
    name = json.loads(read(SAVED))["names"][0]
    for what, text in (("garbage", "garbage"), ("nothing", ""), ("another version",
                       {"format": 2, "names": [name]}), ("a lie", {"format": 1, "names": [
                           name, {**name, "name": B, "addresses": ["127.0.0.1"]}]})):
        portd.end()
        write(SAVED, text)
        size = os.path.getsize(LOG)
        portd.start()
        check(f"{what} is told of", "damaged" in read(LOG)[size:], read(LOG)[size:])
        known = [n["name"] for n in portd.root.call("Names")["names"] if n["addresses"]]
        check(f"{what}: what is whole counts", known == ([A] if what == "a lie" else []), known)


def full_disk(portd):
    portd.end()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=0777", "full", KEPT], check=True)
    write(f"{KEPT}/filler", "x" * 4096)
    portd.start()
    portd.answer(A, "203.0.113.90")
    check("a full disk keeps no address out", holds("203.0.113.90"), elements())
    check("but status says so", until(lambda: portd.warnings("names-not-saved")), portd.status())
    os.unlink(f"{KEPT}/filler")
    portd.end()
    check("when portd ends it is tried again", "203.0.113.90" in read(SAVED))


def main():
    os.mkdir(f"{STATE}/p")
    write(f"{STATE}/p/p.json", POLICY)
    write(SITE, DEPLOYMENT)
    portd = Portd()
    portd.start()
    check("a name that isn't resolved is closed", elements() == [])
    for test in (changes, lost_words, unsealed, rights, tampering, loads, refusals, off_and_on, floods,
                 too_many, restarts, full_disk):
        test(portd)
    check("no sanitizer complained", not re.search("anitizer|runtime error", read(LOG)), read(LOG))
    print(f"answers: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
