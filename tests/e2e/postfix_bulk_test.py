"""Much mail while the daemon is killed again and again."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from world.authority import Certificate
from world.debian13 import NAME as DEBIAN_13
from world.domains import Domain, PolicyHost, policy
from world.mail_case import NO_POLICY_SERVER, MailTest
from world.postfix import STATUS
from world.receiver import GOOD
from world.sender import Sender

MESSAGES = 1000
NAMES = tuple(f"crowd-{number}.test" for number in range(100))
# The first host of each is in its policy, and has a certificate for another name: that is where
# mail arrives that nobody protects.
MX = ("other.mailhosts.test", "good.mailhosts.test")
_CERTIFICATE = Certificate(tuple("mta-sts." + name for name in NAMES))

DOMAINS = tuple(Domain(name, mx=MX, host=PolicyHost(policy(*MX), certificate=_CERTIFICATE))
                for name in NAMES)


class Bulk:
    # Deferred mail is tried again a second later, if one flushes the queue.
    settings = {"minimal_backoff_time": "1s", "maximal_backoff_time": "1s"}
    KILLS = (0.1, 0.35, 0.6)  # after these parts have been sent

    def test_killed(self):
        """decision 17: 1000 mails to 100 domains, the daemon is killed three times: all sent"""
        begun = time.monotonic()
        supervisor = Supervisor(self)
        subjects = [f"number {number} of {self.id()}" for number in range(MESSAGES)]
        try:
            with ThreadPoolExecutor(4) as pool:
                submissions = [pool.submit(self.submit, subjects, part) for part in range(4)]
                for part in self.KILLS:
                    self.wait_until_sent(part * MESSAGES)
                    supervisor.kill()
                for submission in submissions:
                    submission.result()
            self.wait_until_sent(MESSAGES)
        finally:
            supervisor.end()
        self.assertEqual(supervisor.kills, len(self.KILLS))
        self.assertEqual(self.sent(), MESSAGES)
        self.eventually(lambda: not self.sender.queued())
        attempts = [match for line in self.lines() if (match := STATUS.search(line))]
        deferred = [match["text"] for match in attempts if match["status"] == "deferred"]
        self.assertEqual(len(attempts), MESSAGES + len(deferred))  # nothing bounced
        # The daemon was missed, and there was no other trouble.
        self.assertGreater(len(deferred), 0)
        self.assertEqual([text for text in deferred if NO_POLICY_SERVER[1] not in text], [])
        self.assert_all_received(subjects)
        self.note(f"{time.monotonic() - begun:.0f} s, {len(deferred)} attempts deferred")
        self.outcome = "all sent, Verified"

    def submit(self, subjects: list[str], part: int) -> None:
        with self.sender.submission() as submission:
            for number in range(part, MESSAGES, 4):
                submission.send("bob@" + NAMES[number % len(NAMES)], subject=subjects[number])

    def assert_all_received(self, subjects: list[str]) -> None:
        """Each once, over TLS, by the host that has the right certificate."""
        wanted = set(subjects)

        def ours():
            return [one for one in self.receiver.received() if one.subject in wanted]

        self.eventually(lambda: len(ours()) >= MESSAGES, 30)
        self.assertEqual({(one.listener, one.tls) for one in ours()}, {(GOOD.name, True)})
        self.assertEqual(sorted(one.subject for one in ours()), sorted(subjects))

    def lines(self) -> list[str]:
        return self.sender.log_text().splitlines()

    def sent(self) -> int:
        return self.sender.log_text().count(" status=sent (")

    def wait_until_sent(self, messages: float) -> None:
        deadline = time.monotonic() + 120
        flushed = time.monotonic()
        while self.sent() < messages:
            self.assertLess(time.monotonic(), deadline, self.sender.queued()[:3])
            time.sleep(0.05)
            if time.monotonic() - flushed > 1:
                self.sender.flush()
                flushed = time.monotonic()


class Supervisor:
    """Starts the daemon again whenever it has died, half a second later."""

    def __init__(self, test: MailTest):
        self.kills = 0
        self._test = test
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def kill(self) -> None:
        """Waits until it is back."""
        victim = self._test.daemon
        self.kills += victim.stop(signal.SIGKILL) == -signal.SIGKILL
        while self._test.daemon is victim and self._thread.is_alive():
            time.sleep(0.02)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            if not self._test.daemon.alive():
                time.sleep(0.5)
                self._test.restart_daemon()


class BulkOnDebian12(Bulk, MailTest):
    pass


class BulkOnDebian13(Bulk, MailTest):
    release = DEBIAN_13
    policy_server = Sender.INET
