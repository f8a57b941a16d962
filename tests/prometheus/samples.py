#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics as the parsers of Prometheus' own client read them.

samples.py openmetrics|prometheus FILE: prints the samples, a JSON object each: name, labels, value;
but not when a counter began, which the older format can't say."""
import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

READERS = {"openmetrics": openmetrics_parser, "prometheus": parser}


def number(value):
    return int(value) if float(value).is_integer() else float(value)


def main():
    with open(sys.argv[2], encoding="utf-8") as f:
        families = READERS[sys.argv[1]].text_string_to_metric_families(f.read())
    seen = set()
    for sample in (s for family in families for s in family.samples):
        key = (sample.name, *sorted(sample.labels.items()))
        assert key not in seen, f"twice: {key}"
        seen.add(key)
        if not sample.name.endswith("_created"):
            print(json.dumps({"name": sample.name, "labels": sample.labels,
                              "value": number(float(sample.value))}))


main()
