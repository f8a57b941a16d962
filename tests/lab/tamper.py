#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes portd's table with nft in every way there is, and sees each change noticed, laid at the
right door, repaired and compared clean. nft itself is the judge of the repair.

    tamper.py SOCKET GENERATIONS COUNT SEED

Prints how long each change was in force, from its commit to the commit of its repair, both as
the kernel announced them to GENERATIONS (tests/lab/generations.c)."""
import json
import random
import subprocess
import sys

from varlink import Client

TABLE = "inet portd"


def nft(*words, check=True):
    """Runs nft with one command; what it printed."""
    p = subprocess.run(["nft", *words], capture_output=True, text=True, timeout=20)
    if check and p.returncode != 0:
        raise SystemExit(f"tamper: nft {words}: {p.stderr}")
    return p.stdout


def listing():
    """The table as nft sees it, without what doesn't matter: the order of elements in a hash,
    the order of objects (what was made anew comes last)."""
    table = json.loads(nft("-j", "-s", "list", "table", *TABLE.split()))["nftables"]
    objects = []
    rules = {}
    for entry in table:
        ((kind, o),) = entry.items()
        for key in ("handle", "packets", "bytes", "index"):
            o.pop(key, None)
        if kind == "rule":
            rules.setdefault(o["chain"], []).append(json.dumps(o, sort_keys=True))
            continue
        if "elem" in o:
            o["elem"] = sorted(json.dumps(e, sort_keys=True) for e in o["elem"])
        objects.append(json.dumps({kind: o}, sort_keys=True))
    return sorted(objects), rules


class Table:
    """What can be tampered with."""

    def __init__(self):
        self.chains, self.base, self.rules, self.sets, self.maps = [], [], [], [], []
        for entry in json.loads(nft("-j", "-a", "list", "table", *TABLE.split()))["nftables"]:
            ((kind, o),) = entry.items()
            if kind == "chain":
                (self.base if "hook" in o else self.chains).append(o)
            elif kind == "rule":
                self.rules.append(o)
            elif kind == "set":
                self.sets.append(o)
            elif kind == "map":
                self.maps.append(o)


def rule_delete(t, rng):
    r = rng.choice(t.rules)
    return f"delete rule {TABLE} {r['chain']} handle {r['handle']}"


def rule_insert(t, rng):
    c = rng.choice(t.chains + t.base)
    return f"insert rule {TABLE} {c['name']} tcp dport {rng.randint(1, 65535)} accept"


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


def chain_flush(t, rng):
    c = rng.choice([c for c in t.chains + t.base
                    if any(r["chain"] == c["name"] for r in t.rules)])
    return f"flush chain {TABLE} {c['name']}"


def chain_add(t, rng):
    return f"add chain {TABLE} strange{rng.randint(0, 999)} {{ tcp dport 9 accept ; }}"


def base_chain_add(t, rng):
    return (f"add chain {TABLE} early{rng.randint(0, 999)} "
            f"{{ type filter hook input priority {rng.randint(-300, 300)} ; policy accept ; }}")


def chain_policy(t, rng):
    c = rng.choice(t.base)
    return f"add chain {TABLE} {c['name']} {{ policy accept ; }}"


def table_flush(t, rng):
    return f"flush table {TABLE}"


def table_delete(t, rng):
    return f"delete table {TABLE}"


def ruleset_flush(t, rng):
    return "flush ruleset"


def table_dormant(t, rng):
    return f"add table {TABLE} {{ flags dormant ; }}"


def address(set_, rng):
    if set_["type"] == "ipv4_addr":
        return f"198.18.{rng.randint(0, 255)}.{rng.randint(0, 255)}"
    return f"2001:db8:f::{rng.randint(1, 0xffff):x}"


def element_add(t, rng):
    s = rng.choice(t.sets)
    return f"add element {TABLE} {s['name']} {{ {address(s, rng)} }}"


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


def map_open_port(t, rng):
    m = rng.choice([m for m in t.maps if m["name"].endswith("_service")])
    return f"add element {TABLE} {m['name']} {{ tcp . {rng.randint(40000, 50000)} : accept }}"


def map_close_port(t, rng):
    m = rng.choice([m for m in t.maps if m.get("elem")])
    key = rng.choice(m["elem"])[0]["concat"]
    return f"delete element {TABLE} {m['name']} {{ {key[0]} . {key[1]} }}"


def map_redirect_port(t, rng):
    m = rng.choice([m for m in t.maps if m["name"].endswith("_service")])
    key = rng.choice(m["elem"])[0]["concat"]
    k = f"{key[0]} . {key[1]}"
    return (f"delete element {TABLE} {m['name']} {{ {k} }} ; "
            f"add element {TABLE} {m['name']} {{ {k} : accept }}")


def object_add(t, rng):
    return f"add quota {TABLE} much{rng.randint(0, 999)} over 1 mbytes"


TAMPERS = [rule_delete, rule_insert, rule_append_unknown, rule_replace_keeping_comment,
           rule_same_twice, chain_flush, chain_add, base_chain_add, chain_policy, table_flush,
           table_delete, ruleset_flush, table_dormant, element_add, element_delete, set_flush,
           set_add, map_open_port, map_close_port, map_redirect_port, object_add]


class Generations:
    """The witness of commits."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        assert self.process.stdout.readline() == "ready\n"

    def exposure(self):
        """Who changed the table, as the kernel tells it, and the nanoseconds from that commit to
        the next one of portd."""
        begun = None
        for line in self.process.stdout:
            when, _, pid, command = line.split(maxsplit=3)
            if command.strip() != "portd":
                begun, who = int(when), (int(pid), command.strip())
            elif begun:
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
        self.process.wait(timeout=10)


def one(client, watcher, generations, kind, rng, want):
    command = kind(Table(), rng)
    nft(command)
    while True:
        event = watcher.receive()
        if event["event"] == "drift":
            break
    drift = event["drift"]
    problems = []
    (pid, name), exposure = generations.exposure()
    if name != "nft" or drift.get("pid") != pid or drift.get("command") != "nft":
        problems.append(f"laid at {drift.get('command')}[{drift.get('pid')}], was {name}[{pid}]")
    if not drift["changes"]:
        problems.append("no change is told")
    if "repaired_usec" not in drift:
        problems.append("not repaired")
    if listing() != want:
        problems.append("nft sees another table than before")
    lines = client.call("Diff")["lines"]
    if lines:
        problems.append(f"the compare is not clean: {lines}")
    if problems:
        print(f"tamper: {command}: {'; '.join(problems)}")
    return exposure, bool(problems)


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def main():
    socket, program, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    client, watcher = Client(socket), Client(socket)
    watcher.send("Watch", more=True)
    client.call("Status")  # the watcher was heard before this answer
    generations = Generations(program)
    want = listing()
    exposures, failed = [], 0
    kinds = [TAMPERS[i % len(TAMPERS)] for i in range(count)]
    rng.shuffle(kinds)
    for kind in kinds:
        exposure, bad = one(client, watcher, generations, kind, rng, want)
        exposures.append(exposure / 1000)
        failed += bad
    generations.close()
    status = client.call("Status")
    if status["drifts"] != count:
        print(f"tamper: status counts {status['drifts']} drifts, not {count}")
        failed += 1
    print(f"tamper: {count} changes of {len(TAMPERS)} kinds (seed {seed}), {failed} not seen, not "
          f"attributed, not repaired or not clean")
    print(f"tamper: from the change's commit to the repair's: p50 {percentile(exposures, 50):.0f} us, "
          f"p99 {percentile(exposures, 99):.0f} us, max {max(exposures):.0f} us")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
