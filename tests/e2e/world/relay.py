"""A name server that relays each question to another one, and gives the answer when it is told to."""

import socket
import threading
import time

from . import dns


class Relay:
    """Listens on `address` (a literal, perhaps with an interface), UDP, before the one at `behind`.

    `delays` says after how many seconds the answer to (lower-case name without final dot, type) goes
    out, counted from its own query; all others go out at once.
    """

    def __init__(self, address: str, behind: str, delays: dict[tuple[str, str], float] | None = None):
        self._behind = behind
        self._delays = delays or {}
        self.questions: list[tuple[str, str]] = []
        family, _, _, _, where = socket.getaddrinfo(address, 53, type=socket.SOCK_DGRAM,
                                                    flags=socket.AI_NUMERICHOST)[0]
        self._wire = socket.socket(family, socket.SOCK_DGRAM)
        self._wire.bind(where)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        # Wakes the thread, which close() alone does not.
        try:
            self._wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._wire.close()

    def _serve(self) -> None:
        while True:
            try:
                packet, sender = self._wire.recvfrom(4096)
            except OSError:
                return
            if not packet:
                return
            threading.Thread(target=self._answer, args=(packet, sender), daemon=True).start()

    def _answer(self, packet: bytes, sender) -> None:
        name, kind, _ = dns.question(packet)
        self.questions.append((name, kind))
        begun = time.monotonic()
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                wire.settimeout(20)
                wire.connect((self._behind, 53))
                wire.send(packet)
                reply = wire.recv(65535)
            time.sleep(max(0, begun + self._delays.get((name, kind), 0) - time.monotonic()))
            self._wire.sendto(reply, sender)
        except OSError:
            pass
