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
ADMIN = "/run/tlspolicyd-connect"
ACCEPTED, REFUSED, UNREACHABLE = "accepted", "refused", "unreachable"
PROTECTED, UNPROTECTED, DEFERRED, UNKNOWN = 0, 1, 2, 75


class Connect:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.silent = socket.create_server((SILENT, 25), backlog=64)

    @classmethod
    def tearDownClass(cls):
        cls.silent.close()
        super().tearDownClass()

    admin = ADMIN

    def run_tool(self, *words: str, config: str = "") -> subprocess.CompletedProcess:
        before = ("-c", config) if config else ()
        return subprocess.run([self.program.parent / "tlspolicy", *before, "explain", "-a",
                               f"unix:{ADMIN}", *words], capture_output=True, text=True, timeout=100)

    def explain(self, key: str, code: int) -> list[dict]:
        """What is told of each host."""
        done = self.run_tool("--connect", "--json", key)
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
        text = self.run_tool("--connect", "good.test").stdout
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
        """explain --connect: nobody listens: not the domain's fault, as far as one can tell"""
        one = self.assert_one("absent.test", UNREACHABLE, "connection: .*Connection refused",
                              UNKNOWN)
        self.assertEqual(one["trouble"]["fault"], "connect")
        text = self.run_tool("--connect", "absent.test").stdout
        self.assertIn("is port 25 open outwards from this machine?", text)
        self.assertRegex(text, "(?m)^result +could not be told now: no MX host could be reached")

    def test_settings(self):
        """explain --connect: by the daemon's policy and settings, which are said; else by the file's"""
        empty = self.world.directory / "other.yaml"
        empty.write_text(f"domains: {{good.test: off}}\nadmin: unix:{self.admin}\n")
        for more, asked, settings, code in (
                ((), f"the daemon at unix:{self.admin}", f"the daemon's: {self.daemon.config}",
                 PROTECTED),
                (("--standalone",), "this host's network, not the daemon (--standalone)",
                 str(empty), UNPROTECTED)):
            with self.subTest(asked):
                done = self.run_tool("--connect", *more, "good.test", config=str(empty))
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertEqual(done.stdout.splitlines()[:2],
                                 [f"asked      {asked}", f"settings   {settings}"])
                self.assertIn("would be accepted", done.stdout)

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
        self.assertEqual((absent["verdict"], good["verdict"]), (UNREACHABLE, ACCEPTED))
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
    more_config = f"admin: unix:{ADMIN}\n"
