"""The authoritative server: nsd, with the root, "test." and every domain as a zone of its own."""

import os
import shutil
import signal
from pathlib import Path

from . import dns
from .domains import Domain
from .processes import Process

ADDRESS = "127.0.0.2"
DEFAULT_RATE_LIMIT = 200  # nsd's own

_HEAD = """
server:
  ip-address: {address}
  username: nsd
  zonesdir: "{directory}"
  database: ""
  pidfile: ""
  zonelistfile: "{directory}/zone.list"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  server-count: 1
  hide-version: yes
  rrl-ratelimit: {rate_limit}
remote-control:
  control-enable: no
"""

_PARENT = """$ORIGIN {name}
$TTL 3600
@ SOA ns.demo.invalid. hostmaster.demo.invalid. 1 3600 600 604800 60
@ NS ns.demo.invalid.
"""


class Nameserver:
    """`rate_limit` is nsd's response rate limit in answers a second, 0 for none."""

    def __init__(self, directory: Path, domains: list[Domain], rate_limit: int):
        directory.mkdir()
        shutil.chown(directory, "nsd", "nsd")
        self._directory = directory
        self._serial = 1
        zones = {".": _PARENT.format(name="."), "test.": _PARENT.format(name="test.")}
        # The parent delegates, as parents do; all are on one server.
        for domain in domains:
            zones["test."] += f"{domain.name}. NS ns.demo.invalid.\n"
            zones[domain.name + "."] = domain.zone()
        zones["."] += "test. NS ns.demo.invalid.\n"
        zones["."] += f"ns.demo.invalid. A {ADDRESS}\n"
        config = _HEAD.format(address=ADDRESS, directory=directory, rate_limit=rate_limit)
        for name, text in zones.items():
            self._file(name).write_text(text)
            config += f'zone:\n  name: "{name}"\n  zonefile: "{self._file(name)}"\n'
        file = directory / "nsd.conf"
        file.write_text(config)
        self._process = Process("nsd", ["nsd", "-d", "-c", str(file)], directory / "nsd.log")

    def wait(self) -> None:
        self._process.wait_until(lambda: dns.ask(ADDRESS, "test.", "SOA", 0.02) == (0, 1))

    def stop(self) -> None:
        self._process.stop()

    def publish(self, domain: Domain) -> None:
        """The zone as the domain is described now; the caller asks until it is there."""
        self._serial += 1
        self._file(domain.name + ".").write_text(domain.zone(self._serial))
        os.kill(self._process.pid, signal.SIGHUP)

    def pause(self) -> None:
        """Answers nothing until `resume()`; nsd is several processes, of one session."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def _file(self, zone: str) -> Path:
        return self._directory / ((zone.rstrip(".") or "root") + ".zone")
