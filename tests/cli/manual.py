#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual says what the programs take and answer, and what the schemas know.

manual.py PROGRAMS-DIRECTORY POLICY-DIRECTORY MANUAL-DIRECTORY WORK-DIRECTORY"""
import glob
import json
import os
import re
import subprocess
import sys

daemon, policies, manual, work = map(os.path.realpath, sys.argv[1:])
PROGRAMS = {"portd": f"{daemon}/portd", "portd-resolver": f"{daemon}/resolver/portd-resolver"}
CTL = f"{daemon}/portd-ctl"
BUILT = os.path.realpath(f"{daemon}/../packaging")
TYPES = {"string": "string", "integer": "integer", "boolean": "boolean", "object": "object",
         "array": "array"}


def run(*arguments, status=0, text=None):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, input=text,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
    if status is not None and done.returncode != status:
        raise SystemExit(f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def sections(page, directory=manual):
    """{ heading: text } of a page's source, subsections by their own headings."""
    with open(f"{directory}/{page}.scd", encoding="utf-8") as f:
        parts = re.split(r"^##? (.*)\n", f.read(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def terms(text):
    """{ term: what stands in brackets behind it } of a list's terms."""
    found = {}
    for line in re.findall(r"^(\*.*)\n\t", text, re.M):
        kind = re.search(r"\(([^)]*)\)$", line)
        for term in re.findall(r"\*([^*]+)\*", line):
            found[term.replace("\\", "")] = kind[1] if kind else ""
    return found


def options(text):
    return set(re.findall(r"--[a-z][a-z-]*", text))


def differ(what, page, program):
    for one in sorted(page - program):
        yield f"{what}: the manual has {one}, and nothing else does"
    for one in sorted(program - page):
        yield f"{what}: the manual lacks {one}"


# --- what the programs take ---


def check_programs():
    for name, path in PROGRAMS.items():
        said = options(run(path, "--help").stdout)
        yield from differ(f"{name}(8)", options(" ".join(terms(sections(f"{name}.8")["OPTIONS"]))),
                          said)


def check_verbs():
    page = sections("portd-ctl.1")
    verbs = set(re.findall(r"^  ([a-z]+) +[A-Z]", run(CTL, "--help").stdout, re.M))
    told = {name: text for name, text in page.items() if text.startswith(f"\n*portd-ctl {name}*")}
    yield from differ("verbs", set(told), verbs)
    all_options = set()
    for verb in sorted(verbs & set(told)):
        said = set(re.findall(r"^  (?:-., )?(--[a-z-]+)", run(CTL, verb, "--help").stdout, re.M))
        all_options |= said
        synopsis = told[verb].strip().split("\n\n")[0].replace("*-H*", "--remote")
        yield from differ(f"options of {verb}", options(synopsis), said - {"--help", "--version"})
    yield from differ("options", options(" ".join(terms(page["OPTIONS"]))), all_options)
    answers = {name for heading in page for name in heading.split(", ") if name.endswith("--json")}
    yield from differ("JSON", answers, {f"{verb} --json" for verb in verbs})


# --- what they answer ---


def check_types():
    expanded = sections("portd-ctl.1", BUILT)
    named = {name for name in re.findall(r"^\*([A-Z][A-Za-z]+)\*$", expanded["Types"], re.M)}
    used = set(re.findall(r"\((?:array of )?_([A-Z][A-Za-z]+)_", "".join(expanded.values())))
    yield from differ("types", named, used)
    marks = set(re.findall(r"^\*([A-Z]\w+)\*\n\n@(?:type|words) \1$",
                           sections("portd-ctl.1")["Types"], re.M))
    yield from differ("descriptions of types", marks, named)


def keys(value):
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from keys(member)
    elif isinstance(value, list):
        for member in value:
            yield from keys(member)


def check_answers():
    page = sections("portd-ctl.1")
    site = f"{policies}/examples/mixed.site.json"
    at = ["--policy-dir", policies]
    answers = {
        "check": ["check", *at, "--site", site],
        "matrix": ["matrix", *at, "--site", site],
        "ruleset": ["ruleset", *at, "--site", site, "--host", "srv1"],
        "init": ["init", *at, "mailstore-spe", "--site", f"{work}/new.json"],
        "doctor": ["doctor", "--root", "/", *at, "--site", site, "--host", "srv1"],
    }
    for verb, arguments in answers.items():
        answer = json.loads(run(CTL, *arguments, "--json", status=None).stdout)
        if verb == "init":
            answer["site"] = {}
        said = set(re.findall(r"\*([a-z_]+)\*", page[f"{verb} --json"]))
        for key in sorted(set(keys(answer)) - said - {"code", "text", "hint"}):
            yield f"{verb} --json: the manual lacks {key}"
        for key in sorted(set(answer) - set(terms(page[f"{verb} --json"]))):
            yield f"{verb} --json: {key} has no paragraph of its own"


# --- the formats ---


def type_of(schema, definition):
    while "$ref" in definition:
        definition = schema["$defs"][definition["$ref"].split("/")[-1]]
    if "const" in definition or "enum" in definition:
        value = definition.get("const", definition.get("enum", [None])[0])
        return "integer" if isinstance(value, int) else "string"
    if definition.get("type") == "array":
        items = type_of(schema, definition["items"])
        return f"array of {items}s" if items in ("string", "integer") else "array"
    return TYPES.get(definition.get("type"), "string" if "anyOf" in definition else "?")


def check_keys(page, schema, parts):
    for heading, definition in parts.items():
        told = terms(sections(page)[heading].split("\nSelectors")[0])
        yield from differ(f"{page} {heading}", set(told), set(definition["properties"]))
        for key, kind in told.items():
            if key not in definition["properties"]:
                continue
            want = type_of(schema, definition["properties"][key])
            is_required = key in definition.get("required", [])
            if kind.split(",")[0] not in (want, f"{want}s") or ("required" in kind) != is_required:
                yield f"{page} {heading}: {key} is told of as ({kind}), not {want}, {is_required}"


def check_formats():
    schemas = {}
    for name in ("policy", "site"):
        with open(f"{policies}/{name}.schema.json", encoding="utf-8") as f:
            schemas[name] = json.load(f)
    defs = schemas["policy"]["$defs"]
    yield from check_keys("portd-policy.5", schemas["policy"], {
        "KEYS OF A POLICY": schemas["policy"], "ROLES": defs["role"], "PEERS": defs["peer"],
        "FEATURES": defs["feature"], "PORTS": defs["port"], "FLOWS": defs["flow"]})
    defs = schemas["site"]["$defs"]
    yield from check_keys("portd-site.5", schemas["site"], {
        "KEYS OF A SITE": schemas["site"], "PRODUCTS": defs["siteProduct"], "HOSTS": defs["host"]})
    flows = sections("portd-site.5")["FLOWS"].split("\n\n")[0]
    yield from differ("portd-site.5 FLOWS", set(re.findall(r"\*([a-z]+)\*", flows)),
                      set(defs["flow"]["properties"]))


def examples(page):
    with open(f"{manual}/{page}.scd", encoding="utf-8") as f:
        return re.findall(r"^```\n(\{.*?\n)```", f.read(), re.M | re.S)


def check_examples():
    """They are files, which portd takes, and leave no key out."""
    os.makedirs(f"{work}/policy")
    os.makedirs(f"{work}/site.d")
    policy, (site, drop_in) = examples("portd-policy.5")[0], examples("portd-site.5")
    with open(f"{policies}/host-baseline.json", encoding="utf-8") as f:
        baseline = f.read()
    for path, text in {"policy/shop.json": policy, "policy/host-baseline.json": baseline,
                       "site.json": site, "site.d/10-db2.json": drop_in}.items():
        with open(f"{work}/{path}", "w", encoding="utf-8") as f:
            f.write(text)
    done = run(CTL, "check", "--site", f"{work}/site.json", "--policy-dir", f"{work}/policy",
               status=None)
    if done.returncode or "4 hosts" not in done.stdout:
        yield f"the examples are refused: {done.stdout}{done.stderr}"
    for name, text in {"policy": policy, "site": site}.items():
        with open(f"{policies}/{name}.schema.json", encoding="utf-8") as f:
            for key in json.load(f)["properties"].keys() - json.loads(text).keys():
                yield f"the example of a {name} has no {key}"


# --- the pages ---


def check_pages():
    pages = sorted(glob.glob(f"{BUILT}/*.[158]"))
    if len(pages) != len(glob.glob(f"{manual}/*.scd")):
        yield f"not every page is built: {pages}"
    for path in pages:
        lint = run("mandoc", "-T", "lint", "-W", "warning", path, status=None).stdout
        for line in lint.splitlines():
            if "skipping paragraph macro" not in line:  # scdoc writes more of them than needed
                yield line
        done = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path)
        if done.stderr:
            yield f"{path}: {done.stderr}"
        text = run("man", "-P", "cat", "-l", path).stdout
        if "@" in re.sub(r"\w@\w", "", text):
            yield f"{path}: a mark was left in it"


def main():
    found = []
    for check in (check_programs, check_verbs, check_types, check_answers, check_formats,
                  check_examples, check_pages):
        found += check()
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
