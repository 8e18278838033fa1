"""The world is what its table says: otherwise the other tests prove nothing."""

import dataclasses
import socket
import ssl

from world import dns, domains, nameserver
from world.case import WorldTest
from world.domains import Domain
from world.resolver import ADDRESS, DISTANT
from world.tlsa import tlsa

DOMAINS = (
    Domain("proved.test", mx=("mx.proved.test",), signed=True,
           records=(tlsa("mx"), "inside CNAME mx", "outside CNAME mx1.enforce.test.")),
    Domain("child.proved.test", mx=("mx.child.proved.test",), signed=True),
    # For one test only: while nsd reloads a zone, nobody knows which of the two it serves.
    Domain("moves.proved.test", mx=("mx.moves.proved.test",), signed=True),
    Domain("forged.test", mx=("mx.forged.test",), signed=True, records=(tlsa("mx"),),
           bogus=("_25._tcp.mx.forged.test TLSA",)),
    Domain("island.test", mx=("mx.island.test",), signed=True, ds="none"),
    Domain("wrongds.test", mx=("mx.wrongds.test",), signed=True, ds="wrong"),
    Domain("faulty.test", mx=("mx.faulty.test",), signed=True, records=(tlsa("mx"), "quiet TXT x"),
           servfail=("mx.faulty.test AAAA",), silent=("quiet.faulty.test A",)),
    Domain("faulty2.test", mx=("mx.faulty2.test",), servfail=("mx.faulty2.test AAAA",)),
)


def fetch(host: str, address: str, verify: bool = True, server_name: str | None = None) -> bytes:
    """The response of a policy host, as a client that checks what every client checks gets it."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address, 443), 5) as wire:
        with context.wrap_socket(wire, server_hostname=server_name or host) as tls:
            tls.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\n"
                        "Connection: close\r\n\r\n".encode())
            response = b""
            while chunk := tls.recv(65536):
                response += chunk
    return response


class TheWorld(WorldTest):
    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def response(self, name: str, verify: bool = True) -> bytes:
        return fetch("mta-sts." + name, self.world.domain(name).host.address, verify)

    def test_good_hosts(self):
        """the world: whoever should have a good policy host has one"""
        for domain in domains.DEMO:
            if domain.host and domain.questions and domain.questions[0].compat:
                with self.subTest(domain.name):
                    response = fetch(domain.policy_host, domains.WEB)
                    self.assertTrue(response.startswith(b"HTTP/1.1 200 "))
                    self.assertIn(b"\r\nContent-Type: text/plain\r\n", response)
                    self.assertTrue(response.endswith(b"\r\n\r\n" + domain.host.body.encode()))

    def test_bad_certificates(self):
        """the world: bad certificates are bad in the way that their domain says"""
        for name, what in (("wrongcert.test", "Hostname mismatch"),
                           ("selfsigned.test", "self-signed certificate"),
                           ("expired.test", "certificate has expired")):
            with self.subTest(name):
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, what):
                    self.response(name)
                self.assertIn(b"mode: enforce", self.response(name, verify=False))
        with self.subTest("cnonly.test"):
            self.assertNotIn(b"subjectAltName", self.world.authority.file(
                self.world.domain("cnonly.test").certificate()).read_bytes())
            self.assertIn(b"mode: enforce", self.response("cnonly.test", verify=False))

    def test_bad_responses(self):
        """the world: bad responses are bad in the way that their domain says"""
        for name, what in (("redirect.test", b"\r\nLocation: https://mta-sts.redirected.test/"),
                           ("html.test", b"\r\nContent-Type: text/html\r\n"),
                           ("gzip.test", b"\r\nContent-Encoding: gzip\r\n"),
                           ("notfound.test", b"HTTP/1.1 404 "),
                           ("notfound.test", b"mode: enforce"),
                           ("oversized.test", b"\r\nContent-Length: 65537\r\n"),
                           ("private.test", b"mode: enforce"),
                           ("twotxt.test", b"mode: enforce"),
                           ("brokentxt.test", b"mode: enforce")):
            with self.subTest(name):
                self.assertIn(what, self.response(name))

    def test_redirect_target(self):
        """the world: the redirect's target would serve the policy"""
        self.assertIn(b"mx: mx.redirect.test", fetch("mta-sts.redirected.test", domains.WEB))

    def test_silence(self):
        """the world: the silent host accepts and says nothing"""
        with socket.create_connection((domains.SILENT, 443), 2) as wire:
            wire.settimeout(0.3)
            wire.sendall(b"hello")
            with self.assertRaises(TimeoutError):
                wire.recv(1)

    def test_sni(self):
        """the world: without the right server name there is no handshake"""
        with self.assertRaises(ssl.SSLError):
            fetch("mta-sts.enforce.test", domains.WEB, server_name="nobody.test")

    def test_names_end_here(self):
        """the world: no name outside of it resolves"""
        self.assertEqual(dns.ask("127.0.0.1", "debian.org", "MX")[:2], (3, 0))


class Dnssec(WorldTest):
    """By what the resolver says: (RCODE, number of answers, AD bit)."""

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    SECURE, INSECURE, BOGUS = (0, 1, True), (0, 1, False), (2, 0, False)

    def assert_replies(self, *wanted: tuple[str, str, tuple[int, int, bool]]) -> None:
        for name, kind, reply in wanted:
            with self.subTest(f"{name} {kind}"):
                self.assertEqual(dns.ask(ADDRESS, name, kind, 10), reply)

    def test_signed(self):
        """the world: signed names have the AD bit, and so have denials"""
        self.assert_replies((".", "NS", self.SECURE), ("test", "NS", self.SECURE),
                            ("proved.test", "MX", self.SECURE),
                            ("mx.proved.test", "A", self.SECURE),
                            ("_25._tcp.mx.proved.test", "TLSA", self.SECURE),
                            ("mx.child.proved.test", "A", self.SECURE),
                            ("inside.proved.test", "A", (0, 2, True)),
                            ("mx.proved.test", "AAAA", (0, 0, True)),
                            ("nothing.proved.test", "A", (3, 0, True)),
                            ("there-is-none.test", "MX", (3, 0, True)))

    def test_unsigned(self):
        """the world: unsigned names have none, whether they lack signatures or only a DS"""
        self.assert_replies(("enforce.test", "NS", self.INSECURE),
                            ("mx1.enforce.test", "A", self.INSECURE),
                            ("mx1.enforce.test", "AAAA", (0, 0, False)),
                            ("nothing.enforce.test", "A", (3, 0, False)),
                            ("island.test", "MX", self.INSECURE),
                            ("mx.island.test", "A", self.INSECURE),
                            ("faulty2.test", "MX", self.INSECURE))

    def test_alias(self):
        """the world: a signed alias of an unsigned name is not secure, its CNAME alone is"""
        self.assert_replies(("outside.proved.test", "A", (0, 2, False)),
                            ("outside.proved.test", "CNAME", self.SECURE))

    def test_bogus(self):
        """the world: wrong signatures are SERVFAIL, of one record or of everything"""
        self.assert_replies(("_25._tcp.mx.forged.test", "TLSA", self.BOGUS),
                            ("forged.test", "MX", self.SECURE),
                            ("mx.forged.test", "A", self.SECURE),
                            ("wrongds.test", "MX", self.BOGUS),
                            ("mx.wrongds.test", "A", self.BOGUS))

    def test_faults(self):
        """the world: a name server with faults does one thing wrong and the rest right"""
        self.assert_replies(("mx.faulty.test", "A", self.SECURE),
                            ("_25._tcp.mx.faulty.test", "TLSA", self.SECURE),
                            ("mx.faulty.test", "AAAA", self.BOGUS),
                            ("mx.faulty2.test", "A", self.INSECURE),
                            ("mx.faulty2.test", "AAAA", self.BOGUS))
        self.assertIsNone(dns.ask(ADDRESS, "quiet.faulty.test", "A", 1))

    def test_not_validating(self):
        """the world: the resolver can be one that does not validate; it has two addresses"""
        self.assertEqual(dns.ask(DISTANT, "proved.test", "MX"), self.SECURE)
        self.world.resolver.stop()
        try:
            self.world.resolver.start(validating=False)
            self.world.resolver.wait()
            for address in (ADDRESS, DISTANT):
                self.assertEqual(dns.ask(address, "proved.test", "MX"), self.INSECURE)
                self.assertEqual(dns.ask(address, "wrongds.test", "MX"), self.INSECURE)
        finally:
            self.world.resolver.stop()
            self.world.resolver.start()
            self.world.resolver.wait()

    def test_published(self):
        """the world: a signed zone can be published anew"""
        domain = self.world.domain("moves.proved.test")
        self.world.nameserver.publish(dataclasses.replace(
            domain, mx=("a.moves.proved.test", "b.moves.proved.test")))
        # nsd's old process answers beside the new one for a moment.
        self.eventually(lambda: all(
            dns.ask(nameserver.ADDRESS, domain.name, "MX") == (0, 2, False) for _ in range(30)))
        self.assertEqual(dns.ask(ADDRESS, domain.name, "MX"), (0, 2, True))
