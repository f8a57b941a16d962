#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A portd that answers from a file: fake_portd.py SOCKET ANSWERS.

ANSWERS is a JSON object: method -> list of replies, sent one after the other. An empty list hangs
up. Prints a line once it listens, and each call it gets."""
import json
import socket
import sys

path, answers = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8"))
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen()
print("listening", flush=True)
while True:
    client, _ = listener.accept()
    data = b""
    while not data.endswith(b"\0") and (chunk := client.recv(4096)):
        data += chunk
    if not data:  # whoever looks whether anybody is there
        continue
    print(data[:-1].decode(), flush=True)
    for reply in answers[json.loads(data[:-1])["method"]]:
        client.sendall(json.dumps(reply).encode() + b"\0")
    client.close()
