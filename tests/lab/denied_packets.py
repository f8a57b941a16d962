# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that rules deny, as no well-behaved sender makes them: short, with odd options, in
fragments, of unknown protocols. Each has a sender of its own, so that each is one row of what
portd-ctl denied says. Sent below the sender's own stack, as bytes on its link."""
import socket
import struct

HERE, HERE6 = "10.1.0.81", "2001:db8:1::81"
ETHERTYPES = {4: 0x0800, 6: 0x86dd}
SYN, RST, ACK = 2, 4, 16


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def sender(n, version):
    return f"198.51.100.{20 + n}" if version == 4 else f"2001:db8:ffff::{n + 1:x}"


def pack(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ipv4(n, protocol, payload, options=b"", length=None, fragment=0, broken=False):
    size = 20 + len(options)
    header = bytearray(struct.pack("!BBHHHBBH4s4s", 0x40 | size // 4, 0,
                                   length or size + len(payload), 100 + n, fragment, 64, protocol, 0,
                                   pack(sender(n, 4)), pack(HERE)) + options)
    header[10:12] = struct.pack("!H", checksum(bytes(header)) ^ (1 if broken else 0))
    return bytes(header) + payload


def ipv6(n, following, payload):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), following, 64,
                       pack(sender(n, 6)), pack(HERE6)) + payload


def extension(following, size=8):
    """Padding (PadN): hop-by-hop or destination options."""
    return bytes([following, size // 8 - 1, 1, size - 4]) + bytes(size - 4)


def summed(n, version, protocol, data, at):
    """With the checksum over the pseudo header at an offset."""
    ends = pack(sender(n, version)) + pack(HERE if version == 4 else HERE6)
    value = checksum(ends + struct.pack("!II", len(data), protocol) + data)
    return data[:at] + struct.pack("!H", value or 0xffff) + data[at + 2:]


def tcp(n, version, port, flags=SYN, source=40000):
    return summed(n, version, 6, struct.pack("!HHIIBBHHH", source, port, 1, 0, 5 << 4, flags, 1024, 0,
                                             0), 16)


def udp(n, version, port, payload=b"x", length=None):
    return summed(n, version, 17,
                  struct.pack("!HHHH", 40000, port, length or 8 + len(payload), 0) + payload, 6)


def icmp(kind):
    data = struct.pack("!BBHI", kind, 0, 0, 1)
    return data[:2] + struct.pack("!H", checksum(data)) + data[4:]


def fragments(n):
    data = udp(n, 4, 9999, bytes(64))
    return [ipv4(n, 17, data[:32], fragment=0x2000), ipv4(n, 17, data[32:], fragment=4)]


def fragments6(n):
    data = udp(n, 6, 9999, bytes(64))
    return [ipv6(n, 44, struct.pack("!BBHI", 17, 0, 1, 5) + data[:32]),
            ipv6(n, 44, struct.pack("!BBHI", 17, 0, 32, 5) + data[32:])]


# name: (version, make(n) -> bytes or a list of them, what the service may be called). A kernel that
# tells what connection tracking makes of a packet has broken ones belong to no connection, and
# nothing is said of their ports. No service: the kernel drops it before any rule.
PACKETS = {
    "a request": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306)), {"tcp/3306"}),
    "a datagram": (4, lambda n: ipv4(n, 17, udp(n, 4, 9999)), {"udp/9999"}),
    "ICMP": (4, lambda n: ipv4(n, 1, icmp(13)), {"icmp/timestamp-request"}),
    "ICMP of no known type": (4, lambda n: ipv4(n, 1, icmp(99)), {"icmp/99"}),
    "SCTP, cut short": (4, lambda n: ipv4(n, 132, struct.pack("!HH", 1, 9999)), {"sctp/9999", "sctp"}),
    "GRE": (4, lambda n: ipv4(n, 47, bytes(8)), {"protocol 47"}),
    "an unassigned protocol": (4, lambda n: ipv4(n, 253, b"?"), {"protocol 253"}),
    "forty bytes of options": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306), bytes([1] * 40)), {"tcp/3306"}),
    "router alert": (4, lambda n: ipv4(n, 17, udp(n, 4, 9999), bytes([148, 4, 0, 0])), {"udp/9999"}),
    "TCP of four bytes": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306)[:4]), {"tcp/3306", "tcp"}),
    "TCP of three bytes": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306)[:3]), {"tcp"}),
    "TCP of no bytes": (4, lambda n: ipv4(n, 6, b""), {"tcp"}),
    "TCP with every flag": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306, 255)), {"tcp/3306", "tcp/40000", "tcp"}),
    "a reset": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306, RST)), {"tcp/3306", "tcp"}),
    "an answer to nothing": (4, lambda n: ipv4(n, 6, tcp(n, 4, 40000, SYN | ACK, 80)), {"tcp/80", "tcp"}),
    "UDP longer than its packet": (4, lambda n: ipv4(n, 17, udp(n, 4, 9999, b"x", 999)),
                                   {"udp/9999", "udp"}),
    "fragments": (4, fragments, {"udp/9999"}),
    "a fragment alone": (4, lambda n: fragments(n)[1], set()),
    "a broken header": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306), broken=True), set()),
    "less than its length": (4, lambda n: ipv4(n, 6, tcp(n, 4, 3306), length=200), set()),
    "IPv6: a request": (6, lambda n: ipv6(n, 6, tcp(n, 6, 3306)), {"tcp/3306"}),
    "IPv6: a datagram": (6, lambda n: ipv6(n, 17, udp(n, 6, 9999)), {"udp/9999"}),
    "IPv6: no known type": (6, lambda n: ipv6(n, 58, summed(n, 6, 58, bytes([200, 0, 0, 0]), 2)),
                            {"icmpv6/200"}),
    "IPv6: hop-by-hop options": (6, lambda n: ipv6(n, 0, extension(6) + tcp(n, 6, 3306)), {"tcp/3306"}),
    "IPv6: options beyond what is logged": (
        6, lambda n: ipv6(n, 60, extension(17, 64) + udp(n, 6, 9999)), {"protocol 60"}),
    "IPv6: no next header": (6, lambda n: ipv6(n, 59, b""), {"protocol 59"}),
    "IPv6: TCP of three bytes": (6, lambda n: ipv6(n, 6, tcp(n, 6, 3306)[:3]), {"tcp"}),
    "IPv6: fragments": (6, fragments6, {"udp/9999"}),
}


class Link:
    """The link of this network namespace, to one neighbour."""

    def __init__(self, neighbour, interface="eth0"):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((interface, 0))
        self.head = bytes.fromhex(neighbour.replace(":", "")) + self.socket.getsockname()[4]

    def send(self, packet):
        self.socket.send(self.head + struct.pack("!H", ETHERTYPES[packet[0] >> 4]) + packet)


def each():
    """name, sender, [bytes], services"""
    for n, (name, (version, make, services)) in enumerate(PACKETS.items()):
        made = make(n)
        yield name, sender(n, version), made if isinstance(made, list) else [made], services
