"""tlspolicy explain --connect: what it says of each MX host, and what a real Postfix does there."""

import json
import socket
import subprocess

from world.correspondents import correspondent, host
from world.domains import Domain, PolicyHost, policy
from world.mail_case import MailTest
from world.receiver import GOOD, OTHER, PLAIN

# Addresses of the world with nobody there, and with somebody who accepts and says nothing.
NOBODY, SILENT = "192.31.196.140", "192.31.196.141"
DOMAINS = (
    correspondent("absent.test", "mx.absent.test", records=(f"mx A {NOBODY}",)),
    correspondent("mute.test", "mx.mute.test", records=(f"mx A {SILENT}",)),
    Domain("backup.test", mx=("mx.absent.test", "good.mailhosts.test"),
           host=PolicyHost(policy("mx.absent.test", "good.mailhosts.test"))),
)
ACCEPTED, REFUSED = "accepted", "refused"
PROTECTED, UNPROTECTED, DEFERRED = 0, 1, 2


class Connect:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.silent = socket.create_server((SILENT, 25), backlog=64)

    @classmethod
    def tearDownClass(cls):
        cls.silent.close()
        super().tearDownClass()

    def explain(self, key: str, code: int) -> list[dict]:
        """What is told of each host."""
        done = subprocess.run([self.program.parent / "tlspolicy", "explain", "--connect", "--json",
                               key], capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)["connect"]

    def assert_one(self, domain: str, verdict: str, why: str, code: int) -> dict:
        """The domain's only host, and Postfix does as is said of it."""
        one, = self.explain(domain, code)
        self.assertEqual(one["verdict"], verdict, one)
        self.assertRegex(one["why"], why)
        delivery = self.mail("bob@" + domain)
        self.assertEqual(delivery.status, "sent" if verdict == ACCEPTED else "deferred",
                         delivery.log)
        self.outcome = f"{verdict}, {delivery.status}"
        return one

    def test_good(self):
        """S37: explain --connect: a good host: its certificate is shown, and accepted"""
        one = self.assert_one("good.test", ACCEPTED, "trusted certificate for good.mailhosts.test",
                              PROTECTED)
        self.assertEqual((one["address"], one["tls"], one["starttls"]),
                         (f"{GOOD.address}:25", "TLSv1.3", True))
        shown = one["certificate"]
        self.assertEqual((shown["issuer"], shown["distrust"], shown["matches"]),
                         ("CN=Demo world root", "", "good.mailhosts.test"))
        self.assertEqual(set(shown["names"]), set(GOOD.certificate.names))
        text = subprocess.run([self.program.parent / "tlspolicy", "explain", "--connect",
                               "good.test"], capture_output=True, text=True, timeout=100).stdout
        self.assertIn(f"good.mailhosts.test: {GOOD.address}:25, offers STARTTLS, TLSv1.3", text)
        self.assertIn("would be accepted: a trusted certificate for good.mailhosts.test", text)

    def test_bad(self):
        """S37, B-9: explain --connect: bad certificates, no STARTTLS: refused, and why"""
        for domain, why in (
                ("mismatch.test", "valid for none of other.mailhosts.test"),
                ("homemade.test", "self-signed certificate"),
                ("outdated.test", "certificate has expired"),
                ("plaintext.test", "does not offer STARTTLS"),
                ("deeper.test", "valid for none of mx.shared.test"),
                ("outside.test", "no pattern of the policy matches the host")):
            with self.subTest(domain):
                self.assert_one(domain, REFUSED, why, DEFERRED)

    def test_absent(self):
        """explain --connect: nobody listens: said so"""
        one = self.assert_one("absent.test", REFUSED, "connection: .*Connection refused", DEFERRED)
        self.assertEqual(one["trouble"]["fault"], "connect")

    def test_mute(self):
        """explain --connect: a host that says nothing: given up after 10 s"""
        one, = self.explain("mute.test", DEFERRED)
        self.assertEqual((one["verdict"], one["why"]), (REFUSED, "greeting: not done within 10 s"))
        self.assertEqual(one["address"], f"{SILENT}:25")
        # smtp(8) would wait for five minutes.
        self.outcome = "given up"

    def test_several(self):
        """S35: explain --connect: one host of two serves: protected"""
        absent, good = self.explain("backup.test", PROTECTED)
        self.assertEqual((absent["verdict"], good["verdict"]), (REFUSED, ACCEPTED))
        self.assertEqual(self.mail("bob@backup.test").relay, "good.mailhosts.test")
        spare, good = self.explain("next-host.test", PROTECTED)
        self.assertEqual((spare["verdict"], good["verdict"]), (REFUSED, ACCEPTED))

    def test_dane(self):
        """D9, S1: explain --connect: dane-only: the TLSA records decide"""
        self.assert_one("tlsa-good.test", ACCEPTED, "a TLSA record authenticates", PROTECTED)
        self.assert_one("tlsa-mismatch.test", REFUSED, "no TLSA record authenticates it", DEFERRED)
        self.assert_one("unsigned.test", ACCEPTED, "trusted certificate for pkix", PROTECTED)

    def test_not_enforced(self):
        """S39, decision 5: explain --connect: testing and no policy: it does not bind"""
        one, = self.explain("trying.test", UNPROTECTED)
        self.assertEqual((one["verdict"], one["binding"]), (REFUSED, False))
        self.assertEqual(one["address"], f"{OTHER.address}:25")
        one = self.assert_one("bare.test", ACCEPTED, "no policy asks for TLS", UNPROTECTED)
        self.assertEqual((one["address"], one["starttls"]), (f"{PLAIN.address}:25", False))

    def test_smart_host(self):
        """S32: explain --connect: a smart host at its port"""
        one, = self.explain("[relay-good.test]:587", PROTECTED)
        self.assertEqual((one["address"], one["verdict"]), (f"{GOOD.address}:587", ACCEPTED))
        one, = self.explain("[relay-bad.test]:587", DEFERRED)
        self.assertEqual(one["verdict"], REFUSED)


class ConnectOnDebian12(Connect, MailTest):
    pass
