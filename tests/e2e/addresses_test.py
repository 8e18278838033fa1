"""The addresses of a policy host: which are connected to, and what one that fails means."""

import json
import socket
import subprocess
import threading
import time

from world import dns
from world.case import WorldTest
from world.domains import WEB, Domain, PolicyHost, policy
from world.hostile import GOOD, OK, HostileServer, proper
from world.resolver import ADDRESS as RESOLVER

# 2620:4f:8000::/48 is registered as globally reachable, like 192.31.196.0/24 (AS112, RFC 7534).
MUTE, FOREIGN, NAT64 = "2620:4f:8000::1", "2620:4f:8000::2", "64:ff9b::c01f:c4fa"
HIDING = "64:ff9b::7f00:1"            # 127.0.0.1
NOWHERE, NOWHERE_V6 = "192.31.197.1", "2620:4f:8000::99"  # no route leads there
SLOW_RESOLVER = "127.0.0.77"
LATE = 3.0                            # seconds


def host(name: str, *records: str) -> Domain:
    """The good host that everybody has, and further addresses of it."""
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name), address=WEB),
                  records=records)


def elsewhere(name: str, *records: str) -> Domain:
    return Domain(name, mx=("mx.hostile.test",), records=records)


DOMAINS = (
    host("firstmute.test", f"mta-sts AAAA {MUTE}"),
    host("othersite.test", f"mta-sts AAAA {FOREIGN}"),
    host("late-a.test", f"mta-sts AAAA {NOWHERE_V6}"),
    elsewhere("onlyforeign.test", f"mta-sts AAAA {FOREIGN}"),
    elsewhere("dns64.test", f"mta-sts AAAA {NAT64}"),
    elsewhere("hiding64.test", f"mta-sts AAAA {HIDING}"),
    elsewhere("private-a.test", "mta-sts A 192.168.7.8"),
    elsewhere("uplink.test", f"mta-sts A {NOWHERE}"),
    elsewhere("onlysix.test", f"mta-sts AAAA {NOWHERE_V6}"),
    elsewhere("onlyfour.test", f"mta-sts A {NOWHERE}"),
)


def ip(*words: str) -> None:
    subprocess.run(["ip", "-6", *words], check=True, capture_output=True)


class Addresses(WorldTest):
    @classmethod
    def setUpClass(cls):
        for address in (MUTE, FOREIGN, NAT64, HIDING):
            ip("addr", "replace", f"{address}/128", "dev", "lo", "nodad")
        # It listens and never accepts: the kernel completes connections, no byte comes.
        cls.mute = socket.create_server((MUTE, 443), family=socket.AF_INET6, backlog=64)
        answer = proper(OK + b"\r\n" + GOOD)
        cls.servers = [
            HostileServer(cls.world, "www.othersite.test", FOREIGN, answer),
            HostileServer(cls.world, "mta-sts.dns64.test", NAT64, answer),
            HostileServer(cls.world, "mta-sts.hiding64.test", HIDING, answer),
        ]
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.mute.close()
        for server in cls.servers:
            server.close()
        for address in (MUTE, FOREIGN, NAT64, HIDING):
            ip("addr", "del", f"{address}/128", "dev", "lo")

    def timed(self, key: str) -> tuple:
        begun = time.monotonic()
        return self.ask(key), time.monotonic() - begun

    def test_mute(self):
        """F14: the first address takes the connection and says nothing: the second, within seconds"""
        begun = time.monotonic()
        self.assert_secure("firstmute.test", "mx.firstmute.test")
        self.note(f"{time.monotonic() - begun:.1f} s")
        self.assertLess(time.monotonic() - begun, 6)

    def test_other_site(self):
        """F15: the certificate of another site at the IPv6 address: secure by the other address"""
        begun = time.monotonic()
        self.assert_secure("othersite.test", "mx.othersite.test")
        self.assertLess(time.monotonic() - begun, 3)
        self.assertGreaterEqual(self.servers[0].connections, 1)

    def test_only_other_site(self):
        """F15: the certificate of another site at every address: not found, and the log says so"""
        self.assert_not_found("onlyforeign.test")
        self.assertRegex(self.daemon.log_text(), r"onlyforeign\.test.*hostname mismatch")

    def test_nat64(self):
        """F1: behind NAT64 an IPv4-only host is connected to"""
        self.assert_secure("dns64.test", "mx.hostile.test")

    def test_hiding(self):
        """F1, A-8: NAT64 hides no address of our own; F21: the log names the key that allows it"""
        for name, address in (("hiding64.test", f"{HIDING} (NAT64 of 127.0.0.1)"),
                              ("private-a.test", "192.168.7.8")):
            with self.subTest(name):
                self.assert_not_found(name)
                lines = [line for line in self.daemon.log_text().splitlines() if name in line]
                self.assertTrue(any(address in line and "https.allow_addresses" in line
                                    for line in lines), lines)
        self.assertEqual(self.servers[2].connections, 0)

    def test_explain_names_key(self):
        """F21: explain and doctor name the refused address and the key that would allow it"""
        tool = self.program.parent / "tlspolicy"
        done = subprocess.run([tool, "explain", "--standalone", "private-a.test"],
                              capture_output=True, text=True, timeout=60)
        self.assertIn("192.168.7.8", done.stdout)
        self.assertIn("https.allow_addresses", done.stdout)
        done = subprocess.run([tool, "explain", "--standalone", "--json", "private-a.test"],
                              capture_output=True, text=True, timeout=60)
        self.assertIn("https.allow_addresses", json.dumps(json.loads(done.stdout)))
        done = subprocess.run([tool, "doctor", "--probe-domain", "private-a.test",
                               "--bogus-name", "bogus.test"],
                              capture_output=True, text=True, timeout=120)
        lines = [line for line in done.stdout.splitlines() if "192.168.7.8" in line]
        self.assertTrue(any("https.allow_addresses" in line for line in lines), done.stdout)

    def test_no_uplink(self):
        """decision 11: no route to the Internet at all is a local failure: an error, not unprotected"""
        answer = self.ask("uplink.test")
        self.assertIsInstance(answer, str)
        self.assertTrue(answer.startswith("TEMP "), answer)
        self.assertIn("no route to the Internet", answer)

    def test_other_family(self):
        """a policy host of the family that this machine lacks is the remote's: not found, for either"""
        self.assert_not_found("onlysix.test")
        ip("route", "add", "default", "dev", "lo")
        try:
            self.assert_not_found("onlyfour.test")
        finally:
            ip("route", "del", "default", "dev", "lo")


class SlowFamily:
    """Relays to the resolver, `LATE` seconds later where A records of a policy host are asked for."""

    def __init__(self):
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wire.bind((SLOW_RESOLVER, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._wire.close()

    def _serve(self) -> None:
        while True:
            try:
                packet, sender = self._wire.recvfrom(4096)
            except OSError:
                return
            threading.Thread(target=self._relay, args=(packet, sender), daemon=True).start()

    def _relay(self, packet: bytes, sender) -> None:
        name, kind, _ = dns.question(packet)
        if kind == "A" and name.startswith("mta-sts."):
            time.sleep(LATE)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                wire.settimeout(5)
                wire.connect((RESOLVER, 53))
                wire.send(packet)
                self._wire.sendto(wire.recv(65535), sender)
        except OSError:
            pass


class LateFamily(WorldTest):
    # With a time-out that the late answer does not exceed: what is late is the answer, not lost.
    config = f"resolver: {{servers: [{SLOW_RESOLVER}], timeout: 5s}}\n"

    @classmethod
    def setUpClass(cls):
        cls.relay = SlowFamily()
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.relay.close()

    def test_late_a(self):
        """D2: without IPv6, a host with an AAAA record whose A record comes late: secure"""
        begun = time.monotonic()
        self.assert_secure("late-a.test", "mx.late-a.test")
        taken = time.monotonic() - begun
        self.note(f"{taken:.1f} s")
        self.assertGreater(taken, LATE)
        self.assertLess(taken, LATE + 2)
