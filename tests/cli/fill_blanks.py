#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fills in the blanks of a site file, each with what it asks for: fill_blanks.py FILE.

What a blank gives as its example is taken at its word, but for names and addresses of hosts, of
which no two are the same. Prints how many blanks there were."""
import json
import re
import sys


class Filler:
    def __init__(self):
        self.count = 0

    def answer(self, path, wanted):
        """The value for a blank at a place that is so called."""
        self.count += 1
        if path[-2:-1] == ["addresses"]:
            return f"10.1.{self.count // 200}.{self.count % 200 + 1}"
        if path[-2:-1] == ["roles"]:
            return re.search(r"one of ([^ ,]+)", wanted)[1]
        if path[-2:-1] == ["ports"]:
            choice = re.search(r"one of (\d+)", wanted)
            return int(choice[1]) if choice else 8091
        return re.search(r"as in (\S+)$", wanted)[1]

    def name(self, path, name):
        if not is_blank(name):
            return name
        assert path == ["hosts"], path
        self.count += 1
        return f"host{self.count}"

    def fill(self, path, value):
        if isinstance(value, dict):
            return {self.name(path, k): self.fill(path + [k], v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(path + [str(i)], v) for i, v in enumerate(value)]
        return self.answer(path, value[1:-1]) if is_blank(value) else value


def is_blank(value):
    return isinstance(value, str) and value.startswith("<") and value.endswith(">")


filler = Filler()
with open(sys.argv[1], encoding="utf-8") as f:
    site = filler.fill([], json.load(f))
with open(sys.argv[1], "w", encoding="utf-8") as f:
    json.dump(site, f)
print(filler.count)
