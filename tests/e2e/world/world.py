"""The demo world: real nsd, unbound and nginx around the daemon, in a namespace of its own."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from . import domains, namespace
from .authority import Authority
from .daemon import Daemon
from .domains import Domain
from .mail import Mail
from .nameserver import DEFAULT_RATE_LIMIT, Nameserver
from .processes import Failed
from .resolver import Resolver
from .resolver import ADDRESS as RESOLVER_ADDRESS
from .socketmap import Postfix
from .webserver import Webserver

PROGRAMS = ("nsd", "unbound", "ldns-signzone", "nginx", "openssl", "ip", "postmap")


class World:
    """Up when made, down at `close()`; needs namespace.enter() first.

    `further` are domains beside the demo's; `debian13` is what debian13.prepare() said. Servers for
    tests bind to 192.31.196.100 and up: those addresses exist, with nobody there but, from 150 to
    158, the receiver of mail.
    """

    def __init__(self, further: tuple[Domain, ...] = (), rate_limit: int = DEFAULT_RATE_LIMIT,
                 debian13: Path | None = None):
        if not namespace.inside():
            raise RuntimeError("namespace.enter() comes first")
        os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin"
        missing = [program for program in PROGRAMS if not shutil.which(program)]
        if missing:
            raise Failed("not installed: " + " ".join(missing) + " (contrib/packages knows them)")
        self.domains = [*domains.DEMO, *further]
        names = [domain.name for domain in self.domains]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"described twice: {twice}")
        self.directory = Path(tempfile.mkdtemp(prefix="world-", dir="/run"))
        self.directory.chmod(0o755)
        self._daemons: list[Daemon] = []
        self._started = 0
        self._servers: list = []
        self._debian13 = debian13
        atexit.register(self.close)
        try:
            self._bring_up(rate_limit)
        except BaseException:
            self.close()
            raise

    def _bring_up(self, rate_limit: int) -> None:
        _bring_up_loopback()
        self.nameserver = Nameserver(self.directory / "nsd", self.domains, rate_limit)
        self._servers.append(self.nameserver)
        self.resolver = Resolver(self.directory / "unbound", self.nameserver.anchor)
        self._servers.append(self.resolver)
        namespace.replace_file("/etc/resolv.conf", f"nameserver {RESOLVER_ADDRESS}\n".encode(),
                               self.directory)
        self.authority = Authority(self.directory / "authority")
        self.authority.make({d.certificate() for d in self.domains if d.certificate()})
        bundle = Path("/etc/ssl/certs/ca-certificates.crt")
        namespace.replace_file(str(bundle), bundle.read_bytes() + self.authority.root.read_bytes(),
                               self.directory)
        self.webserver = Webserver(self.directory / "nginx", self.domains, self.authority)
        self._servers.append(self.webserver)
        # It listens and nobody ever accepts: the kernel completes connections, no byte comes.
        self._silent = socket.create_server((domains.SILENT, 443), backlog=1024)
        self.postfix = Postfix(self.directory / "postfix")
        self.mail = Mail(self.directory / "mail", self.authority, self._debian13)
        self._servers.append(self.mail)
        for server in self._servers:
            server.wait()

    def start_daemon(self, path: str, config: str | None = None, **more) -> Daemon:
        """Starts tlspolicyd and waits until it listens."""
        self._started += 1
        daemon = Daemon(path, self.directory / f"daemon-{self._started}", config, **more)
        self._daemons.append(daemon)
        return daemon

    def run(self, command: list[str]) -> int:
        """Runs a command inside, on the user's terminal; its exit code."""
        return subprocess.run(command).returncode

    def domain(self, name: str) -> Domain:
        return next(domain for domain in self.domains if domain.name == name)

    def close(self) -> None:
        for daemon in self._daemons:
            if daemon.alive():
                daemon.stop()
        for server in reversed(self._servers):
            server.stop()
        self._servers.clear()
        # Its files vanish with the namespace's /run. Removing them by hand would follow whatever is
        # mounted below.


def _bring_up_loopback() -> None:
    lines = ["link set lo up"]
    lines += [f"addr add 192.31.196.{last}/32 dev lo" for last in range(1, 200)]
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True,
                          capture_output=True)
    if done.returncode != 0 and "File exists" not in done.stderr:
        raise Failed("ip: " + done.stderr.strip())
