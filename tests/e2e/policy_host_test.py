"""What a policy host must be and must say (RFC 8461 3.2, 3.3)."""

from world.authority import Certificate
from world.case import WorldTest
from world.domains import CLOSED, LOOPBACK, OLD_TLS, Domain, PolicyHost, padded, policy


def host(name: str, records=(), **more) -> Domain:
    more.setdefault("body", policy("mx." + name))
    return Domain(name, mx=("mx." + name,), host=PolicyHost(**more), records=records)


def plain(name: str, kind: str) -> Domain:
    return host(name, content_type=kind)


MEDIA_TYPES_TAKEN = {"charset.test": "'text/plain; charset=utf-8'", "upper.test": "Text/PLAIN",
                     "parameters.test": "'text/plain;charset=US-ASCII; x=y'"}
MEDIA_TYPES_REFUSED = {"octets.test": "application/octet-stream", "plainer.test": "text/plainer",
                       "markdown.test": "text/markdown", "untyped.test": ""}
STATUSES_REFUSED = (204, 206, 302, 303, 307, 308, 403, 410, 500, 503)

DOMAINS = (
    host("closed.test", address=CLOSED),
    host("oldtls.test", address=OLD_TLS),
    host("fullsize.test", body=padded("fullsize.test", 65536)),
    host("lf.test", body=policy("mx.lf.test").replace("\r", "")),
    host("nopolicy.test", body="<html>It works!</html>\n"),
    host("nothing.test", body=""),
    host("covered.test", certificate=Certificate(("*.covered.test",))),
    host("partial.test", certificate=Certificate(("m*.partial.test",))),
    host("tooearly.test", certificate=Certificate(("mta-sts.tooearly.test",), valid="future")),
    host("providers.test", alias="mta-sts.provider.test",
         certificate=Certificate(("mta-sts.provider.test",))),
    host("encoded.test", headers=(("Content-Encoding", "br"),)),
    host("stale.test", headers=(("Cache-Control", "no-store, max-age=0"), ("Expires", "0"))),
    host("bothways.test", records=(f"mta-sts A {LOOPBACK}",)),
    *(plain(name, kind) for name, kind in {**MEDIA_TYPES_TAKEN, **MEDIA_TYPES_REFUSED}.items()),
    *(host(f"status{code}.test", status=code, headers=(
        (("Location", "https://mta-sts.redirected.test/.well-known/mta-sts.txt"),)
        if 300 < code < 304 or code in (307, 308) else ())) for code in STATUSES_REFUSED),
)


class PolicyHosts(WorldTest):
    environment = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
                   "ALL_PROXY": "http://127.0.0.1:9", "SSL_CERT_FILE": "/dev/null",
                   "SSL_CERT_DIR": "/nonexistent"}

    def hits(self, name: str):
        """The requests for a domain's policy; nginx may write the first one a moment late."""
        self.eventually(lambda: self.world.webserver.hits("mta-sts." + name))
        return self.world.webserver.hits("mta-sts." + name)

    def test_request(self):
        """S11, S21, S29, C-6: one plain GET of the one path, whatever the environment says"""
        self.assert_secure("stale.test", "mx.stale.test")
        hits = self.hits("stale.test")
        self.assertEqual([(hit.sni, hit.host, hit.request, hit.status) for hit in hits],
                         [("mta-sts.stale.test", "mta-sts.stale.test",
                           "GET /.well-known/mta-sts.txt HTTP/1.1", "200")])
        # Asked again at once, it is the cache that answers, whatever HTTP said.
        self.assert_secure("stale.test", "mx.stale.test")
        self.assertEqual(len(self.hits("stale.test")), 1)

    def test_media_type(self):
        """S12, P-38: text/plain is wanted, in any case, with any parameters"""
        for name in MEDIA_TYPES_TAKEN:
            with self.subTest(name):
                self.assert_secure(name, "mx." + name)
        for name in (*MEDIA_TYPES_REFUSED, "html.test"):
            with self.subTest(name):
                self.assert_not_found(name)

    def test_certificates(self):
        """S17, S18: only a certificate with the DNS-ID mta-sts.DOMAIN will do"""
        self.assert_secure("covered.test", "mx.covered.test")
        for name in ("wrongcert.test", "selfsigned.test", "expired.test", "tooearly.test",
                     "cnonly.test", "partial.test", "providers.test"):
            with self.subTest(name):
                self.assert_not_found(name)
                self.assertEqual(self.world.webserver.hits("mta-sts." + name), [])

    def test_status(self):
        """S20: only 200 gives a policy"""
        for code in STATUSES_REFUSED:
            with self.subTest(code):
                self.assert_not_found(f"status{code}.test")
        self.assert_not_found("notfound.test")

    def test_redirect(self):
        """S20, A-6: a redirect is not followed: its target gets no hit"""
        self.assert_not_found("redirect.test")
        self.assertEqual(len(self.hits("redirect.test")), 1)
        self.assertEqual(self.world.webserver.hits("mta-sts.redirected.test"), [])

    def test_size(self):
        """S24, A-2: 65536 bytes are a policy, 65537 or compressed ones are not"""
        self.assert_secure("fullsize.test", "mx.fullsize.test")
        self.assert_not_found("oversized.test")
        self.assert_not_found("gzip.test")
        self.assert_not_found("encoded.test")

    def test_form(self):
        """S16: LF will do; what is no policy is none"""
        self.assert_secure("lf.test", "mx.lf.test")
        self.assert_not_found("nopolicy.test")
        self.assert_not_found("nothing.test")

    def test_refused(self):
        """S25: a policy host that refuses connections: not found, not an error"""
        self.assert_not_found("closed.test")
        self.assertEqual(self.ask("closed.test", "postfix-tlsrpt"), "NOTFOUND")

    def test_failure_is_remembered(self):
        """S23: after a failure the host is left in peace"""
        self.assert_not_found("nopolicy.test")
        for _ in range(10):
            self.assert_not_found("nopolicy.test")
        self.assertEqual(len(self.hits("nopolicy.test")), 1)

    def test_old_tls(self):
        """S31: a host that speaks TLS 1.1 only: not found"""
        self.assert_not_found("oldtls.test")
        self.assertEqual(self.world.webserver.hits("mta-sts.oldtls.test"), [])

    def test_private_address(self):
        """A-8: a policy host at 127.0.0.1 gets no connection; beside it a public address works"""
        before = self.world.webserver.connections()
        self.assert_not_found("private.test")
        self.assertEqual(self.world.webserver.connections(), before)
        self.assert_secure("bothways.test", "mx.bothways.test")
        self.assertEqual(self.world.webserver.connections(), before + 1)


class AllowedAddresses(WorldTest):
    config = "https: {allow_addresses: [127.0.0.0/8]}\n"

    def test_private_address(self):
        """A-8: the operator may allow it, and then it is the good host that it is"""
        self.assert_secure("private.test", "mx.private.test")
