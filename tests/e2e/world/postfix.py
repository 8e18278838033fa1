"""A running Postfix with everything of its own: configuration, queue, data and log."""

import functools
import json
import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Failed, Process

# What Debian copies into a queue directory, for the services that are chrooted to it.
_FOR_CHROOT = ("localtime", "services", "resolv.conf", "hosts", "host.conf", "nsswitch.conf")

_COMMON = {
    "compatibility_level": "3.6", "inet_protocols": "ipv4", "mydestination": "", "alias_maps": "",
    "alias_database": "", "local_recipient_maps": "", "append_dot_mydomain": "no", "biff": "no",
    "maillog_file_prefixes": "/run", "smtputf8_autodetect_classes": "all",
}

# A line about one attempt for one recipient.
STATUS = re.compile(r"(?P<process>postfix/(?P<service>\S+)\[\d+\]): "
                    r"(?P<queue_id>\w+): to=<(?P<to>[^>]*)>, "
                    r"(?:orig_to=<[^>]*>, )?relay=(?P<relay>[^,\[]+)\S*, .*dsn=(?P<dsn>[\d.]+), "
                    r"status=(?P<status>\w+) \((?P<text>.*)\)$")


@dataclass(frozen=True)
class Release:
    """An installed Postfix: this machine's, or one in a folder that its programs are chrooted to.

    The world's files have the same paths in that folder.
    """

    name: str      # of the distribution
    map_name: str  # whom it asks
    root: Path = Path("/")

    def command(self, *words: str) -> list[str]:
        return [*words] if self.root == Path("/") else ["chroot", str(self.root), *words]

    def run(self, *words: str) -> str:
        """Its output; Failed if it does not succeed."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failed(f"{self.name}: {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def file(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @functools.cached_property
    def version(self) -> str:
        return self.run("postconf", "-dh", "mail_version").strip()


@dataclass(frozen=True)
class Delivery:
    """What the log says of one attempt for one recipient; `before` are the lines since the mail
    came, or was tried the last time."""

    queue_id: str
    process: str  # as the log names it
    service: str
    to: str
    relay: str  # the host's name, or "none"
    dsn: str
    status: str
    text: str
    before: list[str] = field(default_factory=list, compare=False, repr=False)

    @property
    def tls(self) -> str:
        """Of the last connection: "Verified", "Trusted", "Untrusted", "Anonymous"; or ""."""
        lines = [line for line in self.before
                 if f"{self.process}: " in line and " TLS connection established to " in line]
        return lines[-1].split(": ", 1)[1].split()[0] if lines else ""

    @property
    def log(self) -> str:
        return "\n".join([*self.before, f"{self.status}: {self.text}"])


def deliveries(log: str, queue_id: str) -> list[Delivery]:
    """All attempts for one message that the text of a log tells of."""
    found, since = [], 0
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if f" {queue_id}: " not in line:
            continue
        since = since or number
        if match := STATUS.search(line):
            found.append(Delivery(**match.groupdict(), before=lines[since:number]))
            since = number + 1
    return found


class Instance:
    """Up after `start()`, down after `stop()`. `master_cf` is the whole file."""

    def __init__(self, release: Release, directory: Path, main_cf: dict[str, str], master_cf: str):
        self.release = release
        self.directory = directory
        self.queue = directory / "queue"
        self.log = directory / "maillog"
        self._config = directory / "config"
        self._process: Process | None = None
        for path in (directory, self.queue, self._config):
            path.mkdir()
        (self._config / "master.cf").write_text(master_cf)
        settings = {**_COMMON, "queue_directory": str(self.queue), "maillog_file": str(self.log),
                    "data_directory": str(directory / "data"), **main_cf}
        main = self._config / "main.cf"
        main.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        # Postfix waits until main.cf is some seconds old, lest it reads one that is being written.
        os.utime(main, (0, 0))
        self._addresses = _listeners(master_cf)

    def start(self) -> None:
        self.prepare_chroot()
        self.run("postfix", "check")  # makes the directories
        self._process = Process("postfix", self.release.command(
            "/usr/lib/postfix/sbin/master", "-c", str(self._config), "-s"),
            self.directory / "master.log")
        try:
            self._process.wait_until(lambda: all(map(_connects, self._addresses)))
        except Failed as trouble:
            raise Failed(f"{trouble}\n{self.log_text()[-2000:]}") from None

    def prepare_chroot(self) -> None:
        """Copies what chrooted services need into the queue directory."""
        etc = self.queue / "etc"
        etc.mkdir(exist_ok=True)
        for name in _FOR_CHROOT:
            if (source := self.release.file(f"/etc/{name}")).is_file():
                shutil.copyfile(source, etc / name)

    def stop(self) -> None:
        # The master is the leader of a process group of its own, and ends that.
        if self._process:
            self._process.stop()

    def run(self, program: str, *words: str) -> str:
        """One of Postfix's programs, for this instance."""
        return self.release.run(program, "-c", str(self._config), *words)

    def setting(self, name: str) -> str:
        return self.run("postconf", "-h", name).strip()

    def flush(self) -> None:
        """Tries everything that is deferred, now."""
        self.run("postqueue", "-f")

    def queued(self) -> list[dict]:
        """The messages in the queue, as postqueue -j tells them."""
        return [json.loads(line) for line in self.run("postqueue", "-j").splitlines()]

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def deliveries(self, queue_id: str) -> list[Delivery]:
        """All attempts so far for one message."""
        return deliveries(self.log_text(), queue_id)

    def wait_for(self, queue_id: str, attempts: int = 1, seconds: float = 60) -> list[Delivery]:
        """The attempts for a message, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(found := self.deliveries(queue_id)) < attempts:
            if time.monotonic() > deadline or not self._process.alive():
                raise Failed(f"{self.release.name}: no attempt to deliver {queue_id}:\n"
                             + self.log_text()[-3000:])
            time.sleep(0.02)
        return found


def _listeners(master_cf: str) -> list[tuple[str, int]]:
    """The addresses of the inet services, all written ADDRESS:PORT."""
    found = []
    for line in master_cf.splitlines():
        words = line.split()
        if line[:1].isdigit() and words[1] == "inet":
            address, port = words[0].rsplit(":", 1)
            found.append((address, int(port)))
    return found


def _connects(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, 2) as wire:
            return wire.recv(3) == b"220"
    except OSError:
        return False
