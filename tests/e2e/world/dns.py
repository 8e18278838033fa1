"""Just enough of a DNS client to see whether a server is there and what it says."""

import os
import socket
import struct

TYPES = {"A": 1, "NS": 2, "SOA": 6, "MX": 15, "TXT": 16}


def ask(server: str, name: str, kind: str, timeout: float = 2.0) -> tuple[int, int] | None:
    """(RCODE, number of answers) from `server`, or None when nothing came back."""
    query_id = os.urandom(2)
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    packet = query_id + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + question
    packet += struct.pack(">HH", TYPES[kind], 1)
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
    return flags & 15, answers
