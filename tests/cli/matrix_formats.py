# SPDX-License-Identifier: GPL-2.0-or-later
"""What each format of `portd-ctl matrix` has to have, held against its JSON.

matrix_formats.py DIRECTORY: with the files json, csv, markdown, html and svg of one matrix."""
import csv
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

directory = Path(sys.argv[1])
answer = json.loads((directory / "json").read_text())
rows = answer["rows"]
LISTS = ["from", "to", "services", "when"]
SVG = "{http://www.w3.org/2000/svg}"
XHTML = "{http://www.w3.org/1999/xhtml}"


def require(truth, *what):
    if not truth:
        sys.exit(f"{directory.name}: {' '.join(map(str, what))}")


def one_line(text):
    """As the client shows text: nothing in it steers a terminal."""
    return text.replace("\t", "\\t").replace("\n", "\\n")


def check_json():
    keys = {"product", "flow", "from", "to", "services", "when", "title", "note", "ref"}
    require(rows, "no rows")
    for row in rows:
        require(set(row) - {"broadcast"} == keys, "keys of", row)
        require(row.get("broadcast", True) is True, "broadcast of", row)
        for key in ("from", "to", "services"):
            require(row[key], key, "is empty in", row)


def check_csv():
    raw = (directory / "csv").read_bytes().decode()
    require(raw.count("\n") == raw.count("\r\n") == len(rows) + 1, "lines end otherwise than CRLF")
    records = list(csv.DictReader(raw.splitlines(), strict=True))
    require(len(records) == len(rows), "csv has", len(records), "rows")
    for record, row in zip(records, rows):
        broadcast = record.pop("broadcast")
        require((broadcast == "true") == ("broadcast" in row), "broadcast of", record)
        require(list(record) == [k for k in row if k != "broadcast"], "columns", list(record))
        for key, cell in record.items():
            require(not cell or cell[0] not in "=+-@\t\r", "a spreadsheet would compute", cell)
            want = row[key]
            if key in LISTS:
                require((cell.split("; ") if cell else []) == want, key, cell, want)
                continue
            if want and want[0] in "=+-@":
                want = "'" + want
            require(cell == one_line(want), key, cell, want)


def xml_characters(text):
    return re.sub("[\ufffe\uffff]", "\ufffd", text)


def xml_text(text):
    return xml_characters(one_line(text))


def markdown_render():
    """What GitHub makes of it: cmark-gfm is its own renderer."""
    page = subprocess.run(["cmark-gfm", "-e", "table", "-e", "strikethrough", "-e", "autolink",
                           directory / "markdown"], check=True, capture_output=True, text=True)
    return xml.fromstring(f"<page>{xml_characters(page.stdout)}</page>")


def inner(element):
    return "".join(element.itertext())


def check_markdown():
    page = markdown_render()
    known = {"page", "h1", "h2", "h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td",
             "code", "em", "strong"}
    require({e.tag for e in page.iter()} <= known, "Markdown of its own:", {e.tag for e in page.iter()} - known)
    cells = [[inner(cell) for cell in row] for row in page.iter("tr")]
    for table in page.iter("table"):
        require(len({len(row) for row in table.iter("tr")}) == 1, "a table whose rows differ in width")
    items = [inner(item) for item in page.iter("li")]
    for row in rows:
        title = xml_text(row["title"])
        if "site" in answer and row["product"] != "host-baseline":
            require(any(f"{row['product']}/{row['flow']}" in c and title in c for c in cells), "no row", row["flow"])
            continue
        require(any(c[0] == row["flow"] and c[-1] == title for c in cells), "no row", row["flow"])
        if "site" in answer:
            continue
        ports = ", ".join(s + " (the site names it)" * ("$" in s) for s in row["services"])
        want = [row["flow"], ", ".join(row["from"]), ", ".join(row["to"]),
                ports + " broadcast" * ("broadcast" in row), ", ".join(row["when"]), title]
        require(want in cells, "no row", want)
        for key in ("note", "ref"):
            require(any(item.startswith(row["flow"]) and xml_text(row[key]) in item for item in items),
                    "no", key, "of", row["flow"])


def check_self_contained(root):
    for element in root.iter():
        require(element.tag.split("}")[-1] not in
                ("script", "link", "iframe", "img", "image", "object", "embed", "use", "base"),
                "an element that loads something:", element.tag)
        for name, value in element.attrib.items():
            name = name.split("}")[-1]
            require(not name.startswith("on"), "an attribute that acts:", name)
            if name in ("src", "href", "data", "action", "srcset", "poster"):
                require(value.startswith("#"), "a reference to elsewhere:", name, value)
    for style in list(root.iter(SVG + "style")) + list(root.iter(XHTML + "style")):
        require("url(" not in style.text and "@import" not in style.text, "a style loads something")


def texts(root):
    return " ".join("".join(e.itertext()) for e in root.iter())


def check_html():
    root = xml.parse(directory / "html").getroot()
    require(root.tag == XHTML + "html", "not XHTML")
    check_self_contained(root)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    require(len(ids) == len(set(ids)), "an id twice")
    links = {e.get("href")[1:] for e in root.iter(XHTML + "a")}
    require(links <= set(ids), "links to nothing:", links - set(ids))
    everything = texts(root)
    for row in rows:
        require(f"flow_{row['product']}_{row['flow']}" in ids, "no row for", row["flow"])
        for text in (row["title"], row["ref"]):
            require(xml_text(text) in everything, "not in the page:", text)
    if "site" not in answer:
        for row in rows:
            require(xml_text(row["note"]) in everything, "not in the page:", row["note"])
    require(list(root.iter(SVG + "svg")), "no picture")
    require(list(root.iter(XHTML + "thead")), "no table head")


def check_svg():
    root = xml.parse(directory / "svg").getroot()
    require(root.tag == SVG + "svg" and root.get("viewBox"), "no svg with a viewBox")
    check_self_contained(root)
    titles = "\n".join(e.text or "" for e in root.iter(SVG + "title"))
    drawn = " ".join("".join(e.itertext()) for e in root.iter(SVG + "text"))
    for row in rows:
        if "site" not in answer:
            for end in row["from"] + row["to"]:
                require(end in drawn, end, "is not drawn")
            require(row["flow"] in titles, "no line's title names", row["flow"])
    for element in root.iter():
        require("NaN" not in str(element.attrib) and "inf" not in str(element.get("d")), "a place is nowhere")


def check_open_ports():
    """A port that only the site can name says so wherever a person reads it."""
    if not any("$" in service for row in rows for service in row["services"]):
        return
    for name in ("markdown", "html", "svg"):
        require("the site names it" in (directory / name).read_text(), name, "has no word for $")


check_json()
check_open_ports()
check_csv()
check_markdown()
check_html()
check_svg()
