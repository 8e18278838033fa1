"""The sender is told why: the delivery status filter of a real Postfix, and a real bounce."""

from world.debian13 import NAME as DEBIAN_13
from world.domains import Domain
from world.mail_case import MailTest
from world.receiver import GOOD, OTHER, PLAIN
from world.sender import ADDRESS, Sender

DOMAINS = (Domain("sender.test", txt=(), mx=("good.mailhosts.test",)),
           Domain("no-such-user.test", txt=(), mx=("nobody.mailhosts.test",)))
PUBLISHES = " publishes an MTA-STS policy (mode enforce, id 20260101000000) that "


class Told:
    settings = {"smtp_delivery_status_filter": Sender.BELOW_QUEUE + ":dsn"}
    outside = "4.7.5"

    def test_mismatch(self):
        """decision 21: a certificate for another name: which domain, its policy, which name"""
        delivery = self.mail("bob@mismatch.test")
        self.assert_deferred(delivery, "4.7.5", "mismatch.test" + PUBLISHES + "requires a trusted "
                             "certificate for other.mailhosts.test, but the server's certificate "
                             "could not be verified; see "
                             "https://mta-sts.mismatch.test/.well-known/mta-sts.txt")

    def test_no_starttls(self):
        """decision 21: no STARTTLS: which domain, its policy, which host"""
        delivery = self.mail("bob@plaintext.test")
        self.assert_deferred(delivery, "4.7.4", "plaintext.test" + PUBLISHES)
        self.assertIn(f"host plain.mailhosts.test[{PLAIN.address}] does not offer TLS",
                      delivery.text)

    def test_outside(self):
        """decision 21: no MX host is in the policy: who is allowed, and who is there"""
        delivery = self.mail("bob@outside.test")
        self.assert_deferred(delivery, self.outside, "outside.test" + PUBLISHES + "allows mail to "
                             "good.mailhosts.test only, but its mail servers are "
                             "spare.mailhosts.test")

    def test_dane(self):
        """decision 21: the TLSA record is of another certificate: DANE required it"""
        delivery = self.mail("bob@tlsa-mismatch.test")
        self.assert_deferred(delivery, "4.7.5", "tlsa-mismatch.test has mail servers with TLSA "
                             "records in the DNS, so that DANE (RFC 7672) is required, but the "
                             "server's certificate does not match them")

    def test_recipients(self):
        """decision 21: every recipient of a message is told the same"""
        queue_id = self.sender.submit("bob@mismatch.test", "carol@mismatch.test")
        texts = {one.text for one in self.sender.wait_for(queue_id, 2)[:2]}
        self.assertEqual(len(texts), 1, texts)
        self.assertIn("mismatch.test" + PUBLISHES, texts.pop())

    def test_success(self):
        """decision 21: what was delivered keeps its text; so does a failure without a policy"""
        delivery = self.mail("bob@good.test")
        self.assert_sent(delivery, GOOD, "Verified")
        self.assertIn("250 2.0.0 Ok", delivery.text)
        self.assert_sent(self.mail("bob@indifferent.test"), OTHER, "Trusted")
        delivery = self.mail("bob@no-such-user.test")
        self.assertNotIn("MTA-STS", delivery.log)


class ToldOnDebian12(Told, MailTest):
    pass


class ToldOnDebian13(Told, MailTest):
    release = DEBIAN_13
    outside = "4.3.0"


class Bounced:
    settings = {"smtp_delivery_status_filter": Sender.INET + ":dsn",
                "maximal_queue_lifetime": "0", "bounce_queue_lifetime": "1d"}
    policy_server = Sender.INET

    def test_bounce(self):
        """decision 21: the bounce in the sender's mailbox says what the domain requires"""
        self.mail("bob@mismatch.test")
        bounces = []

        def has_come():
            bounces[:] = [one for one in self.receiver.received("sender.test")
                          if "bob@mismatch.test" in one.text and self.column_mark() in one.text]
            return bounces

        self.eventually(has_come, 30)
        self.assertEqual(bounces[0].recipient, ADDRESS)
        self.assertIn("Undelivered Mail Returned to Sender", bounces[0].text)
        for text in ("mismatch.test" + PUBLISHES + "requires a trusted certificate for "
                     "other.mailhosts.test", "Diagnostic-Code: X-Postfix; mismatch.test publishes"):
            self.assertIn(text, bounces[0].text)
        self.outcome = "returned, with the reason"

    def column_mark(self) -> str:
        """What the original message in the bounce has of this test only."""
        return type(self).__name__


class BouncedOnDebian12(Bounced, MailTest):
    pass


class BouncedOnDebian13(Bounced, MailTest):
    release = DEBIAN_13
