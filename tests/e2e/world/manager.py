"""What a service manager is to a daemon: it holds the daemon's sockets, and hears how it is."""

import socket
import sys
from pathlib import Path

HAND_OVER = Path(__file__).with_name("hand_over.py")


class Sockets:
    """Sockets for the daemon, each with a name, kept here over its lives; names=None for none."""

    def __init__(self, names: list[str] | None, *sockets):
        self._names = names
        self._sockets = sockets

    def descriptors(self) -> list[int]:
        return [one.fileno() for one in self._sockets]

    def prefix(self) -> list[str]:
        """What has to stand before a command that is to inherit them."""
        numbers = ",".join(map(str, self.descriptors()))
        names = "-" if self._names is None else ":".join(self._names)
        return [sys.executable, "-B", str(HAND_OVER), numbers, names]


class Notices:
    """The socket where a daemon says how it is (sd_notify(3)), at a path or an "@NAME"."""

    def __init__(self, name: str):
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def read(self) -> list[dict[str, str]]:
        """Those that have come since the last time, each as its assignments."""
        notices = []
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except BlockingIOError:
                return notices
            notices.append(dict(line.split("=", 1) for line in text.splitlines()))
