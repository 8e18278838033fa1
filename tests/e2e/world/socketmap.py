"""Two clients of the socketmap: Postfix's own, and a bare one for many questions and odd bytes."""

import os
import socket
import subprocess
from dataclasses import dataclass

from .daemon import PORT


@dataclass(frozen=True)
class Postmap:
    """What `postmap -q` did: exit code 0 and a value, or 1; warnings on standard error."""

    code: int
    value: str
    errors: str

    @property
    def answer(self) -> str | None:
        """The reply's data, None for not found. Raises for a lookup error."""
        if self.code == 0:
            return self.value
        if self.errors:
            raise LookupError(self.errors)
        return None


class Postfix:
    """Postfix's tools with a configuration directory of their own."""

    def __init__(self, directory):
        directory.mkdir()
        (directory / "queue").mkdir()
        self._directory = directory
        main_cf = directory / "main.cf"
        main_cf.write_text(
            f"compatibility_level = 3.6\nqueue_directory = {directory}/queue\n"
            f"data_directory = {directory}\nmyhostname = mail.sender.test\n")
        # Postfix waits until main.cf is some seconds old, lest it reads one that is being written.
        os.utime(main_cf, (0, 0))

    def ask(self, key: str, map_name: str = "postfix", timeout: float = 120) -> Postmap:
        """`postmap -q KEY socketmap:inet:127.0.0.1:8461:MAP`."""
        done = subprocess.run(
            ["postmap", "-c", str(self._directory), "-q", key,
             f"socketmap:inet:127.0.0.1:{PORT}:{map_name}"],
            capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
        return Postmap(done.returncode, done.stdout.decode().removesuffix("\n"),
                       done.stderr.decode(errors="replace"))


class ProtocolError(Exception):
    """The server's bytes are no netstring, or it closed the connection."""


class Connection:
    """One connection to the daemon."""

    def __init__(self, timeout: float = 60, port: int = PORT):
        self.wire = socket.create_connection(("127.0.0.1", port), timeout)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.wire.close()

    def send(self, key: str | bytes, map_name: str = "postfix") -> None:
        self.wire.sendall(request(key, map_name))

    def receive(self) -> str:
        """The payload of the next reply."""
        while b":" not in self._buffer:
            self._more()
        digits, rest = self._buffer.split(b":", 1)
        if not digits.isdigit() or len(digits) > 6:
            raise ProtocolError(f"no netstring: {self._buffer[:60]!r}")
        size = int(digits)
        while len(rest) < size + 1:
            self._more()
            rest = self._buffer.split(b":", 1)[1]
        if rest[size:size + 1] != b",":
            raise ProtocolError(f"no netstring: {self._buffer[:60]!r}")
        self._buffer = rest[size + 1:]
        return rest[:size].decode("ascii")

    def ask(self, key: str | bytes, map_name: str = "postfix") -> str:
        self.send(key, map_name)
        return self.receive()

    def _more(self) -> None:
        try:
            chunk = self.wire.recv(65536)
        except ConnectionError as trouble:
            raise ProtocolError(str(trouble)) from None
        if not chunk:
            raise ProtocolError("closed by the server")
        self._buffer += chunk


def request(key: str | bytes, map_name: str = "postfix") -> bytes:
    """The netstring that Postfix sends."""
    payload = map_name.encode() + b" " + (key.encode() if isinstance(key, str) else key)
    return str(len(payload)).encode() + b":" + payload + b","


def ask(key: str | bytes, map_name: str = "postfix", timeout: float = 60) -> str:
    """One question on a connection of its own; the whole payload, e.g. "OK secure match=..."."""
    with Connection(timeout) as connection:
        return connection.ask(key, map_name)
