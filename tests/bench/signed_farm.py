"""The farm of the DANE gate: MX hosts that many domains share, all of it signed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from farm import MAIL, POLICIES, WEB, Farm
from world import dns
from world.bulk import NAME_SERVER, RESOLVER, Servers
from world.processes import Failed
from world.signer import Signer
from world.tlsa import tlsa

OPERATORS = 20  # of two MX hosts each; the first half of them has usable TLSA records
MX_TTL = 60     # seconds; no less is believed

# The last two digits of a domain tell its operator: o00 to o19.
OPERATOR = r"""
  map $mail_domain $operator {
    "~^d[0-9]*[02468](?<digit>[0-9])\." o0$digit;
    "~^d[0-9]*[13579](?<digit>[0-9])\." o1$digit;
  }
"""


class SignedFarm:
    """The enforcing domains of `farm`, with its policy hosts. All names stand in one zone, the
    root, which is signed once: so the resolver validates each answer, but asks for the keys of no
    further zones.
    """

    def __init__(self, directory: Path, farm: Farm):
        directory.mkdir()
        self.domains = farm.enforcing
        self.with_tlsa = {name for n, name in enumerate(self.domains)
                          if n % OPERATORS < OPERATORS // 2}
        signer = Signer(directory / "signer")
        anchor = directory / "anchor"
        anchor.write_text(signer.anchor())
        (directory / "zone").write_text(signer.sign(".", self._zone(farm)))
        policies = POLICIES.format(certificates=farm.certificates, mx="*.$operator.test")
        self._servers = Servers(directory, ".", WEB, policies, OPERATOR, anchor)

    def _zone(self, farm: Farm) -> str:
        lines = ["$TTL 3600", "$ORIGIN .", "@ SOA ns.test. hostmaster.test. 1 3600 900 604800 3600",
                 "@ NS ns.test.", f"ns.test. A {NAME_SERVER}"]
        for n, name in enumerate(self.domains):
            lines.append(f'_mta-sts.{name}. TXT "v=STSv1; id={n};"')
            lines.append(f"mta-sts.{name}. A {farm.web_address(n)}")
            lines += [f"{name}. {MX_TTL} MX {10 * host} {_mx_host(n % OPERATORS, host)}."
                      for host in (1, 2)]
        for operator in range(OPERATORS):
            for host in (1, 2):
                name = _mx_host(operator, host) + "."
                lines.append(f"{name} A {MAIL}")
                if operator < OPERATORS // 2:
                    lines.append(tlsa(name))
        return "\n".join(lines) + "\n"

    def start(self) -> None:
        """Starts the servers anew, with empty caches."""
        self._servers.start(response_rate_limit=False)

    def stop(self) -> None:
        self._servers.stop()

    @property
    def resolver_pid(self) -> int:
        return self._servers.resolver_pid

    def queries(self) -> Counter[str]:
        """How many queries of each type the resolver got since the start."""
        return self._servers.queries()

    def check(self) -> None:
        """The resolver proves every MX record, and the TLSA records or that there are none."""
        hosts = [_mx_host(operator, host) for operator in range(OPERATORS) for host in (1, 2)]
        with ThreadPoolExecutor(50) as pool:
            mx = Counter(pool.map(lambda name: dns.ask(RESOLVER, name, "MX"), self.domains))
            found = Counter(pool.map(lambda name: dns.ask(RESOLVER, "_25._tcp." + name, "TLSA"),
                                     hosts))
        if mx != {dns.Reply(dns.NOERROR, 2, True): len(self.domains)}:
            raise Failed(f"MX records: {dict(mx)}")
        half = len(hosts) // 2
        if found != {dns.Reply(dns.NOERROR, 1, True): half, dns.Reply(dns.NXDOMAIN, 0, True): half}:
            raise Failed(f"TLSA records: {dict(found)}")


def _mx_host(operator: int, host: int) -> str:
    return f"mx{host}.o{operator:02}.test"
