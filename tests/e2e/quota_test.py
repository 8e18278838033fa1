"""What a cache that is asked for many domains keeps, and what it takes for it."""

import concurrent.futures

from memory_test import CUT_OFF, MemoryTest
from world import socketmap
from world.authority import Certificate
from world.domains import COMPAT, TLSRPT, WEB, Domain, PolicyHost, policy

SHARE = 100  # names in one certificate


class Customers(Domain):
    """A part of a hoster's customers, each with a policy domain below it; one policy for all."""

    @property
    def policy_host(self) -> str:
        return "*." + self.name  # for nginx: any number of labels


def customers(part: str, mx: tuple[str, ...]) -> Customers:
    names = [f"c{number}" for number in range(SHARE)]
    records = tuple(line for name in names for line in (
        f'_mta-sts.{name} TXT "v=STSv1; id=1;"', f"mta-sts.{name} A {WEB}",
        f"{name} MX 10 mx.{part}."))
    certificate = Certificate(tuple(f"mta-sts.{name}.{part}" for name in names))
    return Customers(part, txt=(), records=records,
                     host=PolicyHost(policy(*mx), certificate=certificate))


def domains(parts: tuple[Domain, ...]) -> list[str]:
    return [f"c{number}.{part.name}" for part in parts for number in range(SHARE)]


HOSTER = tuple(customers(f"p{n}.hoster.test", (f"mx.p{n}.hoster.test",)) for n in range(13))
# 510 lines, 60 KiB.
LONG = tuple(f"{'a' * 50}{n}.{'b' * 45}.example" for n in range(509))
LARGE = tuple(customers(f"p{n}.large.test", (f"mx.p{n}.large.test", *LONG)) for n in range(4))
DOMAINS = HOSTER + LARGE

# cache.memory, and what a program with sanitizers takes beside: all 400 would take 40 MiB without.
MOST = 24 * 2**20


def ask_all(names: list[str], map_name: str = COMPAT) -> list[str]:
    """Those that are not secure."""
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = pool.map(lambda name: (name, socketmap.ask(name, map_name)), names)
        return [f"{name}: {answer[:80]}" for name, answer in answers
                if not answer.startswith("OK secure ")]


class Quota(MemoryTest):
    def test_hoster(self):
        """F16 decisions 29: 1,300 domains of one hoster, killed, policy hosts gone: all secure"""
        names = domains(HOSTER)
        self.assertEqual(len(names), 1300)
        self.start(config="dane: {mode: off}")
        self.assertEqual(ask_all(names)[:3], [])
        self.assertNotIn("no place for a new policy", self.daemon.log_text())
        self.restart(config=CUT_OFF)
        lost = ask_all(names, TLSRPT)  # for which no MX records are needed
        self.note(f"{len(lost)} of {len(names)} lost after the restart")
        self.assertEqual(lost[:3], [])

    def test_large(self):
        """F20 A-12c: 400 policies of 60 KiB, cache.memory 16 MiB: the process stays bounded"""
        names = domains(LARGE)
        self.start(config="dane: {mode: off}\ncache: {memory: 16MiB}")
        # What any question makes the process take.
        ask_all(names[:5])
        before = self.daemon.resident_bytes()
        self.assertEqual(ask_all(names)[:3], [])
        grown = self.daemon.resident_bytes() - before
        self.note(f"{len(names)} policies of 60 KiB: {grown / 2**20:.1f} MiB more")
        self.assertLess(grown, MOST)
        # Once more, and after a start that reads what was saved.
        self.assertEqual(ask_all(names)[:3], [])
        self.assertLess(self.daemon.resident_bytes() - before, MOST)
        self.restart(config="dane: {mode: off}\ncache: {memory: 16MiB}")
        self.assertEqual(ask_all(names[:5]), [])
