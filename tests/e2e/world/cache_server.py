"""A Redis or Valkey server, as a fleet shares it."""

import shutil
import signal
import socket
from pathlib import Path

from .processes import Failed, Process


def program() -> str | None:
    """The server's program, None where none is installed."""
    return shutil.which("valkey-server") or shutil.which("redis-server")


class CacheServer:
    """Listens at a port of 127.0.0.1 and at a socket; what it holds is lost with it."""

    def __init__(self, directory: Path, port: int, password: str = ""):
        directory.mkdir()
        self._directory, self.port, self._password = directory, port, password
        self.socket = directory / "socket"
        self.start()

    @property
    def url(self) -> str:
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        path = program()
        if path is None:
            raise Failed("neither valkey-server nor redis-server is installed")
        command = [path, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
                   "--unixsocket", str(self.socket), "--dir", str(self._directory)]
        if self._password:
            command += ["--requirepass", self._password]
        self.process = Process("cache server", command, self._directory / "log")
        self.process.wait_until(lambda: self._answers(b"PING"))

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process.alive():
            self.process.send_signal(signal.SIGCONT)
            self.process.stop(number)

    def ask(self, *words: str) -> str:
        """The reply to one command, as the wire has it."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            return self._exchange(connection, *(word.encode() for word in words))

    def _answers(self, *words: bytes) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return self._exchange(connection, *words).startswith("+PONG")
        except OSError:
            return False

    def _exchange(self, connection, *words: bytes) -> str:
        if self._password:
            connection.sendall(self._command(b"AUTH", self._password.encode()))
            connection.recv(1024)
        connection.sendall(self._command(*words))
        return connection.recv(65536).decode(errors="replace")

    @staticmethod
    def _command(*words: bytes) -> bytes:
        head = b"*%d\r\n" % len(words)
        return head + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
