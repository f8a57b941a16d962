#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Listens where systemd-journald does and writes each entry as a line of JSON to a file.
The native protocol: lines NAME=VALUE; or NAME, the length as 64 bits little endian, the value."""
import json
import os
import socket
import struct
import sys

PATH = "/run/systemd/journal/socket"


def parse(data):
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
        else:
            name, (size,) = line, struct.unpack("<Q", rest[:8])
            value, rest = rest[8:8 + size], rest[9 + size:]
        fields[name.decode()] = value.decode()
        data = rest
    return fields


with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, open(sys.argv[1], "w") as out:
    s.bind(PATH)
    os.chmod(PATH, 0o666)
    while True:
        out.write(json.dumps(parse(s.recv(1 << 18))) + "\n")
        out.flush()
