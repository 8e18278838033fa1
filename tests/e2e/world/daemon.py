"""tlspolicyd itself, in the world."""

import os
import signal
import socket
from pathlib import Path

from .manager import Sockets
from .processes import Failed, Process

PORT = 8461
ROOT = Path(__file__).resolve().parents[3]


def built_daemon() -> Path:
    """The program of $BUILD, else of build-test, else of build."""
    wanted = os.environ.get("BUILD")
    places = [Path(wanted)] if wanted else [ROOT / "build-test", ROOT / "build"]
    for place in places:
        program = (place / "src/tlspolicyd").resolve()
        if os.access(program, os.X_OK):
            return program
    raise Failed(f"no tlspolicyd in {' or '.join(map(str, places))}; tests/run e2e builds it")


class Daemon:
    """The program at `path`, started on its defaults unless `config` (YAML text) is given.

    `open_files` are its soft and hard limits; `state` is the state directory of an earlier life;
    it inherits `sockets`, whose clients do not notice when it begins to serve them.
    It listens once it is made, or with `wait=False` after `wait()`.
    """

    def __init__(self, path: str, directory: Path, config: str | None = None, port: int = PORT,
                 environment: dict[str, str] | None = None,
                 open_files: tuple[int, int] | None = None, state: Path | None = None,
                 wait: bool = True, sockets: Sockets | None = None):
        directory.mkdir(parents=True)
        self.state = state or directory / "state"
        self.state.mkdir(mode=0o700, exist_ok=True)
        command = [*(sockets.prefix() if sockets else ()), str(path)]
        self.config = directory / "tlspolicyd.yaml"
        if config is not None:
            self.config.write_text(config)
            command += ["-c", str(self.config)]
        surroundings = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
                        "STATE_DIRECTORY": str(self.state), "LANG": "C.UTF-8",
                        # Of the sanitizers: little freed memory is kept, so that growth is ours.
                        "ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=1",
                        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                        **(environment or {})}
        self.log = directory / "tlspolicyd.log"
        self.process = Process("tlspolicyd", command, self.log, surroundings, directory, open_files,
                               sockets.descriptors() if sockets else ())
        self._port = port
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until it listens; Failed if it ends instead."""
        self.process.wait_until(self._listens, 20)

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.alive()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
        return self.process.stop(number, 15)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the kernel does not tell the resident size")

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), 0.2).close()
            return True
        except OSError:
            return False
