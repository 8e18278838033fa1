"""The world is what its table says: otherwise the other tests prove nothing."""

import socket
import ssl

from world import domains, dns
from world.case import WorldTest


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
        self.assertEqual(dns.ask("127.0.0.1", "debian.org", "MX"), (3, 0))


