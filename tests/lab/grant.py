#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection that says for how long it lives.

    grant.py serve PORT...               sends back whatever comes, over IPv4 and IPv6, until killed
    grant.py can FROM ADDRESS PORT       whether a connection is made within half a second
    grant.py talk FROM ADDRESS PORT      sends a byte every 20 ms until none came back for 1.5 s, and
                                         prints when the last one was sent (CLOCK_REALTIME)"""
import select
import socket
import sys
import time

SILENCE = 1.5


def serve(ports):
    listeners = []
    for port in ports:
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", int(port)))
        s.listen()
        listeners.append(s)
    peers = []
    while True:
        for s in select.select(listeners + peers, [], [])[0]:
            if s in listeners:
                peers.append(s.accept()[0])
                continue
            try:
                s.sendall(s.recv(4096) or b"")
            except OSError:
                peers.remove(s)


def can(source, address, port):
    try:
        socket.create_connection((address, int(port)), 0.5, (source, 0)).close()
    except OSError:
        sys.exit(1)


def talk(source, address, port):
    s = socket.create_connection((address, int(port)), 5, (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(0.02)
    answered, unanswered = time.time(), []
    while time.time() < answered + SILENCE:
        unanswered.append(time.time())
        try:
            s.send(b".")
            for _ in s.recv(4096):
                answered = unanswered.pop(0)
        except TimeoutError:
            pass
        except OSError:
            break
        time.sleep(0.02)
    print(answered)


if __name__ == "__main__":
    words = sys.argv[2:]
    if sys.argv[1] == "serve":
        serve(words)
    {"can": can, "talk": talk}[sys.argv[1]](*words)
