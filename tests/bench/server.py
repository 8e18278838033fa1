"""The server that is measured: how it is started, asked, and what it uses."""

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from world.processes import Failed, Process

CPUCLOCK_SCHED = 2  # linux/posix-timers: the clock of a process that counts nanoseconds on a CPU


def cpu_of(pid: int) -> float:
    """Seconds of CPU that all threads of the process have used."""
    return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)


class Server:
    """A running socketmap server on 127.0.0.1."""

    def __init__(self, name: str, command: list, port: int, log: Path, environment=None):
        self.endpoint = f"inet:127.0.0.1:{port}"
        self._port = port
        self._begin = lambda: Process(name, [str(word) for word in command], log, environment)
        self._start()

    def _start(self) -> None:
        self._process = self._begin()
        self._process.wait_until(lambda: _listens(self._port), 30)

    def restart(self) -> None:
        """Begins a new life with what it left on disk."""
        self.stop()
        self._start()

    def cpu(self) -> float:
        """Seconds of CPU that all its threads have used."""
        return cpu_of(self._process.pid)

    def memory(self) -> dict[str, float]:
        """What it occupies, in MiB: in all, its own, and pages of files (the libraries)."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in text.splitlines())
        return {name: int(fields[name].split()[0]) / 1024
                for name in ("VmRSS", "RssAnon", "RssFile", "VmHWM")}

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        if not self._process.alive():
            raise Failed(f"{self._process.name} ended early:\n{self._process.last_words()}")
        self._process.stop()


class Daemon(Server):
    """tlspolicyd with an empty state directory, on its defaults but for `port` and `config` (YAML
    text). What it keeps in `directory` begins with `name`."""

    PORT = 8461

    def __init__(self, program: list, directory: Path, name: str = "tlspolicyd", port: int = PORT,
                 config: str = ""):
        state = directory / f"{name}.state"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        Path("/run/tlspolicyd").mkdir(exist_ok=True)
        command = list(program)
        if port != self.PORT or config:
            file = directory / f"{name}.yaml"
            file.write_text(f"listen: [inet:127.0.0.1:{port}]\n{config}")
            command += ["-c", file]
        environment = {**os.environ, "STATE_DIRECTORY": str(state)}
        super().__init__(name, command, port, directory / f"{name}.log", environment)


class ConstantServer(Server):
    """The baseline: answers everything with `reply`."""

    PORT = 8460

    def __init__(self, program: Path, reply: str, directory: Path):
        super().__init__("constant server", [program, self.PORT, reply], self.PORT,
                         directory / "constant.log")


class Load:
    """A running load generator; see its --help for the arguments."""

    def __init__(self, program: Path, server: Server, *arguments: object):
        command = [program, "--server", server.endpoint, *arguments]
        self._popen = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                                       text=True)

    def ended(self) -> bool:
        return self._popen.poll() is not None

    def stop(self) -> None:
        self._popen.terminate()

    def result(self) -> dict:
        out, _ = self._popen.communicate()
        if self._popen.returncode != 0:
            raise Failed(f"the load generator ended with {self._popen.returncode}")
        return json.loads(out)


def ask(server: Server, key: str) -> str:
    """One question, by hand."""
    host, port = server.endpoint.removeprefix("inet:").rsplit(":", 1)
    payload = f"postfix {key}".encode()
    with socket.create_connection((host, int(port)), 60) as wire:
        wire.sendall(b"%d:%s," % (len(payload), payload))
        reply = b""
        while not reply.endswith(b","):
            more = wire.recv(4096)
            if not more:
                raise Failed(f"no reply to {key}")
            reply += more
    return reply.split(b":", 1)[1][:-1].decode()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
