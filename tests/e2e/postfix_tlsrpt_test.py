"""What Postfix 3.10 reports of real mail (RFC 8460), as it learned it from us."""

from world.collector import NO_POLICY_FOUND, STS, TLSA, Collector
from world.correspondents import correspondent
from world.debian13 import NAME as DEBIAN_13
from world.domains import policy
from world.mail_case import NOBODY_ALLOWED, UNVERIFIED, MailTest
from world.receiver import EXPIRED, GOOD, OTHER, PLAIN, SELF_SIGNED

RUA = "v=TLSRPTv1; rua=mailto:reports@sender.test"
IDN, IDN_READABLE = "xn--brse-5qa.test", "börse.test"


def reporting(name: str, *mx: str, **more):
    """One that wants to hear of it."""
    records = (f'_smtp._tls TXT "{RUA}"', *more.pop("records", ()))
    return correspondent(name, *mx, records=records, **more)


DOMAINS = (
    reporting("told-good.test", "good.mailhosts.test"),
    reporting("told-many.test", "good.mailhosts.test",
              patterns=("*.mailhosts.test", "mx.elsewhere.test", "*.backup.elsewhere.test")),
    reporting("told-mismatch.test", "other.mailhosts.test"),
    reporting("told-self-signed.test", "self-signed.mailhosts.test"),
    reporting("told-expired.test", "expired.mailhosts.test"),
    reporting("told-plain.test", "plain.mailhosts.test"),
    reporting("told-dane.test", "tlsa.signedhosts.test", signed=True),
    reporting("told-dane-mismatch.test", "pkix.signedhosts.test", signed=True),
    reporting("told-testing.test", "other.mailhosts.test", mode="testing"),
    reporting("told-outside.test", "spare.mailhosts.test", patterns=("good.mailhosts.test",)),
    reporting(IDN, "good.mailhosts.test"),
)


class Reports(MailTest):
    release = DEBIAN_13
    settings = {"smtp_tlsrpt_enable": "yes", "smtp_tlsrpt_socket_name": "tlsrpt/collector"}
    collector: Collector = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.sender:
            cls.collector = Collector(cls.sender.queue / "tlsrpt/collector")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        if cls.collector:
            cls.collector.close()

    def report(self, domain: str) -> dict:
        """The one report about one policy of this domain that has come."""
        reports = self.collector.reports(10)
        self.assertEqual([report["d"] for report in reports], [domain], reports)
        self.assertEqual(reports[0]["pr"], RUA)
        self.assertEqual(len(reports[0]["policies"]), 1)
        return reports[0]["policies"][0]

    def assert_sts(self, report: dict, domain: str, *patterns: str, failures: int = 0) -> None:
        """Type, domain, the policy line by line, and its patterns."""
        self.assertEqual(report["policy-type"], STS)
        self.assertEqual(report["policy-domain"], domain)
        self.assertEqual(report["policy-string"], policy(*patterns).splitlines())
        self.assertEqual(report["mx-host"], list(patterns))
        self.assertEqual((report["t"], report["f"]), (failures, failures))

    def assert_failure(self, report: dict, code: int, mx: str, address: str) -> None:
        details, = report["failure-details"]
        self.assertEqual((details["c"], details["n"], details["r"]), (code, mx, address))

    def test_release(self):
        """0.8: this Postfix enforces the patterns by default, and has libtlsrpt"""
        self.assertEqual(self.sender.setting("smtp_tls_enforce_sts_mx_patterns"), "yes")
        self.assertIn("libtlsrpt", self.sender.release.run("ldd", "/usr/lib/postfix/sbin/smtp"))

    def test_success(self):
        """S44: sent under an enforce policy: the policy's type, domain, lines and patterns"""
        self.assert_sent(self.mail("bob@told-good.test"), GOOD, "Verified")
        report = self.report("told-good.test")
        self.assert_sts(report, "told-good.test", "good.mailhosts.test")
        self.assertNotIn("failure-details", report)

    def test_patterns(self):
        """S44: wildcards and names are reported as the policy writes them, in its order"""
        self.assert_sent(self.mail("bob@told-many.test"), GOOD, "Verified")
        self.assert_sts(self.report("told-many.test"), "told-many.test", "*.mailhosts.test",
                        "mx.elsewhere.test", "*.backup.elsewhere.test")

    def test_failures(self):
        """R8: each kind of failure under an enforce policy is reported as what it is"""
        for domain, code, mx, listener in (
                ("told-mismatch.test", 202, "other.mailhosts.test", OTHER),
                ("told-expired.test", 204, "expired.mailhosts.test", EXPIRED),
                ("told-self-signed.test", 205, "self-signed.mailhosts.test", SELF_SIGNED),
                ("told-plain.test", 201, "plain.mailhosts.test", PLAIN)):
            with self.subTest(domain):
                delivery = self.mail("bob@" + domain)
                self.assertEqual(delivery.status, "deferred")
                report = self.report(domain)
                self.assert_sts(report, domain, mx, failures=1)
                self.assert_failure(report, code, mx, listener.address)

    def test_dane(self):
        """R9: what DANE decides is reported as DANE's, without a word of the policy"""
        self.assert_sent(self.mail("bob@told-dane.test"), SELF_SIGNED, "Verified")
        report = self.report("told-dane.test")
        self.assertEqual((report["policy-type"], report["policy-domain"]),
                         (TLSA, "tlsa.signedhosts.test"))
        self.assertNotIn("mx-host", report)
        self.assert_deferred(self.mail("bob@told-dane-mismatch.test"), *UNVERIFIED)
        report = self.report("told-dane-mismatch.test")
        self.assertEqual((report["policy-type"], report["f"]), (TLSA, 1))

    def test_testing(self):
        """S39: under a testing policy Postfix reports that there is none, and no false success"""
        self.assert_sent(self.mail("bob@told-testing.test"), OTHER, "Trusted")
        self.assertEqual(self.report("told-testing.test")["policy-type"], NO_POLICY_FOUND)

    def test_outside(self):
        """S35: Postfix reports nothing where no MX host is in the policy"""
        self.assert_deferred(self.mail("bob@told-outside.test"), *NOBODY_ALLOWED)
        self.assertEqual(self.collector.reports(), [])

    def test_idn(self):
        """0.12: an internationalised domain is reported in ASCII"""
        self.assert_sent(self.mail(f"bob@{IDN_READABLE}", utf8=True), GOOD, "Verified")
        self.assert_sts(self.report(IDN), IDN, "good.mailhosts.test")
