#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays both of portd-resolver's opponents: the DNS servers and portd.

    resolver.py PORTD-RESOLVER STATE-DIRECTORY

Needs a network namespace with a loopback, and an /etc/resolv.conf and /etc/hosts to write."""
import grp
import json
import os
import queue
import re
import subprocess
import sys
import time

from dns_server import Zone, serve
from mock_portd import Portd

PROGRAM, STATE = sys.argv[1:]
SOCKET = f"{STATE}/portd.sock"
LOG = f"{STATE}/resolver.log"
failed = 0
passed = 0


def check(what, is_so, found=None):
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"resolver: FAILED: {what}" + ("" if found is None else f": {found}"))


class Resolver:
    def __init__(self, *prefix):
        self.log = open(LOG, "w", encoding="utf-8")
        self.process = subprocess.Popen([*prefix, PROGRAM, "--socket", SOCKET], stderr=self.log,
                                        stdout=self.log)

    def status(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            return dict(re.findall(r"^(\w+):\t(.*)$", f.read(), re.M))

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=60)


def log_text():
    with open(LOG, encoding="utf-8") as f:
        return f.read()


def until(is_so, timeout=30):
    end = time.monotonic() + timeout
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def await_log(text, timeout=30):
    return until(lambda: text in log_text(), timeout)


def servers(*addresses):
    with open("/etc/resolv.conf", "w", encoding="utf-8") as f:
        f.write("search search.example.net\n" + "".join(f"nameserver {a}\n" for a in addresses))


def queries(zone, name):
    return [float(t) for t in zone.tell(["queries", name]).split()]


def witness():
    """dig speaks DNS; what it hears from the server is what the server was told to say."""
    def dig(*words):
        return subprocess.run(["dig", "@127.0.0.1", "+noedns", "+tries=1", "+time=2", *words],
                              capture_output=True, text=True, check=False).stdout
    check("dig A", dig("+short", "plain.example.net") == "192.0.2.1\n192.0.2.2\n")
    check("dig AAAA", dig("+short", "plain.example.net", "aaaa") == "2001:db8::1\n")
    check("dig alias", dig("+short", "alias.example.net") ==
          "plain.example.net.\n192.0.2.1\n192.0.2.2\n")
    check("dig 2000 over TCP", dig("+short", "many.example.net").count("\n") == 2000)
    check("dig TTL", re.search(r"plain\.example\.net\.\s+50\s+IN\s+A\s", dig("plain.example.net")))
    for name, status in (("nxdomain", "NXDOMAIN"), ("servfail", "SERVFAIL"),
                         ("refused", "REFUSED"), ("nodata", "NOERROR")):
        check(f"dig {status}", f"status: {status}" in dig(f"{name}.example.net"))
    check("dig takes no garbage", "192.0.2." not in dig("garbage.example.net"))


def fill(zone):
    for line in """answer plain.example.net 50 192.0.2.1 192.0.2.2 2001:db8::1
        cname alias.example.net 40 plain.example.net
        answer four.example.net 50 192.0.2.4
        answer six.example.net 50 2001:db8::6
        many many.example.net 50 2000
        nxdomain nxdomain.example.net
        servfail servfail.example.net
        refused refused.example.net
        nodata nodata.example.net
        garbage garbage.example.net
        noise noise.example.net
        silent silent.example.net
        lie-id lieid.example.net 198.51.100.66
        lie-name liename.example.net 198.51.100.66
        extra extra.example.net 30 192.0.2.7 198.51.100.66
        many large.example.net 30 128
        many toolarge.example.net 30 129
        answer half.example.net 50 192.0.2.8
        aaaa servfail half.example.net
        answer hosts.example.net 50 192.0.2.9
        answer mixed.example.net.search.example.net 50 198.51.100.66""".splitlines():
        check(f"the server takes: {line}", zone.tell(line.split()) == "ok")
    with open("/etc/hosts", "w", encoding="utf-8") as f:
        f.write("192.0.2.99 hosts.example.net # ours\n192.0.2.98 x hosts.example.net\n"
                "2001:db8::99 HOSTS.example.net\n127.0.0.1 localhost\n")


def told(v4=None, v6=None, error=None):
    def is_so(t):
        return (t.get("ipv4") == v4 and t.get("ipv6") == v6 and t.get("error") == error)
    return is_so


def a(ttl, *addresses):
    return {"addresses": list(addresses), "ttl": ttl}


def outcomes(portd):
    """What each kind of answer comes to."""
    silence = "no answer within 4 s"
    want = {
        "plain": told(a(50, "192.0.2.1", "192.0.2.2"), a(50, "2001:db8::1")),
        "alias": told(a(40, "192.0.2.1", "192.0.2.2"), a(40, "2001:db8::1")),
        "four": told(a(50, "192.0.2.4"), a(50)),
        "six": told(a(50), a(50, "2001:db8::6")),
        "many": told(error="2000 addresses, more than the 256 that are taken"),
        "nxdomain": told(error="NXDOMAIN"),
        "servfail": told(error="SERVFAIL"),
        "refused": told(error="REFUSED"),
        "nodata": told(error="no addresses"),
        "garbage": told(error="an answer that is no DNS message"),
        "noise": told(error=silence),
        "silent": told(error=silence),
        "lieid": told(error=silence),
        "liename": told(error=silence),
        "extra": told(a(30, "192.0.2.7"), a(30)),
        "large": lambda t: len(t["ipv4"]["addresses"]) == len(t["ipv6"]["addresses"]) == 128,
        "toolarge": told(error="258 addresses, more than the 256 that are taken"),
        "half": told(a(50, "192.0.2.8"), error="IPv6: SERVFAIL"),
        "hosts": told(a(10, "192.0.2.98", "192.0.2.99"), a(10, "2001:db8::99")),
        "mixed": told(error="NXDOMAIN"),
    }
    portd.need(*(f"{n}.example.net" for n in want))
    found = {}
    while len(found) < len(want):
        try:
            _, t = portd.told.get(timeout=30)
        except queue.Empty:
            break
        found.setdefault(t["name"].split(".")[0], t)
    for name, is_so in want.items():
        check(name, name in found and is_so(found[name]), found.get(name))


def rights(resolver):
    status = resolver.status()
    for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        check(f"{key} is empty", int(status[key], 16) == 0, status[key])
    check("no new privileges", status["NoNewPrivs"] == "1")
    check("no root in any of its ids", "0" not in (status["Uid"] + status["Gid"]).split("\t"))
    check("no group but that of portd's socket",
          status["Groups"].split() == [str(grp.getgrnam("portd").gr_gid)], status["Groups"])
    print("resolver:", *(f"{k} {v}" for k, v in status.items() if k.startswith("Cap")),
          "NoNewPrivs", status["NoNewPrivs"])


def starts():
    """Who it refuses to become, and what it lets go of when it isn't root."""
    def run(*words):
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    p = run(PROGRAM, "--user", "root")
    check("not as root", p.returncode == 1 and "another user" in p.stderr, p.stderr)
    p = run(PROGRAM, "--user", "nosuchuser")
    check("no such user", p.returncode == 1 and "useradd" in p.stderr, p.stderr)
    check("--help", run(PROGRAM, "--help").returncode == 0)
    check("--version", run(PROGRAM, "--version").stdout.startswith("portd-resolver "))
    check("no such option", run(PROGRAM, "--frob").returncode == 2)
    check("no arguments", run(PROGRAM, "x").returncode == 2)
    keep = "+net_admin,+net_raw"
    r = Resolver("setpriv", "--reuid", "nobody", "--clear-groups", "--inh-caps", keep,
                 "--ambient-caps", keep)
    check("started with capabilities of a user's", await_log("portd needs"), log_text())
    status = r.status()
    for key in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        check(f"{key} is empty, too", int(status[key], 16) == 0, status[key])
    check("SIGTERM ends it", r.stop() == 0)


def families(portd):
    """The kinds of sockets that it opens."""
    trace = f"{STATE}/strace"
    # -D: strace is the child, and the resolver the process that is started. The leak sanitizer
    # can't work beside another tracer.
    r = Resolver("env", "ASAN_OPTIONS=detect_leaks=0", "strace", "-D", "-o", trace, "-e",
                 "trace=socket,socketpair")
    portd.forget()
    portd.need("many.example.net", "plain.example.net", "hosts.example.net", "nxdomain.example.net")
    when, t = portd.hear("plain.example.net")
    check("works under strace", t, log_text())
    r.stop()
    with open(trace, encoding="utf-8") as f:
        kinds = sorted(set(re.findall(r"socket(?:pair)?\((AF_\w+), (SOCK_\w+)", f.read())))
    check("its sockets", {k for k, _ in kinds} <= {"AF_UNIX", "AF_INET", "AF_INET6"}, kinds)
    print("resolver: sockets: " + ", ".join(" ".join(k) for k in kinds))


def gaps_between(times):
    return [b - a for a, b in zip(times, times[1:])]


def are_about(found, wanted):
    """Never too soon, and late only as a busy machine is."""
    return len(found) == len(wanted) and all(w <= f < w + 1 for f, w in zip(found, wanted))


def schedule(portd, zone):
    """Asked when the time to live is over, and again and again after a failure."""
    portd.need()
    for line in ("answer ttl2.example.net 2 192.0.2.1 2001:db8::1",
                 "answer ttl0.example.net 0 192.0.2.1", "answer ttl5.example.net 5 192.0.2.1"):
        zone.tell(line.split())
    portd.need(*(f"{n}.example.net" for n in ("ttl2", "ttl0", "ttl5", "gone")))
    want = {"ttl2": [2] * 6, "ttl0": [2] * 6, "ttl5": [5, 5], "gone": [2, 4, 8]}
    for name, gaps in want.items():
        full = f"{name}.example.net"
        until(lambda: len(queries(zone, full)) > len(gaps))
        found = gaps_between(queries(zone, full)[:len(gaps) + 1])
        check(f"the times of {name}", are_about(found, gaps), found)
        print(f"resolver: asked for {name} after", " ".join(f"{f:.2f}" for f in found), "s")


def moves(portd, zone):
    """How soon portd knows of another address."""
    late = []
    for i in range(3):
        address = f"192.0.2.{100 + i}"
        time.sleep(0.7)
        zone.tell(["answer", "ttl2.example.net", "2", address])
        began = time.monotonic()
        when, t = portd.hear("ttl2.example.net",
                             is_so=lambda t: t.get("ipv4", {}).get("addresses") == [address])
        late.append(when - began)
    check("a move is told within the time to live and a bit", max(late) < 3, late)


def other_servers(portd, zone):
    """/etc/resolv.conf counts when it changes; a server that is silent or fails is passed over."""
    other = Zone()
    serve(other, ["127.0.0.2"])
    other.tell("answer ttl2.example.net 2 203.0.113.1".split())
    other.tell("answer second.example.net 2 203.0.113.2".split())
    zone.tell("servfail second.example.net".split())
    other.tell("answer third.example.net 2 203.0.113.3".split())
    zone.tell("silent third.example.net".split())
    servers("127.0.0.2")
    when, t = portd.hear("ttl2.example.net",
                         is_so=lambda t: t["ipv4"]["addresses"] == ["203.0.113.1"])
    check("another server in resolv.conf", t, log_text())
    servers("127.0.0.1", "127.0.0.2")
    portd.need("second.example.net", "third.example.net")
    check("SERVFAIL: the next server is asked",
          portd.hear("second.example.net", is_so=told(a(2, "203.0.113.2"), a(2)))[1], log_text())
    check("silence: likewise",
          portd.hear("third.example.net", is_so=told(a(2, "203.0.113.3"), a(2)))[1], log_text())
    servers("127.0.0.3")
    portd.need("unreachable.example.net")
    check("nobody at the server's address", portd.hear(
        "unreachable.example.net", is_so=told(error="no DNS server can be reached"))[1], log_text())
    servers("127.0.0.1")


def crowd(portd, zone):
    """No more than 32 names are asked for at a time."""
    names = [f"s{i}.example.net" for i in range(100)]

    def begun():
        return sum(1 for n in names if queries(zone, n))

    for name in names:
        zone.tell(["silent", name])
    portd.need(*names)
    for crowd in 32, 64:  # the second when the first has been waited for in vain for 4 s
        until(lambda: begun() >= crowd)
        time.sleep(0.5)
        check(f"{crowd} are asked for, 32 at a time", begun() == crowd, begun())
    portd.need()


def portd_goes(portd, zone, resolver):
    """portd is restarted: what holds is told again and not asked for, the rest is asked for."""
    zone.tell("answer long.example.net 300 192.0.2.1".split())
    portd.need("long.example.net", "absent.example.net")
    portd.hear("long.example.net")
    portd.hear("absent.example.net")
    asked = len(queries(zone, "long.example.net")), len(queries(zone, "absent.example.net"))
    portd.close()
    check("says that portd is gone", await_log("hung up") or await_log("no portd"), log_text())
    time.sleep(0.5)
    portd.forget()
    portd.open()
    check("tells again what holds", portd.hear("long.example.net")[1], log_text())
    portd.hear("absent.example.net")
    check("without asking", len(queries(zone, "long.example.net")) == asked[0])
    check("and asks for the rest", len(queries(zone, "absent.example.net")) > asked[1])
    check("it is still there", resolver.is_alive())


def portd_refuses(portd, zone, resolver):
    """A refused answer is asked for again after 2 s, 4 s, …; one that isn't needed is not."""
    bad = {"error": "io.portd.BadAnswer",
           "parameters": {"text": "127.0.0.1 is no address of a host"}}
    unneeded = {"error": "io.portd.NotNeeded", "parameters": {"name": "unneeded.example.net"}}
    for name in ("refused1", "unneeded"):
        zone.tell(["answer", f"{name}.example.net", "300", "127.0.0.1"])
    portd.refusals = {"refused1.example.net": bad, "unneeded.example.net": unneeded}
    portd.need("refused1.example.net", "unneeded.example.net")
    until(lambda: len(queries(zone, "refused1.example.net")) > 2)
    gaps = gaps_between(queries(zone, "refused1.example.net"))
    check("a refused answer is asked for again", are_about(gaps, [2, 4]), gaps)
    check("what nobody needs isn't", len(queries(zone, "unneeded.example.net")) == 1)
    check("the refusal is told", portd.hear("refused1.example.net", is_so=told(
        error="refused by portd: 127.0.0.1 is no address of a host"))[1])
    check("the refusal is logged once", log_text().count("is no address of a host") == 1)
    portd.refusals = {}


def portd_hangs(portd, zone):
    """portd takes a call and says nothing: it is told again."""
    zone.tell("answer hang.example.net 300 192.0.2.1".split())
    portd.is_deaf = True
    portd.forget()
    portd.need("hang.example.net")
    first, t = portd.hear("hang.example.net")
    check("told once", t)
    again, t = portd.hear("hang.example.net")
    check("told again after ten seconds", t and 9.9 < again - first < 15, again - first)
    portd.is_deaf = False
    portd.close()
    portd.open()
    check("told when portd is there again", portd.hear("hang.example.net")[1], log_text())


def portd_is_mad(portd, resolver):
    """Whatever portd says, the resolver stays and asks again."""
    texts = {
        "nothing": b"\0", "no JSON": b"hello\0", "another message": b'{"method":"a.B"}\0',
        "17 MiB": b" " * (17 << 20), "deep": b"[" * 100000 + b"\0",
        "names of another type": b'{"parameters":{"names":7}}\0',
        "20,000 names": json.dumps({"parameters": {"names": [
            {"name": f"x{i}."} for i in range(20000)]}}).encode() + b"\0",
        "an error": b'{"error":"org.varlink.service.PermissionDenied"}\0',
        "a hundred lists": b'{"parameters":{"names":[]},"continues":true}\0' * 100,
        "random bytes": os.urandom(100000) + b"\0",
    }
    for what, text in texts.items():
        portd.first = text
        portd.close()
        portd.open()
        check(f"asks a portd that says: {what}", until(lambda: portd.streams))
        time.sleep(0.2)
        check(f"outlives it: {what}", resolver.is_alive(), log_text())
    portd.first = None
    portd.close()
    portd.open()
    portd.forget()
    portd.need("plain.example.net")
    check("works as before", portd.hear("plain.example.net")[1], log_text())


def main():
    zone, portd = Zone(), Portd(SOCKET)
    serve(zone, ["127.0.0.1", "::1"])
    servers("127.0.0.1")
    fill(zone)
    witness()
    starts()
    families(portd)
    portd.need()
    resolver = Resolver()
    check("starts", await_log("portd needs 0 names"), log_text())
    rights(resolver)
    portd.forget()
    outcomes(portd)
    schedule(portd, zone)
    moves(portd, zone)
    other_servers(portd, zone)
    servers("::1")
    portd_goes(portd, zone, resolver)
    portd_refuses(portd, zone, resolver)
    crowd(portd, zone)
    portd_hangs(portd, zone)
    portd_is_mad(portd, resolver)
    lines = log_text().count("\n")
    check("says little", lines < 120, lines)
    check("ends with SIGTERM", resolver.stop() == 0, log_text())
    check("no sanitizer complained", "Sanitizer" not in log_text() and
          "runtime error" not in log_text(), log_text())
    print(f"resolver: {passed} passed, {failed} failed, {lines} lines logged")
    sys.exit(1 if failed else 0)


main()
