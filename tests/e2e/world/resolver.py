"""The resolver: unbound, at the address that /etc/resolv.conf names, with its own cache.

It validates (DNSSEC), with a trust anchor of the world.
"""

import re
import shutil
from pathlib import Path

from . import dns, nameserver
from .processes import Process

ADDRESS = "127.0.0.1"
DISTANT = "192.31.196.53"  # the same server: an address that is not the machine's own loopback

_CONFIG = """
server:
{interfaces}
  directory: "{directory}"
  chroot: ""
  username: unbound
  pidfile: ""
  logfile: ""
  use-syslog: no
  log-queries: yes
  log-time-ascii: no
  module-config: "{modules}"
  trust-anchor-file: "{directory}/root.key"
  val-log-level: 2
  ede: yes
  local-zone: "test." nodefault
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  access-control: 192.31.196.0/24 allow
  num-threads: 1
  cache-min-ttl: {shortest}
  cache-max-ttl: {longest}
  outgoing-range: 4096
  num-queries-per-thread: 4096
stub-zone:
  name: "."
  stub-addr: {upstream}
remote-control:
  control-enable: no
"""

# [1700000000] unbound[12:0] info: 127.0.0.1 _mta-sts.enforce.test. TXT IN
_QUERY = re.compile(r"info: \S+ (\S+)\. ([A-Z0-9]+) IN$")


class Resolver:
    """`anchor` is the root's key; the server listens at all `addresses`. It caches a record for its
    TTL, but at least for `shortest` and at most for `longest` seconds."""

    def __init__(self, directory: Path, anchor: str, addresses=(ADDRESS, DISTANT),
                 validating: bool = True, shortest: int = 0, longest: int = 86400):
        directory.mkdir()
        self._addresses = addresses
        self._lifetimes = {"shortest": shortest, "longest": longest}
        self._directory = directory
        (directory / "root.key").write_text(anchor)
        # A copy, since Debian's AppArmor profile for /usr/sbin/unbound allows /etc/unbound only.
        self._program = shutil.copy(shutil.which("unbound", path="/usr/sbin:/usr/bin:/sbin:/bin"),
                                    directory / "unbound")
        self._log = directory / "unbound.log"
        self.start(validating)

    def start(self, validating: bool = True) -> None:
        """Again after `stop()`, with an empty cache."""
        modules = "validator iterator" if validating else "iterator"
        (self._directory / "unbound.conf").write_text(_CONFIG.format(
            interfaces="\n".join(f"  interface: {address}" for address in self._addresses),
            upstream=nameserver.ADDRESS, modules=modules, directory=self._directory,
            **self._lifetimes))
        self._process = Process("unbound", [self._program, "-d", "-c",
                                            str(self._directory / "unbound.conf")], self._log)

    def wait(self) -> None:
        self._process.wait_until(lambda: dns.ask(self._addresses[0], "localhost.", "A", 0.02) is not None)

    def stop(self) -> None:
        self._process.stop()

    def send_signal(self, number: int) -> None:
        """SIGSTOP makes it silent, SIGCONT heals it."""
        self._process.send_signal(number)

    def queries(self) -> list[tuple[str, str]]:
        """Every question since the world began: (lower-case name without final dot, type).

        Without those about the root, by which a daemon sees from time to time who validates.
        """
        found = []
        for line in self._log.read_text(errors="replace").splitlines():
            match = _QUERY.search(line)
            if match:
                found.append((match[1].lower(), match[2]))
        return found
