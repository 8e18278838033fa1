"""A name server with faults: some questions get SERVFAIL, some no answer, the rest is relayed."""

import socket
import struct
import threading

from . import dns

SERVFAIL, SILENCE = "SERVFAIL", "silence"


class FaultyNameserver:
    """Listens on `address`, UDP and TCP, before the sound name server at `behind`.

    `faults` says what happens to (lower-case name without final dot, type).
    """

    def __init__(self, address: str, behind: str, faults: dict[tuple[str, str], str]):
        self._behind = behind
        self._faults = faults
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, 53))
        self._tcp = socket.create_server((address, 53), backlog=64)
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while True:
            try:
                packet, sender = self._udp.recvfrom(4096)
                reply = self._reply(packet, self._relay_udp)
                if reply:
                    self._udp.sendto(reply, sender)
            except TimeoutError:
                continue
            except OSError:
                return

    def _serve_tcp(self) -> None:
        while True:
            try:
                wire, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(wire,), daemon=True).start()

    def _serve_one(self, wire: socket.socket) -> None:
        try:
            with wire:
                wire.settimeout(10)
                while packet := _receive(wire):
                    if reply := self._reply(packet, self._relay_tcp):
                        wire.sendall(struct.pack(">H", len(reply)) + reply)
        except OSError:
            pass

    def _reply(self, packet: bytes, relay) -> bytes | None:
        try:
            name, kind, end = dns.question(packet)
        except (ValueError, IndexError, struct.error):
            return None
        fault = self._faults.get((name, kind))
        if fault == SERVFAIL:
            flags = struct.unpack(">H", packet[2:4])[0] & 0x0110 | 0x8402
            return packet[:2] + struct.pack(">HHHHH", flags, 1, 0, 0, 0) + packet[12:end]
        return None if fault == SILENCE else relay(packet)

    def _relay_udp(self, packet: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(1)
            wire.connect((self._behind, 53))
            wire.send(packet)
            return wire.recv(65535)

    def _relay_tcp(self, packet: bytes) -> bytes:
        with socket.create_connection((self._behind, 53), 1) as wire:
            wire.sendall(struct.pack(">H", len(packet)) + packet)
            return _receive(wire)


def _receive(wire: socket.socket) -> bytes:
    """The next message of a TCP connection, empty at its end."""
    head = wire.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        return b""
    return wire.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
