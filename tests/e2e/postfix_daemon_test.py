"""How Postfix reaches the daemon, and what happens when that comes and goes."""

import select
import signal
import socket
import stat

from world.case import WorldTest
from world.daemon import PORT
from world.debian13 import NAME as DEBIAN_13
from world.mail_case import NO_POLICY_SERVER, UNVERIFIED, MailTest
from world.manager import Sockets
from world.receiver import GOOD, OTHER
from world.sender import Sender


class ComesAndGoes:
    policy_server = Sender.INET

    def test_restarted(self):
        """0.4: restarted between two mails: both sent, protected"""
        before = self.mail("bob@good.test")
        self.assert_sent(before, GOOD, "Verified")
        self.assertEqual(self.daemon.stop(), 0)
        self.restart_daemon()
        after = self.mail("bob@good.test")
        self.assert_sent(after, GOOD, "Verified")
        # By the same process, whose connection was broken: it says nothing of it.
        self.assertEqual(before.process, after.process)
        self.assertNotIn("warning", after.log)

    def test_killed(self):
        """decision 17: killed after one mail, and back while the policy host is away: protected"""
        self.assert_deferred(self.mail("bob@mismatch.test"), *UNVERIFIED)
        self.daemon.stop(signal.SIGKILL)
        self.world.webserver.stop()
        try:
            self.restart_daemon()
            self.assert_deferred(self.mail("carol@mismatch.test"), *UNVERIFIED)
        finally:
            self.world.webserver.start()
            self.world.webserver.wait()

    def test_stopped(self):
        """0.5: stopped: deferred, whatever the domain; sent when it is back"""
        self.assertEqual(self.daemon.stop(), 0)
        enforced = self.mail("bob@good.test")
        self.assert_deferred(enforced, *NO_POLICY_SERVER)
        self.assert_logged(enforced, "Connection refused")
        other = self.mail("bob@indifferent.test")
        self.assert_deferred(other, *NO_POLICY_SERVER)
        self.restart_daemon()
        self.assert_sent(self.retry(enforced), GOOD, "Verified")
        self.assert_sent(self.retry(other), OTHER, "Trusted")
        self.outcome = "deferred, then sent"


class Activated:
    policy_server = Sender.INET

    def test_activated(self):
        """C-1: started by its socket, twice: mail that comes before it waits, and is sent, protected"""
        self.assertEqual(self.daemon.stop(), 0)
        try:
            with socket.create_server(("127.0.0.1", PORT)) as held:
                for _ in range(2):
                    good, bad = self.submit("bob@good.test"), self.submit("bob@mismatch.test")
                    self.assertTrue(select.select([held], [], [], 30)[0], "nobody has connected")
                    self.start_by(Sockets(["socketmap"], held))
                    self.assert_sent(self.first_attempt(good), GOOD, "Verified")
                    self.assert_deferred(self.first_attempt(bad), *UNVERIFIED)
                    self.assertIn("origin=inherited", self.daemon.log_text())
                    self.assertEqual(self.daemon.stop(), 0)
        finally:
            self.restart_daemon()
        self.outcome = "sent, none deferred for it"

    def start_by(self, sockets: Sockets) -> None:
        WorldTest.daemon = self.world.start_daemon(self.program, self.config, sockets=sockets,
                                                   state=self.daemon.state, wait=False)


class ActivatedOnDebian12(Activated, MailTest):
    pass


class ActivatedOnDebian13(Activated, MailTest):
    release = DEBIAN_13


class ComesAndGoesOnDebian12(ComesAndGoes, MailTest):
    pass


class ComesAndGoesOnDebian13(ComesAndGoes, MailTest):
    release = DEBIAN_13


class Installed(MailTest):
    """As on Debian: smtp(8) is chrooted, and nobody else may connect to the socket below it."""

    socket_mode = "mode: '0660', group: postfix"

    def test_socket(self):
        """0.15, C-3: a chrooted smtp(8) reaches a socket that is open to Postfix's group only"""
        self.assertEqual(stat.filemode(self.sender.socket.stat().st_mode), "srw-rw----")
        self.assertRegex(self.sender.run("postconf", "-M", "smtp/unix"),
                         r"^smtp +unix +- +- +y +- +- +smtp")
        self.assert_sent(self.mail("bob@good.test"), GOOD, "Verified")
        self.assert_deferred(self.mail("bob@mismatch.test"), *UNVERIFIED)
