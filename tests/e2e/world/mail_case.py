"""What the tests of real mail have in common."""

from . import table
from .case import WorldTest
from .daemon import Daemon
from .postfix import Delivery
from .receiver import Listener
from .sender import Sender

# Words of smtp(8) that nobody translates.
UNVERIFIED = ("4.7.5", "Server certificate not verified")
NO_POLICY_SERVER = ("4.7.5", "client TLS configuration problem")


class MailTest(WorldTest):
    """A daemon and a sending Postfix for all tests of a class.

    A theme is a class without a base, and one of these for each release. What becomes of the mail
    of a test, `outcome`, is its cell in the table.
    """

    release = "Debian 12"
    policy_server = Sender.BELOW_QUEUE  # how Postfix reaches the daemon
    settings: dict[str, str] = {}       # of the sender
    more_config = ""                    # of the daemon
    sender: Sender = None
    missing: dict[str, str] = {}        # release: why it cannot be had
    _mails = 0

    @classmethod
    def setUpClass(cls):
        if cls.release in cls.missing:
            return
        cls.receiver = cls.world.mail.receiver
        cls.sender = cls.world.mail.sender(cls.release, policy_server=cls.policy_server,
                                           settings=cls.settings)
        cls.config = (f"listen: ['inet:127.0.0.1:8461', {{path: {cls.sender.socket}, "
                      f"mode: '0666'}}]\n{cls.more_config}")
        try:
            super().setUpClass()
            cls.sender.start()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.release in cls.missing:
            return
        cls.sender.stop()
        if cls.daemon:
            super().tearDownClass()

    def run(self, result=None):
        troubles, skipped = len(result.failures) + len(result.errors), len(result.skipped)
        self.outcome = "ok"
        super().run(result)
        if len(result.failures) + len(result.errors) > troubles:
            self.outcome = table.FAILED
        elif len(result.skipped) > skipped:
            self.outcome = table.SKIPPED
        table.record(super().shortDescription(), self.column(), self.outcome)
        return result

    def shortDescription(self):
        return f"{self.release}: {super().shortDescription()}"

    def setUp(self):
        if self.release in self.missing:
            self.skipTest(self.missing[self.release])

    @classmethod
    def column(cls) -> str:
        if cls.release in cls.missing:
            return cls.release
        return f"{cls.release}, Postfix {cls.world.mail.releases[cls.release].version}"

    @classmethod
    def restart_daemon(cls) -> Daemon:
        """Another one with the state of the first, which is stopped by then."""
        WorldTest.daemon = cls.world.start_daemon(
            cls.program, cls.config, environment=cls.environment, open_files=cls.usual_open_files,
            state=cls.daemon.state)
        return cls.daemon

    def mail(self, to: str, **more) -> Delivery:
        """Sends one message, and waits for the first attempt to deliver it."""
        MailTest._mails += 1
        self.subject = f"mail {MailTest._mails} of {self.id()}"
        delivery = self.sender.wait_for(self.sender.submit(to, subject=self.subject, **more))[0]
        return self._remember(delivery)

    def retry(self, delivery: Delivery, attempts: int = 2) -> Delivery:
        """Flushes the queue, and waits for this attempt."""
        self.sender.flush()
        return self._remember(self.sender.wait_for(delivery.queue_id, attempts)[attempts - 1])

    def assert_sent(self, delivery: Delivery, listener: Listener, tls: str) -> None:
        """To this listener, and it has come; `tls` is the log's word for the connection."""
        self.assertEqual((delivery.status, delivery.dsn, delivery.tls), ("sent", "2.0.0", tls),
                         delivery.log)
        self.eventually(lambda: self._arrived())
        self.assertEqual([(one.listener, one.tls) for one in self._arrived()],
                         [(listener.name, tls != "")])

    def assert_deferred(self, delivery: Delivery, dsn: str, text: str) -> None:
        """Kept for a later attempt, for this reason, and nothing has come."""
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", dsn), delivery.log)
        self.assertIn(text, delivery.text)
        self.assertIn(delivery.queue_id, {one["queue_id"] for one in self.sender.queued()
                                          if one["queue_name"] == "deferred"})
        self.assertEqual(self._arrived(), [])

    def assert_logged(self, delivery: Delivery, text: str) -> None:
        """A line of this attempt contains this."""
        self.assertIn(text, delivery.log)

    def _arrived(self):
        return [one for one in self.receiver.received() if one.subject == self.subject]

    def _remember(self, delivery: Delivery) -> Delivery:
        word = delivery.tls if delivery.status == "sent" else delivery.dsn
        self.outcome = f"{delivery.status}, {word or 'plain text'}"
        return delivery
