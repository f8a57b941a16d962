#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The dashboard can be imported, and every query in it and in the alerts asks for what is printed.

queries.py SAMPLES DASHBOARD RULES: the samples are those of samples.py. Prints the dashboard's
queries as recording rules, for promtool to check their grammar."""
import json
import re
import sys

import yaml

WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool"}
# What Prometheus adds to each, and what node_exporter says of the file.
TARGET = {"instance", "job"}
OTHERS = {"node_textfile_mtime_seconds": {"file"}}
VARIABLES = {"$__rate_interval": "5m", "$__interval": "5m", "$__range": "1h", "$instance": ".*"}
problems = []


def complain(where, text):
    problems.append(f"{where}: {text}")


def printed(path):
    """Metric: its labels."""
    found = {name: set(labels) for name, labels in OTHERS.items()}
    with open(path, encoding="utf-8") as f:
        for line in f:
            sample = json.loads(line)
            found.setdefault(sample["name"], set()).update(sample["labels"])
    return found


def check_query(where, expr, known):
    """Gives the labels that its samples may have."""
    text = re.sub(r'"(\\.|[^"\\])*"', '""', expr)
    asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", text))
    for labels in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", text):
        asked.update(re.findall(r"\w+", labels))
    text = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", text)
    metrics = {w for w in re.findall(r"\b[a-zA-Z_]\w*\b(?!\s*\()", text) if w not in WORDS}
    if not metrics:
        complain(where, f"no metric in: {expr}")
    offered = set(TARGET)
    for metric in metrics:
        if metric not in known:
            complain(where, f"{metric} is never printed")
        offered |= known.get(metric, set())
    if asked - offered:
        complain(where, f"no such labels: {', '.join(sorted(asked - offered))}")
    return offered


def check_layout(panels):
    taken = {}
    ids = [p["id"] for p in panels]
    if len(ids) != len(set(ids)):
        complain("dashboard", "two panels have one id")
    for panel in panels:
        pos = panel["gridPos"]
        if pos["x"] + pos["w"] > 24:
            complain(panel["title"], "is wider than the page")
        for x in range(pos["x"], pos["x"] + pos["w"]):
            for y in range(pos["y"], pos["y"] + pos["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other != panel["title"]:
                    complain(panel["title"], f"lies on {other}")


def check_dashboard(dashboard, known):
    """Its queries."""
    queries = []
    names = {v["name"] for v in dashboard["templating"]["list"]} | {"__rate_interval", "__interval", "__range"}
    if dashboard.get("id") is not None:
        complain("dashboard", "has an id of somebody's database")
    check_layout(dashboard["panels"])
    for variable in re.findall(r"\$\{?(\w+)", json.dumps(dashboard)):
        if variable not in names | {"__all"}:
            complain("dashboard", f"has no variable {variable}")
    sources = [(p["title"], t) for p in dashboard["panels"] for t in p.get("targets", [])]
    sources += [(a["name"], a) for a in dashboard["annotations"]["list"] if "expr" in a]
    for title, target in sources:
        if target["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            complain(title, "asks another data source")
        offered = check_query(title, target["expr"], known)
        shown = target.get("legendFormat", "") + target.get("titleFormat", "")
        for label in re.findall(r"\{\{(\w+)\}\}", shown):
            if label not in offered:
                complain(title, f"shows a label that isn't there: {label}")
        queries.append(target["expr"])
    if len(queries) < 20:
        complain("dashboard", f"only {len(queries)} queries were found")
    return queries


def check_rules(path, known):
    with open(path, encoding="utf-8") as f:
        rules = [r for group in yaml.safe_load(f)["groups"] for r in group["rules"]]
    for rule in rules:
        offered = check_query(rule["alert"], rule["expr"], known)
        for label in re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])):
            if label not in offered:
                complain(rule["alert"], f"names a label that isn't there: {label}")


def main():
    samples, dashboard, rules = sys.argv[1:]
    known = printed(samples)
    with open(dashboard, encoding="utf-8") as f:
        queries = check_dashboard(json.load(f), known)
    check_rules(rules, known)
    for variable, value in VARIABLES.items():
        queries = [q.replace(variable, value) for q in queries]
    records = [{"record": f"query:{i}", "expr": q} for i, q in enumerate(queries)]
    print(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
