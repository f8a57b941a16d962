#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same metrics in both formats, as the parsers of Prometheus' own client read them.

compare.py OPENMETRICS PROMETHEUS: fails unless both parse and every sample is in both, but for
when a counter began. Prints the samples, a JSON object each: name, labels, value."""
import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus


def samples(families):
    found = {}
    for family in families:
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            key = json.dumps([sample.name, sorted(sample.labels.items())])
            assert key not in found, f"twice: {key}"
            found[key] = sample
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        ours = samples(read_openmetrics(f.read()))
    with open(sys.argv[2], encoding="utf-8") as f:
        older = samples(read_prometheus(f.read()))
    assert ours.keys() == older.keys(), f"in one alone: {ours.keys() ^ older.keys()}"
    for key, sample in ours.items():
        assert float(sample.value) == older[key].value, f"{key}: {sample.value}, {older[key].value}"
        print(json.dumps({"name": sample.name, "labels": sample.labels, "value": sample.value}))


main()
