"""What the tests of real mail have in common."""

from . import table
from .case import WorldTest
from .daemon import Daemon
from .postfix import Delivery
from .receiver import Listener
from .sender import Sender

# Words of smtp(8) that nobody translates.
UNVERIFIED = ("4.7.5", "Server certificate not verified")
NOBODY_ALLOWED = ("4.3.0", "server unavailable or unable to receive mail")  # by the patterns
NO_POLICY_SERVER = ("4.7.5", "client TLS configuration problem")


class MailTest(WorldTest):
    """A daemon and a sending Postfix for all tests of a class.

    A theme is a class without a base, and one of these for each release. What becomes of the mail
    of a test, `outcome`, is its cell in the table.
    """

    release = "Debian 12"
    policy_server = Sender.BELOW_QUEUE  # how Postfix reaches the daemon
    settings: dict[str, str] = {}       # of the sender
    socket_mode = "mode: '0666'"        # of the daemon's socket, in its configuration
    more_config = ""                    # of the daemon
    knows_tls = True                    # the sender's main.cf has what it needs
    sender: Sender = None
    missing: dict[str, str] = {}        # release: why it cannot be had
    _subjects: dict[str, str] = {}      # queue id: what tells this mail from all others

    @classmethod
    def setUpClass(cls):
        if cls.release in cls.missing:
            return
        cls.receiver = cls.world.mail.receiver
        cls.sender = cls.world.mail.sender(cls.release, policy_server=cls.policy_server,
                                           socket_mode=cls.socket_mode, settings=cls.settings,
                                           knows_tls=cls.knows_tls)
        # The port last: once that is open, so is the socket.
        cls.config = f"listen: [{cls.sender.listen}, 'inet:127.0.0.1:8461']\n{cls.more_config}"
        try:
            super().setUpClass()
            cls.configure_sender()
            cls.sender.start()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def configure_sender(cls) -> None:
        """Before it starts; the daemon runs already."""

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
    def restart_daemon(cls, forgetful: bool = False) -> Daemon:
        """Another one, with the state of the first or without; that is stopped by then."""
        WorldTest.daemon = cls.world.start_daemon(
            cls.program, cls.config, environment=cls.environment, open_files=cls.usual_open_files,
            state=None if forgetful else cls.daemon.state)
        return cls.daemon

    def mail(self, to: str, **more) -> Delivery:
        """Sends one message, and waits for the first attempt to deliver it."""
        return self.first_attempt(self.submit(to, **more))

    def submit(self, to: str, **more) -> str:
        """Sends one message; its queue id."""
        subject = f"mail {len(self._subjects)} of {self.id()}"
        queue_id = self.sender.submit(to, subject=subject, **more)
        self._subjects[queue_id] = subject
        return queue_id

    def first_attempt(self, queue_id: str) -> Delivery:
        """Waits for it."""
        return self._remember(self.sender.wait_for(queue_id)[0])

    def retry(self, delivery: Delivery, attempts: int = 2) -> Delivery:
        """Flushes the queue, and waits for this attempt."""
        self.sender.flush()
        return self._remember(self.sender.wait_for(delivery.queue_id, attempts)[attempts - 1])

    def assert_sent(self, delivery: Delivery, listener: Listener, tls: str) -> None:
        """To this listener, and it has come; `tls` is the log's word for the connection."""
        self.assertEqual((delivery.status, delivery.dsn, delivery.tls), ("sent", "2.0.0", tls),
                         delivery.log)
        self.eventually(lambda: self._arrived(delivery))
        self.assertEqual([(one.listener, one.tls) for one in self._arrived(delivery)],
                         [(listener.name, tls != "")])

    def assert_deferred(self, delivery: Delivery, dsn: str, text: str) -> None:
        """Kept for a later attempt, for this reason, and nothing has come."""
        self.assertEqual((delivery.service, delivery.status, delivery.dsn),
                         ("smtp", "deferred", dsn), delivery.log)
        self.assertIn(text, delivery.text)
        # qmgr(8) puts it there a moment after smtp(8) has said so in the log.
        self.eventually(lambda: any((one["queue_name"], one["queue_id"])
                                    == ("deferred", delivery.queue_id)
                                    for one in self.sender.queued()))
        self.assertEqual(self._arrived(delivery), [])

    def assert_logged(self, delivery: Delivery, text: str) -> None:
        """A line of this attempt contains this."""
        self.assertIn(text, delivery.log)

    def _arrived(self, delivery: Delivery):
        subject = self._subjects[delivery.queue_id]
        return [one for one in self.receiver.received() if one.subject == subject]

    def _remember(self, delivery: Delivery) -> Delivery:
        word = delivery.tls if delivery.status == "sent" else delivery.dsn
        self.outcome = f"{delivery.status}, {word or 'plain text'}"
        return delivery
