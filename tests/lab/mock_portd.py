# SPDX-License-Identifier: GPL-2.0-or-later
"""A portd of a test's own: says which names it needs, notes what it is told, or talks nonsense."""
import json
import os
import queue
import socket
import threading
import time


class Portd:
    """Refuses answers for the names in `refusals`; says `first`, when that is set, to whoever asks
    for names; when deaf it takes all and answers nothing."""

    def __init__(self, path):
        self.path = path
        self.names, self.clients, self.streams, self.told = [], [], [], queue.Queue()
        self.refusals, self.first, self.is_deaf = {}, None, False
        self.open()

    def open(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o666)
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def close(self):
        """Dies, as far as the resolver can tell."""
        os.unlink(self.path)
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        clients, self.clients, self.streams = self.clients, [], []
        for client in clients:
            shut(client)

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.clients.append(client)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        data = b""
        while part := receive(client):
            data += part
            while b"\0" in data:
                text, data = data.split(b"\0", 1)
                self.answer(client, json.loads(text))
        if client in self.clients:
            self.clients.remove(client)
        client.close()

    def answer(self, client, call):
        parameters = call.get("parameters", {})
        if call["method"] == "io.portd.Names":
            self.streams.append(client)
            if self.first is not None:
                send(client, self.first)
            elif not self.is_deaf:
                self.say_names(client)
        else:
            self.told.put((time.monotonic(), parameters))
            if not self.is_deaf:
                reply(client, self.refusals.get(parameters["name"], {"parameters": {}}))

    def say_names(self, client):
        reply(client, {"parameters": {"names": [{"name": n, "addresses": []} for n in self.names]},
                       "continues": True})

    def need(self, *names):
        self.names = list(names)
        for stream in self.streams:
            self.say_names(stream)

    def hear(self, name, timeout=30, is_so=lambda told: True):
        """The next thing told of this name for which `is_so`; all else is forgotten."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            try:
                when, told = self.told.get(timeout=left)
            except queue.Empty:
                break
            if told["name"] == name and is_so(told):
                return when, told
        return time.monotonic(), None

    def forget(self):
        while not self.told.empty():
            self.told.get()


def receive(client):
    try:
        return client.recv(1 << 16)
    except OSError:
        return b""  # the resolver left without reading all


def shut(client):
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it had left already


def send(client, data):
    try:
        client.sendall(data)
    except OSError:
        pass  # the resolver had enough


def reply(client, message):
    send(client, json.dumps(message).encode() + b"\0")
