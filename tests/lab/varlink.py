# SPDX-License-Identifier: GPL-2.0-or-later
"""A Varlink client of a few lines, for the lab tests: JSON objects ended by NUL."""
import json
import socket


class Error(Exception):
    def __init__(self, error, parameters):
        super().__init__(f"{error} {parameters}")
        self.error, self.parameters = error, parameters


class Client:
    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.bytes = b""

    def send(self, method, more=False, **parameters):
        call = {"method": f"io.portd.{method}", "parameters": parameters}
        if more:
            call["more"] = True
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self):
        while b"\0" not in self.bytes:
            part = self.socket.recv(1 << 16)
            if not part:
                raise EOFError("portd hung up")
            self.bytes += part
        text, self.bytes = self.bytes.split(b"\0", 1)
        reply = json.loads(text)
        if "error" in reply:
            raise Error(reply["error"], reply.get("parameters"))
        return reply.get("parameters", {})

    def call(self, method, **parameters):
        self.send(method, **parameters)
        return self.receive()
