"""What becomes of real mail: Postfix of Debian 12 and of Debian 13, one case after the other."""

from world.correspondents import CORRESPONDENTS, HOSTS, IDN, IDN_READABLE
from world.debian13 import NAME as DEBIAN_13
from world.mail_case import NOBODY_ALLOWED, UNVERIFIED, MailTest
from world.receiver import GOOD, OTHER, PKIX, PLAIN, SELF_SIGNED

DOMAINS = (*HOSTS, *CORRESPONDENTS)


class Matrix:
    mismatch_word = "Untrusted"  # although it is trusted, and has another name
    nobody_allowed = UNVERIFIED
    # As by a relayhost, for some recipients only.
    settings = {"transport_maps": "inline:{ { to-relay-good.test = smtp:[relay-good.test]:587 },"
                                  " { to-relay-bad.test = smtp:[relay-bad.test]:587 } }"}

    def test_good(self):
        """S37: enforce, a good host: sent"""
        delivery = self.mail("bob@good.test")
        self.assert_sent(delivery, GOOD, "Verified")
        self.assertEqual(delivery.relay, "good.mailhosts.test")

    def test_mismatch(self):
        """S37: enforce, a certificate for another name: deferred"""
        delivery = self.mail("bob@mismatch.test")
        self.assert_deferred(delivery, *UNVERIFIED)
        self.assert_logged(delivery, "server certificate verification failed for other.mailhosts."
                           f"test[{OTHER.address}]:25: num=62:hostname mismatch")
        self.assertEqual(delivery.tls, self.mismatch_word)

    def test_no_starttls(self):
        """B-9: enforce, the host offers no STARTTLS: deferred"""
        delivery = self.mail("bob@plaintext.test")
        self.assert_deferred(delivery, "4.7.4", "TLS is required, but was not offered by host "
                             f"plain.mailhosts.test[{PLAIN.address}]")
        self.assertEqual(delivery.tls, "")

    def test_self_signed(self):
        """S37: enforce, a certificate signed by itself: deferred"""
        delivery = self.mail("bob@homemade.test")
        self.assert_deferred(delivery, *UNVERIFIED)
        self.assert_logged(delivery, "certificate verification failed for self-signed.mailhosts."
                           f"test[{SELF_SIGNED.address}]:25: self-signed certificate")

    def test_expired(self):
        """S37: enforce, an expired certificate: deferred"""
        delivery = self.mail("bob@outdated.test")
        self.assert_deferred(delivery, *UNVERIFIED)
        self.assert_logged(delivery, "certificate verification failed for expired.mailhosts.test")
        self.assert_logged(delivery, "certificate has expired")

    def test_deep_name(self):
        """S36: enforce *.shared.test, the certificate is for a name two labels below: deferred"""
        delivery = self.mail("bob@deeper.test")
        self.assert_deferred(delivery, *UNVERIFIED)
        self.assert_logged(delivery, "num=62:hostname mismatch")

    def test_next_host(self):
        """S35: enforce, the first MX host is not in the policy, the second is: sent to that"""
        delivery = self.mail("bob@next-host.test")
        self.assert_sent(delivery, GOOD, "Verified")
        self.assertEqual(delivery.relay, "good.mailhosts.test")

    def test_outside(self):
        """S35: enforce, no MX host is in the policy: deferred"""
        delivery = self.mail("bob@outside.test")
        self.assert_deferred(delivery, *self.nobody_allowed)

    def test_testing(self):
        """S39: testing, a certificate for another name: sent"""
        self.assert_sent(self.mail("bob@trying.test"), OTHER, "Trusted")

    def test_none(self):
        """S40: none, a certificate for another name: sent"""
        self.assert_sent(self.mail("bob@declining.test"), OTHER, "Trusted")

    def test_unknown(self):
        """decision 5: no policy, a certificate for another name: sent"""
        self.assert_sent(self.mail("bob@indifferent.test"), OTHER, "Trusted")

    def test_unknown_plain(self):
        """decision 5: no policy, a host without STARTTLS: sent, in plain text"""
        self.assert_sent(self.mail("bob@bare.test"), PLAIN, "")

    def test_dane(self):
        """D9: enforce, the TLSA record matches a certificate signed by itself: sent"""
        self.assert_sent(self.mail("bob@tlsa-good.test"), SELF_SIGNED, "Verified")

    def test_dane_mismatch(self):
        """S1: enforce, a valid certificate, but the TLSA record is of another one: deferred"""
        # The same host is good for a domain without DNSSEC, where the policy is all there is.
        self.assert_sent(self.mail("bob@unsigned.test"), PKIX, "Verified")
        delivery = self.mail("bob@tlsa-mismatch.test")
        self.assert_deferred(delivery, *UNVERIFIED)
        self.assertEqual(delivery.tls, "Untrusted")

    def test_spelling(self):
        """0.1: to Bob@GOOD.Test: sent as to bob@good.test"""
        self.assert_sent(self.mail("Bob@GOOD.Test"), GOOD, "Verified")

    def test_spelling_mismatch(self):
        """0.1: to Bob@MisMatch.TEST, a certificate for another name: deferred"""
        self.assert_deferred(self.mail("Bob@MisMatch.TEST"), *UNVERIFIED)

    def test_idn(self):
        """0.1: to an internationalised domain, in letters: sent, protected"""
        self.assert_sent(self.mail(f"bob@{IDN_READABLE}", utf8=True), GOOD, "Verified")

    def test_idn_ascii(self):
        """0.1: to an internationalised domain, in ASCII: sent, protected"""
        self.assert_sent(self.mail(f"bob@{IDN}"), GOOD, "Verified")

    def test_smart_host(self):
        """S32: by the smart host [relay]:587, which enforces: sent, protected"""
        delivery = self.mail("bob@to-relay-good.test")
        self.assert_sent(delivery, GOOD, "Verified")
        self.assertEqual(delivery.relay, "relay-good.test")
        self.assert_logged(delivery, f"relay-good.test[{GOOD.address}]:587")

    def test_smart_host_mismatch(self):
        """S32: by the smart host [relay]:587, which enforces, another name: deferred"""
        self.assert_deferred(self.mail("bob@to-relay-bad.test"), *UNVERIFIED)


class MatrixOnDebian12(Matrix, MailTest):
    pass


class MatrixOnDebian13(Matrix, MailTest):
    release = DEBIAN_13
    mismatch_word = "Trusted"
    nobody_allowed = NOBODY_ALLOWED

    def test_outside(self):
        """S35: enforce, no MX host is in the policy: deferred"""
        delivery = self.mail("bob@outside.test")
        self.assert_deferred(delivery, *self.nobody_allowed)
        self.assertEqual(delivery.relay, "none")
        self.assert_logged(delivery, "MX name 'spare.mailhosts.test' does not match STS MX pattern")
