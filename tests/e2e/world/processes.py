"""Programs that the world started, each remembered by its process id and ended by it."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path


class Failed(Exception):
    """A program of the world did not do what it must; the text says which, and its last words."""


class Process:
    """One program, its standard error and output in a file; `inherits` are descriptors of ours."""

    def __init__(self, name: str, command: list[str], log: Path, environment=None, cwd=None,
                 open_files: tuple[int, int] | None = None, inherits=()):
        def set_limits():
            resource.setrlimit(resource.RLIMIT_NOFILE, open_files)

        self.name = name
        self.log = log
        with open(log, "ab") as out:
            # Its own session: Ctrl-C is for us, and we end what we started.
            self._popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, cwd=cwd,
                start_new_session=True, preexec_fn=set_limits if open_files else None,
                pass_fds=inherits)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def alive(self) -> bool:
        return self._popen.poll() is None

    def send_signal(self, number: int) -> None:
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code; negative if a signal ended it."""
        return self._popen.wait(seconds)

    def wait_until(self, ready, seconds: float = 10) -> None:
        """Polls `ready()` until it is true."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive():
                code = self._popen.returncode
                raise Failed(f"{self.name} ended with {code}:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} was not ready within {seconds} s:\n{self.last_words()}")
            time.sleep(0.005)

    def stop(self, number: int = signal.SIGTERM, patience: float = 8) -> int:
        """Ends it, and if it does not end by itself, kills it. Returns the exit code."""
        self.send_signal(number)
        try:
            return self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()

    def last_words(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join("  " + line for line in text[-lines:])
