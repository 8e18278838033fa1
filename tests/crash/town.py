"""Thousands of domains with policies, and what each of their answers must be."""

import functools
from pathlib import Path

from world import COMPAT, dns
from world.authority import Authority, Certificate
from world.bulk import NAME_SERVER, Servers, add_addresses
from world.domains import MAIL, WEB, policy, secure, secure_tlsrpt

STRICT = "strict"  # a map of ours in which `testing` is enforced, so that such a policy is seen
MAPS = f"""
maps:
  {STRICT}:
    profile: tlsrpt
    testing: enforce
"""

# Of the changing domains, generation after generation.
MODES = ("enforce", "enforce", "none", "enforce", "testing")
# Certificates name so many hosts each.
GROUP = 100

# Steady domains are all names that stand not in the zone: each is a registered domain of its own.
ZONE = """$TTL 3600
$ORIGIN test.
@ SOA ns hostmaster {serial} 3600 900 604800 3600
@ NS ns
ns A {name_server}
mx A {mail}
* TXT "v=STSv1; id=1;"
* A {web}
* MX 10 mx
g{serial}.generation A {mail}
"""
CHANGING = """_mta-sts.{label} 0 TXT "v=STSv1; id={serial};"
mta-sts.{label} A {web}
{label} MX 10 mx
"""

HOSTS = """
    ssl_certificate {directory}/certificates/$group.pem;
    ssl_certificate_key {key};
    location = /.well-known/mta-sts.txt {{
      default_type text/plain;
      alias {directory}/policies/$mail_domain;
    }}
"""
GROUPS = "map $ssl_server_name $group { ~^mta-sts\\.([a-z][0-9]+)[0-9][0-9]\\.test$ $1; }"


class Town:
    """`steady` domains have one policy, the `changing` ones a new one in each generation.

    The first generation is published by `publish()`, as are the others.
    """

    def __init__(self, directory: Path, steady: int, changing: int):
        self._directory = directory
        self.steady = [f"d{n:05}.test" for n in range(steady)]
        self.changing = [f"c{n:05}.test" for n in range(changing)]
        self.generation = 0
        (directory / "policies").mkdir()
        for domain in self.steady:
            self._write_policy(domain, 1)
        self.authority = Authority(directory / "authority")
        self._make_certificates()
        add_addresses(MAIL)
        self._servers = Servers(directory, "test", [WEB], HOSTS.format(
            directory=directory, key=self.authority.key), GROUPS)
        self._write_zone()
        self._servers.start(response_rate_limit=False)

    def close(self) -> None:
        self._servers.stop()

    def publish(self) -> None:
        """Every changing domain gets a new policy and a new id."""
        self.generation += 1
        for domain in self.changing:
            self._write_policy(domain, self.generation)
        self._write_zone()
        name = f"g{self.generation}.generation.test"
        self._servers.reload_zone(lambda: (
            reply := dns.ask(NAME_SERVER, name, "A")) is not None and reply.is_one_record)

    def published(self, domain: str) -> int:
        """How many policies the domain has had; 1 is the first."""
        return self.generation if domain.startswith("c") else 1

    def answer(self, domain: str, generation: int, map_name: str) -> str:
        """What is to be answered while this policy of the domain is applied."""
        return _answer(domain, generation, map_name)

    def mode(self, domain: str, generation: int) -> str:
        return _mode(domain, generation)

    def _write_policy(self, domain: str, generation: int) -> None:
        text = policy(*_patterns(domain, generation), mode=_mode(domain, generation))
        (self._directory / "policies" / domain).write_text(text)

    def _make_certificates(self) -> None:
        groups: dict[str, list[str]] = {}
        for domain in self.steady + self.changing:
            groups.setdefault(domain[:-len("00.test")], []).append("mta-sts." + domain)
        wanted = {group: Certificate(tuple(names)) for group, names in groups.items()}
        self.authority.make(set(wanted.values()))
        directory = self._directory / "certificates"
        directory.mkdir()
        for group, certificate in wanted.items():
            (directory / f"{group}.pem").symlink_to(self.authority.file(certificate))

    def _write_zone(self) -> None:
        serial = self.generation
        text = ZONE.format(serial=serial, name_server=NAME_SERVER, mail=MAIL, web=WEB)
        for domain in self.changing:
            text += CHANGING.format(label=domain.removesuffix(".test"), serial=serial, web=WEB)
        (self._directory / "zone").write_text(text)


def _number(domain: str) -> int:
    return int(domain[1:].removesuffix(".test"))


def _mode(domain: str, generation: int) -> str:
    number = _number(domain)
    if domain.startswith("c"):
        return MODES[(generation + number) % len(MODES)]
    return {7: "testing", 13: "none"}.get(number % 20, "enforce")


def _patterns(domain: str, generation: int) -> list[str]:
    # Some are so long that their rows need pages of their own.
    count = 60 if _number(domain) % 25 == 0 else 1
    return ["mx.test", *(f"g{generation}-{n}.{domain}" for n in range(count))]


@functools.lru_cache(maxsize=None)
def _answer(domain: str, generation: int, map_name: str) -> str:
    mode = _mode(domain, generation)
    if mode == "none" or (mode == "testing" and map_name != STRICT):
        return "NOTFOUND "
    if map_name == COMPAT:
        return "OK " + secure(*_patterns(domain, generation))
    return "OK " + secure_tlsrpt(domain, *_patterns(domain, generation), mode=mode)
