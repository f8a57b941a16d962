#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes portd's table in every way there is, and sees each change noticed, laid at the right
door, repaired and compared clean. nftables is the judge of the repair.

    tamper.py GENERATIONS COUNT SEED RATE SENDER NAME=ADDRESS,SOCKET …

NAMEs are hosts (network namespaces) with a portd each, changed in turn, because who changes one
table more than ten times a second is an opponent and held off (lib/engine/backoff.h). Meanwhile
SENDER sends each of them RATE datagrams a second that its policy denies.

Prints how long each change was in force, from its commit to the commit of its repair, both as the
kernel announced them to GENERATIONS (tests/lab/generations.c), and how many of the datagrams came
through. One change in ten is made by the program nft, the others by this process through nft's own
library: a process that ends closes its socket, for which the kernel holds up all commits."""
import ctypes
import json
import os
import random
import subprocess
import sys

import flood
import nfnl
from varlink import Client

TABLE = "inet portd"
DENIED_PORT = 45678
STRANGER = {"ipv4_addr": "198.51.100.7", "ipv6_addr": "2001:db8:ffff::7"}
LIST = f"list table {TABLE}"
# When others look at their rules again, by their own documents.
PEERS = [
    ("kube-proxy", "every 30 s (--iptables-sync-period)",
     "https://kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy/"),
    ("Calico Felix", "every 180 s (NftablesRefreshInterval, IptablesRefreshInterval)",
     "https://github.com/projectcalico/calico/blob/master/felix/docs/config-params.md"),
    ("Puppet agent", "every 30 min (runinterval)",
     "https://help.puppet.com/osp/8/Content/PuppetCore/nix_agent_as_service.htm"),
    ("Docker", "when its daemon is restarted", "https://github.com/docker/for-linux/issues/361"),
]


def nft(*words, check=True):
    """Runs nft with one command; what it printed."""
    p = subprocess.run(["nft", *words], capture_output=True, text=True, timeout=60)
    if check and p.returncode != 0:
        raise SystemExit(f"tamper: nft {words}: {p.stderr}")
    return p.stdout


class Library:
    """nft's library (libnftables) in one network namespace, over one socket for good."""
    STATELESS, HANDLES, JSON = 4, 8, 16

    def __init__(self, host):
        self.lib = ctypes.CDLL("libnftables.so.1")
        self.lib.nft_ctx_new.restype = ctypes.c_void_p
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(self.lib, name).restype = ctypes.c_char_p
        self.context = ctypes.c_void_p(flood.in_namespace(host, lambda: self.lib.nft_ctx_new(0)))
        self.lib.nft_ctx_buffer_output(self.context)
        self.lib.nft_ctx_buffer_error(self.context)

    def run(self, command, flags=0):
        self.lib.nft_ctx_output_set_flags(self.context, flags)
        if self.lib.nft_run_cmd_from_buffer(self.context, command.encode()) != 0:
            error = self.lib.nft_ctx_get_error_buffer(self.context)
            raise SystemExit(f"tamper: {command}: {error.decode()}")
        return self.lib.nft_ctx_get_output_buffer(self.context).decode()


def run_program(command, flags):
    """The same as Library.run(), by the program nft, in our own namespace."""
    options = [word for bit, word in ((Library.STATELESS, "-s"), (Library.HANDLES, "-a"),
                                      (Library.JSON, "-j")) if flags & bit]
    return nft(*options, command)


def look(run=run_program):
    """All objects of the table, [(kind, object)]."""
    text = run(LIST, Library.STATELESS | Library.HANDLES | Library.JSON)
    return [item for entry in json.loads(text)["nftables"] for item in entry.items()]


def listing(seen=None):
    """The table as nft sees it, without what doesn't matter: the order of elements in a hash,
    the order of objects (what was made anew comes last)."""
    objects, rules = [], {}
    for kind, o in seen or look():
        o = {key: value for key, value in o.items()
             if key not in ("handle", "packets", "bytes", "index")}
        if kind == "rule":
            rules.setdefault(o["chain"], []).append(o)
            continue
        if "elem" in o:
            o["elem"] = sorted(map(json.dumps, o["elem"]))
        objects.append(json.dumps({kind: o}))
    return sorted(objects), rules


class Table:
    """What can be tampered with."""

    def __init__(self, run=run_program, seen=None):
        self.run = run
        self.chains, self.base, self.rules, self.sets, self.maps = [], [], [], [], []
        self.counters = []
        for kind, o in seen or look(run):
            if kind == "chain":
                (self.base if "hook" in o else self.chains).append(o)
            elif kind in ("rule", "set", "map", "counter"):
                getattr(self, kind + "s").append(o)

    def rule_texts(self, chain):
        """[(handle, text)]"""
        lines = self.run(f"list chain {TABLE} {chain}", Library.STATELESS | Library.HANDLES)
        return [(int(handle), text.strip()) for text, sep, handle in
                (line.rpartition(" # handle ") for line in lines.splitlines())
                if sep and not text.rstrip().endswith("{")]


def rule_delete(t, rng):
    r = rng.choice(t.rules)
    return f"delete rule {TABLE} {r['chain']} handle {r['handle']}"


def rule_insert(t, rng):
    c = rng.choice(t.chains + t.base)
    port = rng.choice([DENIED_PORT, rng.randint(1, 65535)])
    return f"insert rule {TABLE} {c['name']} udp dport {port} accept"


def rule_append_unknown(t, rng):
    c = rng.choice(t.chains + t.base)
    return f"add rule {TABLE} {c['name']} meta mark 7 ip ttl 3 accept"


def rule_replace_keeping_comment(t, rng):
    r = rng.choice([r for r in t.rules if "comment" in r])
    return (f"replace rule {TABLE} {r['chain']} handle {r['handle']} "
            f"tcp dport {rng.randint(1, 65535)} accept comment \"{r['comment']}\"")


def rule_same_twice(t, rng):
    c = rng.choice([c for c in t.chains if c["name"].startswith("deny_")])
    return f"insert rule {TABLE} {c['name']} accept"


def rule_move(t, rng):
    while True:
        chain = rng.choice(t.rules)["chain"]
        rules = t.rule_texts(chain)
        handle, text = rng.choice(rules)
        if text != rules[-1][1]:
            return f"delete rule {TABLE} {chain} handle {handle} ; add rule {TABLE} {chain} {text}"


def chain_flush(t, rng):
    c = rng.choice([c for c in t.chains + t.base
                    if any(r["chain"] == c["name"] for r in t.rules)])
    return f"flush chain {TABLE} {c['name']}"


def chain_add(t, rng):
    return f"add chain {TABLE} strange{rng.randint(0, 999)} {{ tcp dport 9 accept ; }}"


def chain_rename(t, rng):
    return f"rename chain {TABLE} {rng.choice(t.chains)['name']} other{rng.randint(0, 999)}"


def base_chain_delete(t, rng):
    c = rng.choice(t.base)
    return f"flush chain {TABLE} {c['name']} ; delete chain {TABLE} {c['name']}"


def base_chain_add(t, rng):
    return (f"add chain {TABLE} early{rng.randint(0, 999)} "
            f"{{ type filter hook input priority {rng.randint(-300, 300)} ; policy accept ; }}")


def chain_policy(t, rng):
    c = rng.choice(t.base)
    policy = "accept" if c["policy"] == "drop" else "drop"
    return f"add chain {TABLE} {c['name']} {{ policy {policy} ; }}"


def table_flush(t, rng):
    return f"flush table {TABLE}"


def table_delete(t, rng):
    return f"delete table {TABLE}"


def table_replace(t, rng):
    return (f"delete table {TABLE} ; add table {TABLE} ; "
            f"add chain {TABLE} input {{ type filter hook input priority 0 ; policy accept ; }}")


def ruleset_flush(t, rng):
    return "flush ruleset"


def table_dormant(t, rng):
    return f"add table {TABLE} {{ flags dormant ; }}"


def address(type_, rng):
    if rng.random() < 0.5:
        return STRANGER[type_]
    if type_ == "ipv4_addr":
        return f"198.18.{rng.randint(0, 255)}.{rng.randint(0, 255)}"
    return f"2001:db8:f::{rng.randint(1, 0xffff):x}"


def key(set_, rng):
    """Of what is granted a service and an address, and an end or none."""
    type_ = set_["type"]
    if isinstance(type_, str):
        return address(type_, rng)
    end = rng.choice(["", f" timeout {rng.randint(2, 90)}m"])
    return f"tcp . {rng.randint(1, 65535)} . {address(type_[-1], rng)}{end}"


def element_add(t, rng):
    s = rng.choice(t.sets)
    return f"add element {TABLE} {s['name']} {{ {key(s, rng)} }}"


def element_text(e):
    if isinstance(e, str):
        return e
    if "prefix" in e:
        return f"{e['prefix']['addr']}/{e['prefix']['len']}"
    return f"{e['range'][0]}-{e['range'][1]}"


def element_delete(t, rng):
    s = rng.choice([s for s in t.sets if s.get("elem")])
    return f"delete element {TABLE} {s['name']} {{ {element_text(rng.choice(s['elem']))} }}"


def set_flush(t, rng):
    s = rng.choice([s for s in t.sets if s.get("elem")])
    return f"flush set {TABLE} {s['name']}"


def set_add(t, rng):
    return f"add set {TABLE} odd{rng.randint(0, 999)} {{ type ether_addr ; elements = {{ 2:0:0:0:0:1 }} ; }}"


def set_delete(t, rng):
    return f"flush table {TABLE} ; delete set {TABLE} {rng.choice(t.sets)['name']}"


def set_change_type(t, rng):
    name = rng.choice(t.sets)["name"]
    return f"flush table {TABLE} ; delete set {TABLE} {name} ; add set {TABLE} {name} {{ type mark ; }}"


def map_flush(t, rng):
    return f"flush map {TABLE} {rng.choice([m for m in t.maps if m.get('elem')])['name']}"


def of_requests(t):
    """The maps by which those who ask find their chain; answers have others."""
    return [m for m in t.maps if m.get("elem") and "answer" not in m["name"]]


def key_text(key):
    return " . ".join(map(str, key["concat"])) if isinstance(key, dict) else str(key)


def map_open_port(t, rng):
    m = rng.choice(of_requests(t))
    service = rng.choice([f"udp . {DENIED_PORT}", f"tcp . {rng.randint(40000, 50000)}"])
    if isinstance(m["type"], str):
        service = service.split()[-1]
    return f"add element {TABLE} {m['name']} {{ {service} : accept }}"


def map_close_port(t, rng):
    m = rng.choice([m for m in t.maps if m.get("elem")])
    return f"delete element {TABLE} {m['name']} {{ {key_text(rng.choice(m['elem'])[0])} }}"


def map_redirect_port(t, rng):
    m = rng.choice(of_requests(t))
    k = key_text(rng.choice(m["elem"])[0])
    return (f"delete element {TABLE} {m['name']} {{ {k} }} ; "
            f"add element {TABLE} {m['name']} {{ {k} : accept }}")


def object_add(t, rng):
    return f"add quota {TABLE} much{rng.randint(0, 999)} over 1 mbytes"


def counter_delete(t, rng):
    return f"flush table {TABLE} ; delete counter {TABLE} {rng.choice(t.counters)['name']}"


TAMPERS = [rule_delete, rule_insert, rule_append_unknown, rule_replace_keeping_comment,
           rule_same_twice, rule_move, chain_flush, chain_add, chain_rename, base_chain_delete,
           base_chain_add, chain_policy, table_flush, table_delete, table_replace, ruleset_flush,
           table_dormant, element_add, element_delete, set_flush, set_add, set_delete,
           set_change_type, map_flush, map_open_port, map_close_port, map_redirect_port, object_add,
           counter_delete]


class Generations:
    """The witness of commits."""

    def __init__(self, *program):
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        assert self.process.stdout.readline() == "ready\n"

    def exposure(self, generation):
        """Who changed the table, as the kernel tells it, and the nanoseconds from that commit to
        the one that made this generation: a table that is gone is made anew in two."""
        begun = None
        for line in self.process.stdout:
            when, number, pid, command = line.split(maxsplit=3)
            if command.strip() != "portd":
                begun, who = int(when), (int(pid), command.strip())
            if int(number) == generation:
                return who, int(when) - begun
        raise SystemExit("tamper: the witness ended")

    def commands(self):
        """Who committed since it was asked last, in order; a mark of our own ends it."""
        names = []
        for verb in ("add", "delete"):
            nft(verb, "table", "inet", "witness")
            for line in self.process.stdout:
                names.append(line.split(maxsplit=3)[3].strip())
                if names[-1] == "nft":
                    names.pop()
                    break
        return names

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


class Host:
    """One portd and its table."""

    def __init__(self, text, program):
        self.name, where = text.split("=", 1)
        self.address, self.socket = where.split(",")
        self.enter = ["nsenter", f"--net=/run/netns/{self.name}", "--"]
        self.watcher = Client(self.socket)
        self.watcher.send("Watch", more=True)
        Client(self.socket).call("Status")  # the watcher was heard before this answer
        self.generations = Generations(*self.enter, program)
        self.library = Library(self.name)
        self.wire = flood.in_namespace(self.name, nfnl.Nfnl)
        self.drifts = 0
        self.seen = look(self.library.run)
        self.want = listing(self.seen)

    def change(self, command, by):
        if by == "nft":
            subprocess.run([*self.enter, "nft", command], check=True)
        else:
            self.library.run(command)
        self.drifts += 1

    def drift(self):
        while True:
            event = self.watcher.receive()
            if event["event"] == "drift":
                return event["drift"]

    def tamper(self, kind, by, rng):
        """Nanoseconds of exposure, and whether anything was wrong."""
        command = kind(Table(self.library.run, self.seen), rng)
        self.change(command, by)
        drift, problems = self.drift(), []
        (pid, name), exposure = self.generations.exposure(self.wire.generation())
        if name != by or drift.get("pid") != pid or drift.get("command") != by:
            problems.append(f"laid at {drift.get('command')}[{drift.get('pid')}], was {name}[{pid}]")
        if not drift["changes"]:
            problems.append("no change is told")
        if "repaired_usec" not in drift:
            problems.append("not repaired")
        self.seen = look(self.library.run)
        if listing(self.seen) != self.want:
            problems.append("nft sees another table than before")
        if problems:
            print(f"tamper: {self.name}: {command}: {'; '.join(problems)}")
        return exposure, bool(problems)

    def end(self):
        """How much is wrong after all."""
        self.generations.close()
        client = Client(self.socket)
        status, lines = client.call("Status"), client.call("Diff")["lines"]
        good = status["drifts"] == self.drifts and status["state"] == "enforcing" and lines == []
        if not good:
            print(f"tamper: {self.name}: {self.drifts} changes, status {status}, diff {lines}")
        return not good


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def print_exposures(what, values):
    print(f"tamper: {what} ({len(values)}): from the change's commit to the repair's: "
          f"p50 {percentile(values, 50) / 1e6:.2f} ms, p99 {percentile(values, 99) / 1e6:.2f} ms, "
          f"max {max(values) / 1e6:.2f} ms, together {sum(values) / 1e9:.2f} s")


def print_flood(figures, rate, n_hosts):
    """Whether there was one, and nearly all of it was denied."""
    sent, arrived = (sum(f[key] for f in figures.values()) for key in ("sent", "arrived"))
    print(f"tamper: datagrams of a denied flow meanwhile, {rate} a second to each of {n_hosts} "
          f"hosts: {sent} sent, {arrived} came through ({100 * arrived / sent:.3f} %)")
    return 0 < arrived < sent / 20


def main():
    program, count, seed, rate, sender = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
    rng = random.Random(seed)
    with open("/proc/self/comm", encoding="utf-8") as f:
        me = f.read().strip()
    hosts = [Host(text, program) for text in sys.argv[6:]]
    kinds = [TAMPERS[i % len(TAMPERS)] for i in range(count)]
    rng.shuffle(kinds)
    exposures, failed = {me: [], "nft": []}, 0
    packets = flood.Flood(rate, rate, {
        f"measured: {h.name}": (sender, h.address, h.name, DENIED_PORT) for h in hosts})
    for i, kind in enumerate(kinds):
        by = "nft" if rng.random() < 0.1 else me
        exposure, bad = hosts[i % len(hosts)].tamper(kind, by, rng)
        exposures[by].append(exposure)
        failed += bad
    figures = packets.end()
    failed += sum(h.end() for h in hosts)
    print(f"tamper: {count} changes of {len(TAMPERS)} kinds (seed {seed}), {failed} not seen, not "
          f"attributed, not repaired or not clean")
    print_exposures("through nft's library", exposures[me])
    print_exposures("by the program nft", exposures["nft"])
    failed += not print_flood(figures, rate, len(hosts))
    for who, when, where in PEERS:
        print(f"tamper: {who} looks at its rules again {when}, see {where}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
