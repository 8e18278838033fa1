"""The DNS lies about the MX hosts (postfix.md 3): what `match=` alone does not prevent."""

from world.correspondents import correspondent
from world.debian13 import NAME as DEBIAN_13
from world.domains import Domain
from world.mail_case import NOBODY_ALLOWED, UNVERIFIED, MailTest
from world.receiver import DEEP, GOOD
from world.sender import Sender

# mx.attacker.test has the certificate of customer7.users.shared.test, mx2.attacker.test leads to a
# host with the certificate of good.mailhosts.test.
DOMAINS = (
    correspondent("victim.test", "mx.attacker.test", patterns=("*.shared.test",)),
    correspondent("victim2.test", "mx2.attacker.test", patterns=("good.mailhosts.test",)),
    correspondent("victim3.test", "mx2.attacker.test", "good2.mailhosts.test",
                  patterns=("good.mailhosts.test", "good2.mailhosts.test")),
    Domain("naive.test", mx=("mx.attacker.test",)),
    Domain("naive2.test", mx=("mx2.attacker.test",)),
)


class Attacks:
    blocked = UNVERIFIED
    # What other policy servers say, to see that the attacks are ones.
    naive = ("inline:{ { naive.test = secure match=.shared.test servername=hostname },"
             " { naive2.test = secure match=good.mailhosts.test servername=hostname } }")

    @classmethod
    def setUpClass(cls):
        ours = cls.world.mail.releases.get(cls.release)
        cls.settings = {"smtp_tls_policy_maps":
                        f"{cls.naive}, {Sender.BELOW_QUEUE}:{ours.map_name}"} if ours else {}
        super().setUpClass()

    def test_naive(self):
        """0.7: the attacks succeed where a static map says match=.shared.test or a host's name"""
        self.assert_sent(self.mail("bob@naive.test"), DEEP, "Verified")
        self.assert_sent(self.mail("bob@naive2.test"), GOOD, "Verified")

    def test_other_name(self):
        """S35: a false MX host with a certificate for another name below the wildcard: deferred"""
        self.assert_deferred(self.mail("bob@victim.test"), *self.blocked)

    def test_policy_name(self):
        """S35: a false MX host that leads to one with a certificate of the policy: deferred"""
        self.assert_deferred(self.mail("bob@victim2.test"), *self.blocked)


class AttacksOnDebian12(Attacks, MailTest):
    def test_beside_real_one(self):
        """S35: such a false MX host before a real one"""
        # Before 3.10.5 Postfix takes any name of the list for any host. It stays true that only a
        # host with a certificate of the policy's names gets the mail.
        delivery = self.mail("bob@victim3.test")
        self.assert_sent(delivery, GOOD, "Verified")
        self.assertEqual(delivery.relay, "mx2.attacker.test")
        self.outcome += ", by the false name"


class AttacksOnDebian13(Attacks, MailTest):
    release = DEBIAN_13
    blocked = NOBODY_ALLOWED

    def test_beside_real_one(self):
        """S35: such a false MX host before a real one"""
        delivery = self.mail("bob@victim3.test")
        self.assert_sent(delivery, GOOD, "Verified")
        self.assertEqual(delivery.relay, "good2.mailhosts.test")
        self.assert_logged(delivery, "MX name 'mx2.attacker.test' does not match STS MX pattern")
