#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Swaps two sites again and again by Reload, under a flood of datagrams over flows that both deny,
that both allow, and that only one allows.

    swap.py SOCKET SITE OTHER COUNT

Then the table is made anew as often as a tenth of COUNT, by its seal and by portd's going off and on.
SITE is what portd loads; OTHER is another content for it. A flow that both allow must not lose a
datagram when the rules look addresses up in hashes. Sets with prefixes are the kernel's red-black
trees, which may miss while they are written to: that figure is printed, not judged."""
import json
import os
import sys
import time

import flood
import tamper
from varlink import Client

HERE = ("10.1.0.11", "acd-lb1")
FLOWS = {
    "allowed by a set that changes": ("acd-lb2", *HERE, 5405),
    "allowed by another set in each": ("acd-lb2", *HERE, 7000),
    "allowed by IPv6": ("acd-lb2", "2001:db8:1::11", "acd-lb1", 5405),
    "denied, no such port": ("acd-lb2", *HERE, 9999),
    "denied by the changing set": ("stranger", *HERE, 5405),
    "denied by both sets": ("stranger", *HERE, 7000),
    "measured: by a prefix set that changes": ("admin", *HERE, 7002),
    "measured: by a prefix set that stays": ("admin", *HERE, 7001),
    "measured: in one of the two sites": ("acd-lb2", *HERE, 7003),
}


def put(path, content):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(content)
    os.replace(path + ".new", path)


def load(client, site, content, took):
    """portd's generation; appends the milliseconds."""
    put(site, content)
    start = time.monotonic()
    reply = client.call("Reload")
    took.append((time.monotonic() - start) * 1000)
    return reply["generation"]


def seals(client, site, text, count):
    """How many verdicts are wrong while the seal goes off and on: the kernel can't change a table's
    flags, it gets another one. Nobody looks for prefixes while they are written here."""
    took, failed = [], 0
    packets = flood.Flood(2000, 1000, {name.replace("measured: by", "allowed by"): flow
                                       for name, flow in FLOWS.items()})
    for i in range(count):
        want = ("watched", "sealed")[i % 2]
        load(client, site, json.dumps(json.loads(text) | {"seal": want == "sealed"}), took)
        if client.call("Status")["seal"] != want:
            print(f"swap: FAILED: not {want}")
            failed += 1
    figures = packets.end()
    if "portd-spare" in tamper.nft("list", "tables"):
        print("swap: FAILED: the spare table was left behind")
        failed += 1
    print(f"swap: {count} times the seal off or on, each {tamper.percentile(took, 50):.1f} ms (p50), "
          f"{tamper.percentile(took, 99):.1f} ms (p99)")
    return failed + flood.judge(figures)


def offs(client, count):
    """How many verdicts are wrong while portd goes off and on: what is allowed passes."""
    packets = flood.Flood(2000, 1000, {name: flow for name, flow in FLOWS.items()
                                       if name.startswith("allowed")})
    for _ in range(count):
        client.call("Off")
        client.call("Reload")
    print(f"swap: {count} times off and on")
    return flood.judge(packets.end())


def main():
    control, site, other, count = *sys.argv[1:4], int(sys.argv[4])
    contents = []
    for path in (other, site):
        with open(path, encoding="utf-8") as f:
            contents.append(f.read())
    client, wanted, took = Client(control, timeout=60), {}, []
    packets = flood.Flood(2000, 1000, FLOWS)
    begun, failed = client.call("Status")["generation"], 0
    for i in range(count):
        generation = load(client, site, contents[i % 2], took)
        if i < 2:
            wanted[i] = json.dumps(tamper.listing())
        if generation != begun + i + 1:
            print(f"swap: FAILED: generation {generation} after reload {i + 1}")
            failed += 1
    figures = packets.end()
    if count % 2 or wanted[0] == wanted[1] or json.dumps(tamper.listing()) != wanted[1]:
        print("swap: FAILED: the sites are the same, or the table is another at the end")
        failed += 1
    if client.call("Diff")["lines"]:
        print("swap: FAILED: the compare is not clean")
        failed += 1
    print(f"swap: {count} swaps, each {tamper.percentile(took, 50):.1f} ms (p50), "
          f"{tamper.percentile(took, 99):.1f} ms (p99), asked, in force and compared")
    if figures["measured: in one of the two sites"]["arrived"] == 0:
        print("swap: FAILED: the swaps changed no verdict")
        failed += 1
    failed += flood.judge(figures) + seals(client, site, contents[1], count // 20 * 2)
    failed += offs(client, count // 10)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
