"""The name servers that are asked: slow ones, those of an interface, stubs, and trusted ones that die."""

import json
import subprocess
import time
from pathlib import Path

from world import reply
from world.case import WorldTest
from world.dane import DaneTest, enforcing
from world.domains import Domain, PolicyHost, policy
from world.relay import Relay
from world.resolver import ADDRESS, Resolver
from world.tlsa import tlsa

SLOW = "127.0.0.60"
STUB = "127.0.0.53"
LINK_LOCAL = "fe80::53"
RESOLV_CONF = Path("/etc/resolv.conf")


def good(name: str) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)))


DOMAINS = (good("slow75.test"), good("slow9.test"), good("scoped.test"), good("scoped2.test"),
           enforcing("stubbed.test", "mx.stubbed.test", records=(tlsa("mx"),)),
           enforcing("orphan.test", "mx.orphan.test", records=(tlsa("mx"),)),
           enforcing("orphan2.test", "mx.orphan2.test", records=(tlsa("mx"),)),
           enforcing("orphan3.test", "mx.orphan3.test", records=(tlsa("mx"),)),
           enforcing("halfmute.test", "mx.halfmute.test", records=(tlsa("mx"),)))


class SlowTxt(WorldTest):
    config = f"resolver: {{servers: [{SLOW}]}}\n"
    delays = {("_mta-sts.slow75.test", "TXT"): 7.5, ("_mta-sts.slow9.test", "TXT"): 9.0}

    @classmethod
    def setUpClass(cls):
        cls.relay = Relay(SLOW, ADDRESS, cls.delays)
        cls.addClassCleanup(cls.relay.close)
        super().setUpClass()

    def answered_after(self, name: str, seconds: float) -> None:
        begun = time.monotonic()
        self.assert_secure(name, "mx." + name)
        taken = time.monotonic() - begun
        self.note(f"{taken:.2f} s")
        self.assertGreater(taken, seconds - 0.1)
        self.assertLess(taken, seconds + 0.9)

    def test_75(self):
        """F11: a TXT record that comes after 7.5 s counts"""
        self.answered_after("slow75.test", 7.5)

    def test_9(self):
        """F11: one that comes after 9 s, too"""
        self.answered_after("slow9.test", 9.0)


class HalfMute(DaneTest):
    config = f"resolver: {{servers: [{SLOW}]}}\n"

    @classmethod
    def setUpClass(cls):
        cls.relay = Relay(SLOW, ADDRESS, {("mx.halfmute.test", "AAAA"): 1000.0})
        cls.addClassCleanup(cls.relay.close)
        super().setUpClass()

    def test_aaaa_is_never_answered(self):
        """F10: an MX host whose AAAA is never answered costs no time: its A is signed"""
        begun = time.monotonic()
        self.assert_dane_only("halfmute.test")
        taken = time.monotonic() - begun
        self.note(f"{taken:.2f} s")
        self.assertLess(taken, 1.5)
        self.assertIn(("mx.halfmute.test", "AAAA"), self.relay.questions)


class Scoped(WorldTest):
    """resolv.conf names a link-local server with its interface, and nothing else that is there."""

    @classmethod
    def setUpClass(cls):
        cls.interface = cls._interface()
        cls.relay = Relay(f"{LINK_LOCAL}%{cls.interface}", ADDRESS)
        cls.addClassCleanup(cls.relay.close)
        before = RESOLV_CONF.read_text()
        cls.addClassCleanup(RESOLV_CONF.write_text, before)
        RESOLV_CONF.write_text(f"nameserver {LINK_LOCAL}%nosuch0\n"
                               f"nameserver {LINK_LOCAL}%{cls.interface}\n")
        super().setUpClass()

    @classmethod
    def _interface(cls) -> str:
        """A link of its own where the kernel has dummy or veth links, else lo."""
        for kind in ("dummy", "veth"):
            if subprocess.run(["ip", "link", "add", "dns0", "type", kind],
                              capture_output=True).returncode == 0:
                subprocess.run(["ip", "link", "set", "dns0", "up"], check=True)
                name = "dns0"
                cls.addClassCleanup(subprocess.run, ["ip", "link", "del", "dns0"], check=True)
                break
        else:
            name = "lo"
        subprocess.run(["ip", "address", "add", f"{LINK_LOCAL}/64", "dev", name, "nodad"], check=True)
        if name == "lo":
            cls.addClassCleanup(subprocess.run, ["ip", "address", "del", f"{LINK_LOCAL}/64", "dev",
                                                 name], check=True)
        return name

    def test_it_is_asked(self):
        """F2: a name server at fe80::53%INTERFACE is asked, by its interface"""
        begun = time.monotonic()
        self.assert_secure("scoped.test", "mx.scoped.test")
        self.note(f"{time.monotonic() - begun:.2f} s by {LINK_LOCAL}%{self.interface}")
        self.assertLess(time.monotonic() - begun, 2)
        self.assertIn(("_mta-sts.scoped.test", "TXT"), self.relay.questions)

    def test_the_other_line_is_named(self):
        """F2, D10: a line whose interface does not exist is named in the log and by doctor"""
        line = next(line for line in self.daemon.log_text().splitlines()
                    if "name server unusable" in line)
        self.note(line)
        self.assertIn("line=1", line)
        self.assertIn(f"{LINK_LOCAL}%nosuch0", line)
        self.assertIn("there is no interface nosuch0", line)
        done = subprocess.run([self.program.parent / "tlspolicy", "doctor", "--json",
                               "--probe-domain", "scoped2.test"],
                              capture_output=True, text=True, timeout=100)
        found = [one for one in json.loads(done.stdout)["findings"] if "nosuch0" in one["text"]
                 and "cannot be used" in one["text"]]
        self.assertEqual(len(found), 1, done.stdout)
        self.assertEqual(found[0]["verdict"], "warning")


class ScopedByConfiguration(Scoped):
    @classmethod
    def setUpClass(cls):
        # The interface is known only once it is there.
        cls.config = f'resolver: {{servers: ["[{LINK_LOCAL}%lo]:53", "[{LINK_LOCAL}%nosuch0]:53"]}}\n'
        super().setUpClass()

    @classmethod
    def _interface(cls) -> str:
        subprocess.run(["ip", "address", "add", f"{LINK_LOCAL}/64", "dev", "lo", "nodad"], check=True)
        cls.addClassCleanup(subprocess.run, ["ip", "address", "del", f"{LINK_LOCAL}/64", "dev", "lo"],
                            check=True)
        return "lo"

    def test_it_is_asked(self):
        """F2: so is one of the configuration"""
        self.assert_secure("scoped2.test", "mx.scoped2.test")
        self.assertIn(("_mta-sts.scoped2.test", "TXT"), self.relay.questions)

    def test_the_other_line_is_named(self):
        """F2: and one whose interface does not exist is named in the log"""
        line = next(line for line in self.daemon.log_text().splitlines()
                    if "name server unusable" in line)
        self.assertIn(f"[{LINK_LOCAL}%nosuch0]:53", line)


class Stub(DaneTest):
    """A server that validates, at the address of systemd-resolved's stub."""

    config = f"resolver: {{servers: [{STUB}]}}\n"

    @classmethod
    def setUpClass(cls):
        cls.stub = Resolver(cls.world.directory / cls.__name__, cls.world.nameserver.anchor, (STUB,))
        cls.addClassCleanup(cls.stub.stop)
        cls.stub.wait()
        super().setUpClass()

    def test_not_trusted(self):
        """F9: the AD bit of a stub does not count: MTA-STS goes on, and the log says why"""
        self.eventually(lambda: "does not validate" in self.daemon.log_text())
        self.assert_sts("stubbed.test")
        line = next(line for line in self.daemon.log_text().splitlines()
                    if "does not validate" in line)
        self.note(line)
        self.assertIn("127.0.0.53", line)


class StubTrusted(Stub):
    config = f"resolver: {{servers: [{STUB}], trust_ad: yes}}\n"

    def test_not_trusted(self):
        """F9: it does where the configuration says so"""
        self.assert_dane_only("stubbed.test")
        self.assertNotIn("does not validate", self.daemon.log_text())


class TrustedDies(DaneTest):
    """127.0.0.1 validates and dies; another server, which is not trusted, goes on."""

    config = f"resolver: {{servers: [{ADDRESS}, 192.31.196.54]}}\n"

    @classmethod
    def setUpClass(cls):
        cls.other = Resolver(cls.world.directory / cls.__name__, cls.world.nameserver.anchor,
                             ("192.31.196.54",))
        cls.addClassCleanup(cls.other.stop)
        cls.other.wait()
        super().setUpClass()

    @classmethod
    def heal(cls):
        cls.world.resolver.stop()
        cls.world.resolver.start()
        cls.world.resolver.wait()

    def first_answer_after(self, begun: float, name: str, limit: float) -> list[str]:
        """What was answered before MTA-STS was, asked again at once each time."""
        others = []
        while not isinstance(answer := self.ask(name), reply.Policy):
            others.append(str(answer))
            self.assertLess(time.monotonic() - begun, limit, others)
        return others

    def test_it_dies(self):
        """decision 33: the trusted resolver dies: MTA-STS by the other one within seconds"""
        self.assert_dane_only("orphan.test")
        time.sleep(6)  # as long after its last look as the watch wants to be
        self.world.resolver.stop()
        self.addCleanup(self.heal)
        begun = time.monotonic()
        others = self.first_answer_after(begun, "orphan2.test", 40)
        self.note(f"first answer {time.monotonic() - begun:.1f} s after its death; before: {others}")
        self.assertLessEqual(len(others), 1)
        self.assertLess(time.monotonic() - begun, 15)
        for other in others:
            self.assertTrue(other.startswith("TEMP "), other)
        self.assert_sts("orphan3.test")
        self.heal()
        begun = time.monotonic()
        while str(self.ask("orphan3.test")) != "dane-only":
            self.assertLess(time.monotonic() - begun, 45)
            time.sleep(0.5)
        self.note(f"DANE {time.monotonic() - begun:.1f} s after it came back")
