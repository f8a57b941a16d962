#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The shipped policies and example sites are what the schemas for editors describe, and the
schemas refuse a file with a wrong member.  schemas.py POLICY-DIR"""
import copy
import glob
import json
import os
import sys

from jsonschema import Draft202012Validator as Validator


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def mistakes(validator, path):
    content = load(path)
    for error in validator.iter_errors(content):
        yield f"{os.path.basename(path)}: {error.json_path}: {error.message}"
    for key in content.keys() - {"source", "notes"}:
        broken = copy.deepcopy(content)
        broken[key] = 7
        if validator.is_valid(broken):
            yield f"{os.path.basename(path)}: the schema takes 7 as {key}"


directory = sys.argv[1]
policies = glob.glob(f"{directory}/*.json")
files = {
    "policy": [path for path in policies if not path.endswith(".schema.json")],
    "site": glob.glob(f"{directory}/examples/*.site.json"),
}
found = []
for kind, paths in files.items():
    schema = load(f"{directory}/{kind}.schema.json")
    Validator.check_schema(schema)
    if len(paths) < 5:
        found.append(f"{kind}: only {len(paths)} files are there")
    for path in paths:
        found += mistakes(Validator(schema), path)
print("\n".join(found), end="\n" if found else "")
sys.exit(1 if found else 0)
