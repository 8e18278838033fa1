"""How a key leads to a policy domain, and which keys lead nowhere."""

from world.case import WorldTest
from world.domains import IDN, MAIL, Domain, PolicyHost, policy

DOMAINS = (
    Domain("smarthost.test", mx=("mx.smarthost.test",), host=PolicyHost(policy("*.smarthost.test")),
           records=(f"mail A {MAIL}",)),
)

NO_TRAFFIC = (
    ".enforce.test", ".test", ".", "", "[192.0.2.1]", "[192.0.2.1]:25", "192.0.2.1",
    "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]:25", "[2001:db8::1]", "2001:db8::1", "localhost",
    "[localhost]:10025", "test", "enforce", "host.invalid", "service.onion", "printer.local",
    "/var/spool/lmtp", "enforce..test", "-enforce.test", "x" * 64 + ".test", "enforce.test..",
    "a." * 130 + "test", "enforce test", "enforce.test ", "*.enforce.test",
    "enforce.test:99999",
)


class Keys(WorldTest):
    def test_spellings(self):
        """S34/postfix 1.7: every spelling of a domain gives the same answer"""
        wanted = self.world.domain("enforce.test").questions[0]
        for key in ("enforce.test", "ENFORCE.Test", "enforce.test.", "Enforce.TEST."):
            for map_name in ("postfix", "postfix-tlsrpt"):
                with self.subTest(key=key, map=map_name):
                    self.assert_answer(key, wanted.answer(map_name), map_name)

    def test_idn(self):
        """postfix 1.7, R5: U-label and A-label are one domain, the reply has A-labels"""
        wanted = self.world.domain(IDN).questions[0]
        hits = lambda: len(self.world.webserver.hits("mta-sts." + IDN))  # noqa: E731
        for key in ("bücher.test", "BÜCHER.test", "bu\u0308cher.test", "bücher。test", IDN,
                    IDN.upper()):
            for map_name in ("postfix", "postfix-tlsrpt"):
                with self.subTest(key=key, map=map_name):
                    self.assert_answer(key, wanted.answer(map_name), map_name)
        self.eventually(hits)
        self.assertEqual(hits(), 1)

    def test_no_traffic(self):
        """S33, S34, decision 10: keys without a policy domain are not found, without any traffic"""
        connections = self.world.webserver.connections()
        with self.dns_queries() as queries:
            for key in NO_TRAFFIC:
                with self.subTest(key):
                    self.assert_not_found(key)
                    self.assertEqual(self.ask(key, "postfix-tlsrpt"), "NOTFOUND")
        self.assertEqual(queries, [])
        self.assertEqual(self.world.webserver.connections(), connections)
        self.note(f"{len(NO_TRAFFIC)} keys in both maps, 0 DNS queries")

    def test_parent(self):
        """S34: the parent's policy is not used for a subdomain"""
        self.assert_secure("enforce.test", "mx1.enforce.test", "mx2.enforce.test")
        with self.dns_queries() as queries:
            self.assert_not_found("sub.enforce.test")
        self.assertEqual({name for name, _ in queries}, {"_mta-sts.sub.enforce.test"})

    def test_smart_host(self):
        """S32: a smart host's name is the policy domain; in brackets it is the only MX host"""
        self.assert_secure("[relay.test]:587", "relay.test")
        self.assert_secure("[relay.test]", "relay.test")
        with self.dns_queries() as queries:
            self.assert_secure("[relay.test]:submission", "relay.test")
        self.assertNotIn(("relay.test", "MX"), queries)
        # Without brackets Postfix looks for its MX hosts.
        self.assert_secure("smarthost.test:587", "mx.smarthost.test")
        self.assert_secure("smarthost.test", "mx.smarthost.test")
        # The policy of the smart host's own name, not that of its parent.
        self.assert_not_found("[mail.smarthost.test]")

    def test_control_bytes(self):
        """A-16: control bytes and broken UTF-8 are not found, and leave the log in lines"""
        before = self.daemon.log_text().count("\n")
        with self.dns_queries() as queries:
            for key in (b"enforce.test\n", b"enforce\n.test", b"enforce.test\0",
                        b"\x1b[2Jenforce.test",
                        b"enforce.test\r\nwarning: forged", b"\xff\xfe.test", b"b\xc3.test",
                        b"\xed\xa0\x80.test", b"enforce.test\x7f", b"enforce\t.test", b"\x85.test"):
                with self.subTest(key):
                    self.assert_not_found(key)
        self.assertEqual(queries, [])
        log = self.daemon.log_text()
        self.assertFalse([c for c in log if not (" " <= c <= "~" or c == "\n")])
        self.assertNotIn("\nwarning: forged", log)
        self.assertLessEqual(log.count("\n") - before, 11)
