# SPDX-License-Identifier: GPL-2.0-or-later
"""nf_tables and conntrack through netlink, by hand, for the lab tests: what somebody does who uses
neither nft nor any library. Numbers are those of linux/netfilter/nf_tables.h, nfnetlink.h and
nfnetlink_conntrack.h."""
import errno
import socket
import struct

NETLINK_NETFILTER = 12
NFPROTO_INET = 1
REQUEST, ACK, DUMP, CREATE, APPEND = 1, 4, 0x300, 0x400, 0x800
BATCH_BEGIN, BATCH_END, ERROR = 16, 17, 2
NFTABLES, CTNETLINK = 10, 1
NEWTABLE, GETTABLE, DELTABLE, NEWCHAIN, DELCHAIN, NEWRULE, DELRULE = 0, 1, 2, 3, 5, 6, 8
NEWSET, DELSET, NEWSETELEM, DELSETELEM, GETGEN, NEWOBJ, DELOBJ = 9, 11, 12, 14, 16, 18, 20
GETOBJ_RESET, NEWFLOWTABLE, GETRULE_RESET, DESTROYTABLE = 21, 22, 25, 26
OWNER, PERSIST, DORMANT = 2, 4, 1
NESTED = 0x8000


def attr(kind, value):
    """Bytes, a string, a 32 bit number (network order) or a list of attributes."""
    if isinstance(value, list):
        kind, value = kind | NESTED, b"".join(value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = struct.pack("!I", value)
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def u64(value):
    return struct.pack("!Q", value)


def attrs(data):
    """{kind: bytes}"""
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3fff] = data[4:size]
        data = data[(size + 3) & ~3:]
    return found


class Message:
    def __init__(self, kind, payload, flags=0, family=NFPROTO_INET, subsystem=NFTABLES):
        self.kind, self.flags = subsystem << 8 | kind, flags
        self.body = struct.pack("!BBH", family, 0, 0) + b"".join(payload)

    def pack(self, sequence, flags=0, sender=0):
        return struct.pack("=IHHII", 16 + len(self.body), self.kind,
                           REQUEST | self.flags | flags, sequence, sender) + self.body


class Nfnl:
    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((port, 0))
        self.sequence = 0

    def port(self):
        return self.socket.getsockname()[0]

    def _answers(self, flags=0):
        data = self.socket.recv(1 << 20, flags)
        while len(data) >= 16:
            size, kind, _, sequence, _ = struct.unpack_from("=IHHII", data)
            yield kind, sequence, data[16:size]
            data = data[(size + 3) & ~3:]

    def batch(self, messages, commit=True, sender=0):
        """For each message 0 or the errno with which the kernel refuses it. Without `commit` it
        looks at everything and does nothing."""
        edge = struct.pack("!BBH", 0, 0, NFTABLES)

        def boundary(kind):
            return struct.pack("=IHHII", 20, kind, REQUEST, 0, sender) + edge

        data = boundary(BATCH_BEGIN)
        for i, m in enumerate(messages):
            data += m.pack(i + 1, ACK, sender)
        self.socket.send(data + (boundary(BATCH_END) if commit else b""))
        answers = self._errors()
        return [answers.get(i + 1, 0) for i in range(len(messages))]

    def _errors(self):
        """{sequence: errno}; netlink has answered when send() returns."""
        errors = {}
        while True:
            try:
                for kind, sequence, body in self._answers(socket.MSG_DONTWAIT):
                    if kind == ERROR:
                        errors[sequence] = -struct.unpack_from("=i", body)[0]
            except BlockingIOError:
                return errors

    def request(self, message):
        """For what is no transaction: 0 or an errno."""
        self.sequence += 1
        self.socket.send(message.pack(self.sequence, ACK))
        return self._errors().get(self.sequence, 0)

    def get(self, message):
        """The attributes of the one answer."""
        self.sequence += 1
        self.socket.send(message.pack(self.sequence))
        for kind, _, body in self._answers():
            if kind == ERROR:
                code = -struct.unpack_from("=i", body)[0]
                raise OSError(code, errno.errorcode.get(code, "?"))
            return attrs(body[4:])

    def owner(self, table="portd"):
        """(flags, port id), (0, 0) when there is no such table."""
        try:
            found = self.get(Message(GETTABLE, [attr(1, table)]))
        except FileNotFoundError:
            return 0, 0
        return tuple(struct.unpack("!I", found.get(kind, bytes(4)))[0] for kind in (2, 7))

    def generation(self):
        return struct.unpack("!I", self.get(Message(GETGEN, [], family=0))[1])[0]
