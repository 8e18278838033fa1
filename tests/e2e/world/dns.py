"""Just enough of a DNS client to see whether a server is there and what it says."""

import os
import socket
import struct
from typing import NamedTuple

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DS": 43,
         "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "TLSA": 52}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3

_RD, _AD = 0x0100, 0x0020


class Reply(NamedTuple):
    rcode: int
    answers: int         # how many records
    authentic: bool      # the AD bit

    @property
    def is_one_record(self) -> bool:
        return (self.rcode, self.answers) == (NOERROR, 1)


def ask(server: str, name: str, kind: str, timeout: float = 2.0) -> Reply | None:
    """What `server` says, or None when nothing came back. The query has the AD bit (RFC 6840)."""
    query_id = os.urandom(2)
    packet = query_id + struct.pack(">HHHHH", _RD | _AD, 1, 0, 0, 0)
    for label in name.rstrip(".").split("."):
        if label:
            packet += bytes([len(label)]) + label.encode()
    packet += b"\0" + struct.pack(">HH", TYPES[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(timeout)
        try:
            wire.connect((server, 53))
            wire.send(packet)
            reply = wire.recv(4096)
        except OSError:
            return None
    if len(reply) < 12 or reply[:2] != query_id:
        return None
    flags, _, answers = struct.unpack(">HHH", reply[2:8])
    return Reply(flags & 15, answers, bool(flags & _AD))


def question(packet: bytes) -> tuple[str, str, int]:
    """(lower-case name without final dot, type, where it ends) of a query; raises for nonsense."""
    labels, position = [], 12
    while length := packet[position]:
        if length > 63:
            raise ValueError("no plain label")
        labels.append(packet[position + 1:position + 1 + length].decode("latin-1").lower())
        position += 1 + length
    kind = struct.unpack(">H", packet[position + 1:position + 3])[0]
    names = {number: text for text, number in TYPES.items()}
    return ".".join(labels), names.get(kind, str(kind)), position + 5
