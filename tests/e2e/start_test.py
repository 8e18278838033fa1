"""A start that does not go well says who is in the way, and what to do."""

from world.case import SeveralLives, WorldTest
from world.daemon import PORT

OTHER_PORT = PORT + 10


class Starts(SeveralLives):
    def start(self, config: str | None = None, **more):
        WorldTest.daemon = self.world.start_daemon(self.program, config, **more)
        self.addCleanup(self.daemon.stop)
        return self.daemon

    def second(self, config: str | None = None, **more) -> str:
        """The last line of one that is started beside the first, and ends."""
        other = self.world.start_daemon(self.program, config, wait=False, **more)
        self.addCleanup(other.stop)
        self.assertEqual(other.process.wait(60), 1, other.log_text())
        line = other.log_text().splitlines()[-1]
        self.note(line)
        return line

    def test_no_state_directory(self):
        """a state directory that cannot be made: answers go on, one line says what to do"""
        daemon = self.start(environment={"STATE_DIRECTORY": "/proc/tlspolicyd"})
        errors = [line for line in daemon.log_text().splitlines() if "error: " in line]
        self.assertEqual(len(errors), 1, daemon.log_text())
        self.assertIn("policies cannot be saved", errors[0])
        self.assertIn("as root: install -d -o root -m 0700 /proc/tlspolicyd; or another place by "
                      "cache: {path: FILE} or $STATE_DIRECTORY", errors[0])
        self.assert_secure("enforce.test", "mx1.enforce.test", "mx2.enforce.test")

    def test_no_state_directory_required(self):
        """the same with cache.require: the start ends with that line"""
        line = self.second("cache: {require: true}",
                           environment={"STATE_DIRECTORY": "/proc/tlspolicyd"})
        self.assertIn("as root: install -d -o root -m 0700 /proc/tlspolicyd; or", line)

    def test_open_state_directory(self):
        """a state directory that everybody may look into is used, with one warning"""
        state = self.world.directory / "open-state"
        state.mkdir()
        for mode, warnings in ((0o755, 1), (0o750, 0), (0o700, 0)):
            with self.subTest(oct(mode)):
                state.chmod(mode)
                text = self.start(state=state).log_text()
                self.assertEqual(text.count("warning: everybody may look into the state directory"),
                                 warnings, text)
                self.assertEqual(text.count("StateDirectoryMode=0700"), warnings)
                self.daemon.stop()

    def test_same_port(self):
        """a port that another daemon has: which process it is"""
        first = self.start()
        self.assertIn(f"inet:127.0.0.1:{PORT}: bind: Address already in use; process {first.pid} "
                      "(tlspolicyd): stop it, or have this one listen elsewhere", self.second())

    def test_same_socket(self):
        """a unix socket that another daemon has: which process it is"""
        path = self.world.directory / "same"
        first = self.start(f"listen: [unix:{path}, 'inet:127.0.0.1:{PORT}']")
        self.assertIn(f"unix:{path}: another server listens there: Address already in use; process "
                      f"{first.pid} (tlspolicyd): stop it", self.second(f"listen: [unix:{path}]"))

    def test_same_file(self):
        """a cache file that another daemon has: which process it is"""
        first = self.start()
        line = self.second(f"listen: [inet:127.0.0.1:{OTHER_PORT}]", state=first.state)
        self.assertIn(f"cache.db is in use by process {first.pid} (tlspolicyd): "
                      "stop that one, or give this one a file of its own", line)
