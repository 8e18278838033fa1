"""Whether a domain has a policy: the TXT record (RFC 8461 3.1)."""

from world.case import WorldTest
from world.domains import Domain, PolicyHost, policy

RECORD = "v=STSv1; id=20260101;"


def good(name: str, **more) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)), **more)


DOMAINS = (
    good("single.test"),
    good("spf.test", txt=("v=spf1 -all", RECORD, "google-site-verification=abc")),
    good("joined.test", txt=("v=STSv1; i|d=2026|0101;",)),
    good("extended.test", txt=("v=STSv1; id=1; foo=bar;",)),
    good("chain.test", txt_alias="a.chain.test",
         records=("a CNAME b", "b CNAME c", f'c TXT "{RECORD}"')),
    good("loop.test", txt_alias="a.loop.test", records=("a CNAME b", "b CNAME a")),
    good("dangling.test", txt_alias="nothing.dangling.test"),
    good("wrongcase.test", txt=("V=STSv1; id=1;",)),
    good("noid.test", txt=("v=STSv1;",)),
    good("longid.test", txt=("v=STSv1; id=" + "a" * 33 + ";",)),
    good("giant.test", txt=(RECORD + " x=" + "y" * 5000 + ";",)),
    good("crowdtxt.test", txt=tuple(f"noise {n}" for n in range(60)) + (RECORD,)),
    good("wildtxt.test", txt=tuple(f"noise {n}" for n in range(300)) + (RECORD,)),
    good("recordless.test", txt=()),
    good("twins.test", txt=("v=STSv1; id=1;", "v=STSv1; id=1; again=yes;")),
)


class Discovery(WorldTest):
    def test_exact_questions(self):
        """S2, I12: one TXT query of exactly this name, and no DANE query"""
        with self.dns_queries() as queries:
            self.assert_secure("single.test", "mx.single.test")
        self.assertEqual(queries.count(("_mta-sts.single.test", "TXT")), 1)
        self.assertLessEqual(set(queries), {
            ("_mta-sts.single.test", "TXT"), ("mta-sts.single.test", "A"),
            ("mta-sts.single.test", "AAAA"), ("single.test", "MX")})

    def test_nothing_but_txt(self):
        """S4: without a record nothing but the TXT is asked for"""
        with self.dns_queries() as queries:
            self.assert_not_found("recordless.test")
        self.assertEqual(queries, [("_mta-sts.recordless.test", "TXT")])

    def test_no_connection_without_record(self):
        """S4: two records, or an invalid one: not found, and nobody connects to the policy host"""
        before = self.world.webserver.connections()
        for name in ("twotxt.test", "twins.test", "brokentxt.test", "norecord.test",
                     "wrongcase.test", "noid.test", "longid.test", "giant.test"):
            with self.subTest(name):
                with self.dns_queries() as queries:
                    self.assert_not_found(name)
                # Twice where the answer needs TCP.
                self.assertEqual(set(queries), {("_mta-sts." + name, "TXT")})
        self.assertEqual(self.world.webserver.connections(), before)
        # The counter counts.
        self.assert_secure("spf.test", "mx.spf.test")
        self.assertEqual(self.world.webserver.connections(), before + 1)

    def test_other_records(self):
        """S4: other TXT records do not matter"""
        self.assert_secure("spf.test", "mx.spf.test")
        self.assert_secure("crowdtxt.test", "mx.crowdtxt.test")

    def test_wildcard(self):
        """F17: one record of version STSv1 among 300 others counts, wherever it stands"""
        self.assert_secure("wildtxt.test", "mx.wildtxt.test")

    def test_joined_strings(self):
        """S6: the strings of one record are joined without spaces"""
        self.assert_secure("joined.test", "mx.joined.test")

    def test_cname(self):
        """S7, S47: CNAMEs to the record are followed; loops and dead ends are no record"""
        self.assert_secure("chain.test", "mx.chain.test")
        self.assert_secure("delegated.test", "mx.provider.test")
        self.assert_not_found("loop.test")
        self.assert_not_found("dangling.test")

    def test_extensions(self):
        """S8: unknown fields are ignored"""
        self.assert_secure("extended.test", "mx.extended.test")
