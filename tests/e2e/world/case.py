"""What the end-to-end tests have in common."""

import time
import unittest
from contextlib import contextmanager

from . import reply, socketmap
from .daemon import Daemon
from .domains import COMPAT, NOT_FOUND
from .world import World

# Answers within seconds where the defaults would take a minute; for tests of hosts that stall.
HASTY = """
discovery: {answer_deadline: 4s, fetch_deadline: 4s}
https: {timeout: 6s}
"""


class WorldTest(unittest.TestCase):
    """One daemon for all tests of a class, ended with SIGTERM, which must give exit code 0."""

    world: World = None
    program = None
    usual_open_files = (1024, 1024)
    daemon: Daemon = None
    config: str | None = None
    environment: dict[str, str] = {}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world.webserver.forget_hits()
        WorldTest.daemon = cls.start_daemon()

    @classmethod
    def start_daemon(cls) -> Daemon:
        return cls.world.start_daemon(cls.program, cls.config, environment=cls.environment,
                                      open_files=cls.usual_open_files)

    @classmethod
    def tearDownClass(cls):
        daemon, WorldTest.daemon = WorldTest.daemon, None
        alive = daemon.alive()
        code = daemon.stop()
        if code != 0:
            raise AssertionError(f"tlspolicyd {'ended' if alive else 'had ended'} with {code}:\n"
                                 + daemon.process.last_words(60))

    def note(self, text: str) -> None:
        """A line below the test's in the report."""
        self.notes.append(text)

    def ask(self, key, map_name: str = COMPAT, timeout: float = 60):
        """The parsed reply, of the vocabulary or the test fails."""
        return reply.parse(socketmap.ask(key, map_name, timeout))

    def assert_answer(self, key: str, wanted: str | None, map_name: str = COMPAT) -> None:
        answer = self.ask(key, map_name)
        self.assertEqual(answer, "NOTFOUND" if wanted is NOT_FOUND else reply.parse_policy(wanted))

    def assert_secure(self, key: str, *names: str) -> None:
        """Found, in the compat profile, with these names."""
        self.assertEqual(self.ask(key), reply.Policy(names))

    def assert_not_found(self, key) -> None:
        self.assertEqual(self.ask(key), "NOTFOUND")

    @contextmanager
    def dns_queries(self):
        """The questions that unbound gets meanwhile; filled when the block ends."""
        before = len(self.world.resolver.queries())
        seen: list[tuple[str, str]] = []
        yield seen
        seen += self.world.resolver.queries()[before:]

    def eventually(self, condition, seconds: float = 10):
        """Waits until `condition()` is true, and fails otherwise."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it did not come true")
            time.sleep(0.02)


class SeveralLives(WorldTest):
    """Each test starts its daemons itself."""

    @classmethod
    def setUpClass(cls):
        cls.world.webserver.forget_hits()

    @classmethod
    def tearDownClass(cls):
        pass

    def tearDown(self):
        if WorldTest.daemon and WorldTest.daemon.alive():
            self.assertEqual(WorldTest.daemon.stop(), 0)
        WorldTest.daemon = None
