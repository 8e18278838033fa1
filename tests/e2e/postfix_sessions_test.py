"""TLS sessions that Postfix remembers: Debian's own main.cf makes it do so, for an hour."""

from world.correspondents import correspondent
from world.debian13 import NAME as DEBIAN_13
from world.domains import policy
from world.mail_case import NOBODY_ALLOWED, UNVERIFIED, MailTest
from world.receiver import GOOD, OTHER

# The policy of each changes in one test.
LEAVING = ("leaving-12.test", "leaving-13.test", "leaving-forgotten.test")
ADOPTING = ("adopting-12.test", "adopting-13.test")

DOMAINS = (*(correspondent(name, "good.mailhosts.test") for name in LEAVING),
           *(correspondent(name, "other.mailhosts.test", mode="testing") for name in ADOPTING))

REMEMBERING = {"smtp_tls_session_cache_database": "btree:${data_directory}/smtp_scache",
               "smtp_tls_loglevel": "2"}
REUSED = "Reusing old session"


class SessionTest(MailTest):
    leaving = adopting = ""

    def change_policy(self, name: str, text: str) -> None:
        """And nobody knows the old one any more."""
        self.daemon.stop()
        self.world.webserver.publish(self.world.domain(name), text)
        self.restart_daemon(forgetful=True)

    def mail_after_removal(self):
        """To a host that was good for two mails, and is no longer in the policy."""
        for _ in range(2):
            delivery = self.mail("bob@" + self.leaving)
            self.assert_sent(delivery, GOOD, "Verified")
        self.assertEqual(REUSED in delivery.log, self.settings == REMEMBERING)
        self.change_policy(self.leaving, policy("mx.elsewhere.test"))
        return self.mail("bob@" + self.leaving)


class Adopted:
    settings = REMEMBERING

    def test_adopted(self):
        """S38: a TLS session from before the policy, a certificate for another name: deferred"""
        for _ in range(2):
            delivery = self.mail("bob@" + self.adopting)
            self.assert_sent(delivery, OTHER, "Trusted")
        self.assert_logged(delivery, REUSED)
        self.change_policy(self.adopting, policy("other.mailhosts.test"))
        delivery = self.mail("bob@" + self.adopting)
        self.assert_deferred(delivery, *UNVERIFIED)
        self.assertNotIn(REUSED, delivery.log)


class SessionsOnDebian12(Adopted, SessionTest):
    leaving, adopting = LEAVING[0], ADOPTING[0]

    def test_removed(self):
        """S35: a host that was removed from the policy, and has a TLS session"""
        # Before 3.10.5 Postfix does not look at the names again: known, and in the README.
        delivery = self.mail_after_removal()
        self.assert_sent(delivery, GOOD, "Verified")
        self.assert_logged(delivery, REUSED)
        self.outcome += ", by its session"


class SessionsOnDebian13(Adopted, SessionTest):
    release = DEBIAN_13
    leaving, adopting = LEAVING[1], ADOPTING[1]

    def test_removed(self):
        """S35: a host that was removed from the policy, and has a TLS session"""
        self.assert_deferred(self.mail_after_removal(), *NOBODY_ALLOWED)


class NoSessionsOnDebian12(SessionTest):
    leaving = LEAVING[2]

    def test_removed(self):
        """S35: a host that was removed from the policy, and Postfix remembers no sessions"""
        self.assert_deferred(self.mail_after_removal(), *UNVERIFIED)
