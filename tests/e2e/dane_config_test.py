"""The DANE gate: whom it believes, and what the configuration changes."""

import socket
import time

from world.dane import QUICK, DaneTest, asked, enforcing
from world.domains import Domain, PolicyHost, policy
from world.resolver import ADDRESS, DISTANT, Resolver
from world.tlsa import tlsa

SILENT_SERVER = "127.0.0.98"
NOBODY = "127.0.0.99"
CREDULOUS = "192.31.196.54"  # a resolver that does not validate
BOTH = (tlsa("mx1"), tlsa("mx2"))
WARNING = "does not validate"


def two(name: str, *records: str, **more) -> Domain:
    return enforcing(name, "mx1." + name, "mx2." + name, records=records, **more)


def without(name: str, *records: str, **more) -> Domain:
    """The same without MTA-STS."""
    return Domain(name, txt=(), mx=("mx1." + name, "mx2." + name), records=records,
                  **{"signed": True, **more})


DOMAINS = (
    two("gate.test", *BOTH), two("gate2.test", *BOTH), two("gate-partly.test", BOTH[0]),
    two("gate-broken.test", *BOTH, bogus=("_25._tcp.mx1.gate-broken.test TLSA",
                                          "_25._tcp.mx2.gate-broken.test TLSA")),
    two("behind.test", *BOTH), two("behind2.test", *BOTH),
    two("behind-mx.test", *BOTH, bogus=("behind-mx.test MX",)),
    two("second.test", *BOTH), two("second2.test", *BOTH), two("gate-late.test", *BOTH),
    without("always.test", *BOTH),
    without("always-partly.test", BOTH[0]),
    without("always-none.test"),
    without("always-bogus.test", *BOTH, bogus=("_25._tcp.mx2.always-bogus.test TLSA",)),
    without("always-bogus-mx.test", *BOTH, bogus=("always-bogus-mx.test MX",)),
    without("always-gone.test", *BOTH, "mx1 TXT none", "mx2 TXT none"),
    without("always-unsigned.test", *BOTH, signed=False),
    Domain("always-testing.test", mx=("mx.always-testing.test",), signed=True,
           records=(tlsa("mx"),),
           host=PolicyHost(policy("mx.always-testing.test", mode="testing"))),
)


class NotValidating(DaneTest):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(cls.restart_resolver)
        cls.restart_resolver(validating=False)
        super().setUpClass()

    @classmethod
    def restart_resolver(cls, **more):
        cls.world.resolver.stop()
        cls.world.resolver.start(**more)
        cls.world.resolver.wait()

    def test_no_gate(self):
        """D1: a resolver that does not validate: MTA-STS, no TLSA query, one warning"""
        with self.dns_queries() as queries:
            self.assert_sts("gate.test")
            self.assert_sts("gate-broken.test")
        self.assertEqual(asked(queries, "TLSA"), [])
        self.eventually(lambda: WARNING in self.daemon.log_text())
        self.assertEqual(self.daemon.log_text().count(WARNING), 1)
        self.note(next(line for line in self.daemon.log_text().splitlines() if WARNING in line))


class Distant(DaneTest):
    config = f"resolver: {{servers: [{DISTANT}]}}\n"

    def test_not_believed(self):
        """D1: the AD bit of a resolver that is not on this machine does not count: MTA-STS"""
        with self.dns_queries() as queries:
            self.assert_sts("gate.test")
        self.assertEqual(asked(queries, "TLSA"), [])
        self.eventually(lambda: WARNING in self.daemon.log_text())
        self.assertEqual(self.daemon.log_text().count(WARNING), 1)


class DistantTrusted(DaneTest):
    config = f"resolver: {{servers: [{DISTANT}], trust_ad: yes}}\n"

    def test_believed(self):
        """D1: if the configuration says so, it counts"""
        self.assert_dane_only("gate.test")
        self.assertNotIn(WARNING, self.daemon.log_text())


class Late(DaneTest):
    @classmethod
    def setUpClass(cls):
        cls.world.resolver.stop()
        try:
            super().setUpClass()
            time.sleep(1)
        finally:
            cls.world.resolver.start()
            cls.world.resolver.wait()

    def test_resolver_comes_later(self):
        """D1: a resolver that was not there at the start is not one that does not validate"""
        begun = time.monotonic()
        while str(self.ask("gate-late.test"))[:5] in ("NOTFO", "TEMP "):
            self.assertLess(time.monotonic() - begun, 40)
            time.sleep(0.5)
        self.note(f"answered {time.monotonic() - begun:.1f} s after the resolver came")
        self.assert_dane_only("gate-late.test")


class Off(DaneTest):
    config = "dane: {mode: off}\n"

    def test_off(self):
        """D18: dane.mode off: MTA-STS, and nobody looks for addresses or TLSA records"""
        with self.dns_queries() as queries:
            self.assert_sts("gate.test")
            self.assert_sts("gate-broken.test")
        self.assertEqual(asked(queries, "TLSA"), [])
        self.assertFalse([name for name, _ in queries if name.startswith("mx")])


class OffForOne(DaneTest):
    config = QUICK + "domains: {gate.test: {dane: off}, gate-broken.test: {dane: off}}\n"

    def test_off(self):
        """D21: off for one domain: MTA-STS there, and only there"""
        self.assert_sts("gate.test")
        self.assert_sts("gate-broken.test")
        self.assert_dane_only("gate2.test")


class Mixed(DaneTest):
    config = QUICK + "dane: {mixed: sts}\n"

    def test_mixed(self):
        """D17: dane.mixed sts: MTA-STS where a host has no TLSA records, else dane-only"""
        self.assert_sts("gate-partly.test")
        self.assert_dane_only("gate.test")
        self.assert_temp("gate-broken.test", "TLSA")


class Always(DaneTest):
    config = QUICK + "dane: {mode: always}\n"

    def test_without_policy(self):
        """decision 5: dane.mode always: dane-only where every host has TLSA, policy or not"""
        self.assert_dane_only("always.test")
        self.assert_dane_only("always-testing.test")

    def test_not_found(self):
        """decision 5: dane.mode always: anything else, and any error, is not found"""
        for word in ("partly", "none", "bogus", "bogus-mx", "gone", "unsigned"):
            with self.subTest(word):
                self.assert_unprotected(f"always-{word}.test")
        self.assert_unprotected("nothing-here.test")

    def test_with_policy(self):
        """decision 5: dane.mode always: with an enforce policy, the gate as ever"""
        self.assert_dane_only("gate-partly.test")
        self.assert_temp("gate-broken.test", "TLSA")


class WithCredulous(DaneTest):
    """127.0.0.1 validates; behind it stands a name server that does not."""

    config = QUICK.replace("{", f"{{servers: [{ADDRESS}, {CREDULOUS}], ")

    @classmethod
    def setUpClass(cls):
        cls.credulous = Resolver(cls.world.directory / cls.__name__, cls.world.nameserver.anchor,
                                 (CREDULOUS,), validating=False)
        cls.addClassCleanup(cls.credulous.stop)
        cls.credulous.wait()
        super().setUpClass()


class CredulousBehind(WithCredulous):
    def test_refused_as_forged(self):
        """D1, D2: what the first refuses as forged, the second does not pass off as unsigned"""
        self.assert_temp("gate-broken.test", "TLSA")
        self.assert_temp("behind-mx.test", "MX")
        # Nor does a failure make everybody else's DANE depend on it.
        self.assert_dane_only("behind.test")


class CredulousAlone(WithCredulous):
    """The same, and the first server is not there when the daemon starts."""

    @classmethod
    def setUpClass(cls):
        cls.world.resolver.stop()
        cls.addClassCleanup(cls.heal)
        super().setUpClass()

    @classmethod
    def heal(cls):
        cls.world.resolver.stop()
        cls.world.resolver.start()
        cls.world.resolver.wait()

    def test_first_server_gone(self):
        """D1: none that validates is there: MTA-STS goes on, and DANE once it is back"""
        self.eventually(lambda: WARNING in self.daemon.log_text())
        self.assert_sts("behind2.test")
        self.heal()
        begun = time.monotonic()
        while str(self.ask("behind2.test")) != "dane-only":
            self.assertLess(time.monotonic() - begun, 40)
            time.sleep(0.5)
        self.note(f"DANE {time.monotonic() - begun:.1f} s after the resolver came back")
        self.assert_dane_only("behind2.test")


class FirstServerGone(DaneTest):
    config = f"resolver: {{servers: [{NOBODY}, {ADDRESS}]}}\n"

    def test_refused(self):
        """the first name server is not there: answers go on through the second, without delay"""
        begun = time.monotonic()
        self.assert_dane_only("second.test")
        taken = time.monotonic() - begun
        self.note(f"{taken:.2f} s")
        self.assertLess(taken, 1.5)


class FirstServerSilent(DaneTest):
    config = f"resolver: {{servers: [{SILENT_SERVER}, {ADDRESS}]}}\n"

    @classmethod
    def setUpClass(cls):
        cls.silence = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.addClassCleanup(cls.silence.close)
        cls.silence.bind((SILENT_SERVER, 53))
        super().setUpClass()

    def test_silent(self):
        """the first name server is silent: all answers go on through the second, in one time-out"""
        begun = time.monotonic()
        self.assert_dane_only("second2.test")
        taken = time.monotonic() - begun
        self.note(f"{taken:.2f} s, of these 1 s of waiting for the first server")
        self.assertLess(taken, 2.5)
