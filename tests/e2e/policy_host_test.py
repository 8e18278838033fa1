"""What a policy host must be and must say (RFC 8461 3.2, 3.3)."""

from world import reply
from world.authority import Certificate
from world.case import WorldTest
from world.domains import (CLOSED, LOOPBACK, OLD_TLS, TLSRPT, Domain, PolicyHost, padded, policy,
                           secure_tlsrpt)
from world.hostile import HostileServer, proper


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


# Configurations of nginx as people publish them, with the mime types of every nginx.
MIME_TYPES = "    include /etc/nginx/mime.types;\n"


def serving(text: str, directives: str = "") -> str:
    """The location that most of them have: nginx itself holds the policy."""
    return (MIME_TYPES + "    location ^~ /.well-known/mta-sts.txt { try_files $uri @mta-sts; }\n"
            f'    location @mta-sts {{ {directives} return 200 "{text}"; }}\n')


def written(name: str, indent: str = "", end: str = "\\n") -> str:
    """A policy as it is written into such a file: over several lines."""
    return f"\n{indent}".join(("version: STSv1", "mode: enforce", "max_age: 604800",
                              f"mx: mx.{name}{end}"))


PUBLISHED = {
    "twotypes.test": ("F3: Content-Type by the mime type and by add_header",
                      serving(written("twotypes.test"), "add_header Content-Type text/plain;")),
    "indented.test": ("F4: the policy's lines are indented as the file is",
                      serving(written("indented.test", "    ", "\\r\\n"))),
    "tabbed.test": ("F4: the same with tabs", serving(written("tabbed.test", "\t\t"))),
    "both.test": ("F3, F4: both in one", serving(written("both.test", "    "),
                                                 "add_header Content-Type text/plain;")),
    "multiline.test": (
        "F6: a Content-Security-Policy over several lines", MIME_TYPES +
        "    add_header Content-Security-Policy \"default-src 'none';\n"
        "        script-src 'self';\n        frame-ancestors 'none';\n    \" always;\n"
        + serving(written("multiline.test")).removeprefix(MIME_TYPES)),
}

# Responses of servers that nginx is not, by the name of their domain.
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CODED = HEAD + "Transfer-Encoding: chunked\r\n"


def chunks(text: str, after_size: str = "", end: str = "\r\n") -> str:
    """The text in chunks of ten bytes."""
    parts = [text[i:i + 10] for i in range(0, len(text), 10)] + [""]
    return end + "".join(f"{len(part):x}{after_size}{end}{part}{end}" for part in parts)


def odd_forms(text: str) -> dict[str, str]:
    length = f"Content-Length: {len(text)}\r\n"
    return {
        "F5: no reason and no blank": HEAD.replace(" OK", "") + length + "\r\n" + text,
        "F6: folded by CRLF": HEAD + "X-Folded: a\r\n b\r\n\tc\r\n" + length + "\r\n" + text,
        "F7: padded chunk sizes": CODED + chunks(text, "  "),
        "F7: a length given twice": HEAD + length + length + "\r\n" + text,
        "F7: a list of lengths": HEAD + length.replace("\r", f", {len(text)}\r") + "\r\n" + text,
        "F7: a length beside chunked": CODED + "Content-Length: 92\r\n" + chunks(text),
        "F7: a blank before a colon": HEAD + "X-Powered-By : x\r\n" + length + "\r\n" + text,
        "D1: LF alone": CODED.replace("\r", "") + chunks(text, end="\n"),
        "D1: chunked twice": CODED + "Transfer-Encoding: chunked\r\n" + chunks(text),
        "D1: empty lines before": "\r\n\r\n" + HEAD + length + "\r\n" + text,
    }


ODD = {f"odd{number}.test": name for number, name in enumerate(odd_forms(""))}
ODD_ADDRESSES = {name: f"192.31.196.{number}" for number, name in enumerate(ODD, 70)}

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
    *(host(name, nginx=nginx) for name, (_, nginx) in PUBLISHED.items()),
    *(host(name, address=ODD_ADDRESSES[name]) for name in ODD),
    Domain("international.test", mx=("mx.international.test", "mx.xn--mller-kva.test"),
           host=PolicyHost(policy("mx.international.test", "mx.müller.test"))),
    Domain("notquite.test", mx=("mx.notquite.test",),
           host=PolicyHost(policy("mx.notquite.test", "mx..müller.test"))),
    Domain("notatall.test", mx=("mx.notatall.test",), host=PolicyHost(policy("mx..müller.test"))),
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

    def test_published_nginx(self):
        """F3, F4, F6: what people publish for nginx is taken"""
        for name, (shows, _) in PUBLISHED.items():
            with self.subTest(shows):
                self.assert_secure(name, "mx." + name)
                self.assertEqual([hit.status for hit in self.hits(name)], ["200"])

    def test_odd_servers(self):
        """F5, F6, F7, D1: forms of other servers are taken"""
        for name, shows in ODD.items():
            response = odd_forms(policy("mx." + name))[shows]
            server = HostileServer(self.world, "mta-sts." + name, ODD_ADDRESSES[name],
                                   proper(response.encode()))
            try:
                with self.subTest(shows):
                    self.assert_secure(name, "mx." + name)
            finally:
                server.close()

    def test_international(self):
        """F12: an mx in U-labels is converted; one that cannot be is left out, but not alone"""
        self.assert_secure("international.test", "mx.international.test", "mx.xn--mller-kva.test")
        self.assertEqual(
            self.ask("international.test", TLSRPT), reply.parse_policy(secure_tlsrpt(
                "international.test", "mx.international.test", "mx.xn--mller-kva.test")))
        self.assert_secure("notquite.test", "mx.notquite.test")
        self.assert_not_found("notatall.test")

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
