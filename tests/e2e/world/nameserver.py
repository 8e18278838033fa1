"""The authoritative servers: nsd, with the root, "test." and every domain as a zone of its own."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import dns, domains
from .domains import Domain
from .faulty import SERVFAIL, SILENCE, FaultyNameserver
from .processes import Process
from .signer import Signer

ADDRESS = "127.0.0.2"
FAULTY = "127.0.0.3"           # for domains whose name server has faults
_BEHIND_FAULTY = "127.0.0.4"
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
@ SOA {sound} hostmaster.demo.invalid. 1 3600 600 604800 60
@ NS {sound}
"""


class Nameserver:
    """`rate_limit` is nsd's response rate limit in answers a second, 0 for none.

    The root, "test." and the domains that want it are signed; the others are delegated insecurely.
    Domains with faults are on a server of their own, as their parent would answer for them else.
    """

    def __init__(self, directory: Path, wanted: list[Domain], rate_limit: int):
        directory.mkdir()
        self._serial = 1
        self._signer = Signer(directory / "signer")
        self._faulty = None
        parents = {".": _PARENT.format(name=".", sound=domains.SOUND_SERVER),
                   "test.": _PARENT.format(name="test.", sound=domains.SOUND_SERVER)}
        by_name = {domain.name: domain for domain in wanted}
        further: dict[str, str] = {}
        for domain in wanted:
            delegation = f"{domain.name}. NS {domain.server}\n"
            if domain.signed and domain.ds != "none":
                delegation += self._signer.ds(domain.name + ".", domain.ds == "right")
            parent = _parent(domain.name, by_name)
            further[parent] = further.get(parent, "") + delegation
        parents["test."] += further.pop("test", "")
        parents["."] += (f"test. NS {domains.SOUND_SERVER}\n" + self._signer.ds("test.")
                         + f"{domains.SOUND_SERVER} A {ADDRESS}\n"
                         + f"{domains.FAULTY_SERVER} A {FAULTY}\n")
        self._delegations = further
        zones = {domain.name + ".": self._zone(domain) for domain in wanted if not domain.signed}
        with ThreadPoolExecutor(2) as pool:
            signed = [domain for domain in wanted if domain.signed]
            zones.update(zip(parents, pool.map(self._signer.sign, parents, parents.values())))
            zones.update(zip((d.name + "." for d in signed), pool.map(self._zone, signed)))
        faults = {}
        for domain in wanted:
            for what, how in ((domain.servfail, SERVFAIL), (domain.silent, SILENCE)):
                faults.update({tuple(text.split()): how for text in what})
        with_faults = {domain.name + "." for domain in wanted if domain.has_faults}
        self._nsd = _Nsd(directory / "sound", ADDRESS, rate_limit,
                         {name: zones[name] for name in zones if name not in with_faults})
        self._servers = [self._nsd]
        if with_faults:
            self._servers.append(_Nsd(directory / "faulty", _BEHIND_FAULTY, 0,
                                      {name: zones[name] for name in with_faults}))
            self._faulty = FaultyNameserver(FAULTY, _BEHIND_FAULTY, faults)

    @property
    def anchor(self) -> str:
        """The root's key."""
        return self._signer.anchor()

    def wait(self) -> None:
        for server in self._servers:
            server.wait()

    def stop(self) -> None:
        if self._faulty:
            self._faulty.close()
        for server in self._servers:
            server.process.stop()

    def publish(self, domain: Domain) -> None:
        """The zone as the domain is described now; the caller asks until it is there.

        What its parent says of it stays.
        """
        self._serial += 1
        server = self._servers[1] if domain.has_faults else self._nsd
        server.publish(domain.name + ".", self._zone(domain))

    def pause(self) -> None:
        """Answers nothing until `resume()`; nsd is several processes, of one session."""
        for server in self._servers:
            os.killpg(server.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        for server in self._servers:
            os.killpg(server.process.pid, signal.SIGCONT)

    def _zone(self, domain: Domain) -> str:
        text = domain.zone(self._serial) + self._delegations.get(domain.name, "")
        if not domain.signed:
            return text
        return self._signer.sign(domain.name + ".", text, domain.bogus)


class _Nsd:
    """One of them, with its zones."""

    def __init__(self, directory: Path, address: str, rate_limit: int, zones: dict[str, str]):
        directory.mkdir()
        shutil.chown(directory, "nsd", "nsd")
        self._directory = directory
        self._address = address
        self._probe = next(iter(zones))
        config = _HEAD.format(address=address, directory=directory, rate_limit=rate_limit)
        for name, text in zones.items():
            self._file(name).write_text(text)
            config += f'zone:\n  name: "{name}"\n  zonefile: "{self._file(name)}"\n'
        file = directory / "nsd.conf"
        file.write_text(config)
        self.process = Process("nsd", ["nsd", "-d", "-c", str(file)], directory / "nsd.log")

    def wait(self) -> None:
        self.process.wait_until(lambda: (reply := dns.ask(self._address, self._probe, "SOA", 0.02))
                                and reply[:2] == (dns.NOERROR, 1))

    def publish(self, zone: str, text: str) -> None:
        self._file(zone).write_text(text)
        self.process.send_signal(signal.SIGHUP)

    def _file(self, zone: str) -> Path:
        return self._directory / ((zone.rstrip(".") or "root") + ".zone")


def _parent(name: str, by_name: dict[str, Domain]) -> str:
    """The zone that delegates it."""
    rest = name
    while "." in rest:
        rest = rest.partition(".")[2]
        if rest in by_name:
            return rest
    return "test"
