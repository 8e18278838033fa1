"""What is remembered: over restarts, crashes, broken disks, and until something newer is published."""

import dataclasses
import signal
import time
from pathlib import Path

from world import namespace, socketmap
from world.case import SeveralLives, WorldTest
from world.daemon import PORT
from world.domains import COMPAT, TLSRPT, Domain, PolicyHost, policy
from world.processes import Failed


def good(name: str, **more) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)), **more)


OPTS_OUT = good("optsout.test", ttl=5)
MOVES = good("moves.test", ttl=5)
DOMAINS = (good("kept.test"), good("kept2.test"), good("disk.test"), good("disk2.test"),
           Domain("newhost.test", mx=("mx.newhost.test",)), OPTS_OUT, MOVES)

# A policy host that refuses and a name server that is not there: only the memory is left. Without
# the DANE gate nothing has to be asked for an answer by patterns (decisions.md 17).
CUT_OFF = """
dane: {mode: off}
https: {port: 444}
resolver: {servers: [127.0.0.99]}
"""


class MemoryTest(SeveralLives):
    def start(self, state: Path | None = None, config: str | None = None) -> None:
        WorldTest.daemon = self.world.start_daemon(self.program, config, state=state,
                                                   open_files=self.usual_open_files)

    def restart(self, number: int = signal.SIGKILL, config: str | None = None) -> None:
        """Another life on the same state."""
        state = self.daemon.state
        self.daemon.stop(number)
        self.start(state, config)

    def assert_protected(self, domain: str) -> None:
        self.assert_secure(domain, "mx." + domain)
        self.assertTrue(socketmap.ask(domain, TLSRPT).startswith(f"OK secure match=mx.{domain} "))


class Restart(MemoryTest):
    def test_killed(self):
        """S26 I5 decisions 17: nginx stopped, killed with -9, restarted: still secure"""
        self.start()
        self.assert_protected("kept.test")
        self.world.webserver.stop()
        try:
            self.restart()
            self.assert_protected("kept.test")
            self.check_without_resolver()
        finally:
            self.world.webserver.start()
            self.world.webserver.wait()
        self.assertEqual(len(self.world.webserver.hits("mta-sts.kept.test")), 1)

    def check_without_resolver(self):
        self.world.resolver.stop()
        try:
            self.restart(config="dane: {mode: off}")
            answer = socketmap.ask("kept.test", TLSRPT)
            self.assertTrue(answer.startswith("OK secure match=mx.kept.test "), answer)
            self.restart()
            for map_name in (COMPAT, TLSRPT):
                answer = socketmap.ask("kept.test", map_name)
                self.note(f"without resolver: {answer}")
                self.assertTrue(answer.startswith("TEMP kept.test: MX look-up failed"), answer)
        finally:
            self.world.resolver.start()
            self.world.resolver.wait()
        begun = time.monotonic()
        self.assert_protected("kept.test")
        self.note(f"secure {time.monotonic() - begun:.2f} s after the resolver was back")
        self.assertLess(time.monotonic() - begun, 2)

    def test_terminated(self):
        """decisions 18: SIGTERM and restart: loaded before the first answer, no fetch"""
        self.start()
        self.assert_protected("kept2.test")
        self.restart(signal.SIGTERM)
        self.assert_protected("kept2.test")
        self.assertEqual(len(self.world.webserver.hits("mta-sts.kept2.test")), 1)


class Change(MemoryTest):
    def test_new_id(self):
        """S40 S41 S50: mode none, another MX provider: at the first question after the TXT's TTL"""
        self.start()
        self.assert_protected("optsout.test")
        self.assert_protected("moves.test")
        self.publish(OPTS_OUT, policy(mode="none"))
        self.publish(dataclasses.replace(MOVES, mx=("mx.newhost.test",)), policy("mx.newhost.test"))
        # Five seconds of the record's TTL, but none is looked at again within a minute.
        time.sleep(61)
        self.assert_not_found("optsout.test")
        self.assert_secure("moves.test", "mx.newhost.test")
        self.restart(config=CUT_OFF)
        self.assert_not_found("optsout.test")
        self.assertTrue(socketmap.ask("moves.test", TLSRPT)
                        .startswith("OK secure match=mx.newhost.test "))

    def publish(self, domain: Domain, text: str) -> None:
        self.world.webserver.publish(domain, text)
        self.world.nameserver.publish(dataclasses.replace(domain, txt=("v=STSv1; id=2;",)))


class Disk(MemoryTest):
    def test_full(self):
        """decisions 17: a full disk: answers go on from memory, loudly; then it is saved"""
        self.start(self.small_disk())
        ballast = self.daemon.state / "ballast"
        try:
            with open(ballast, "wb", 0) as file:
                while file.write(b"x" * 4096):
                    pass
        except OSError:
            pass
        self.assert_protected("disk.test")
        self.assertIn("policies cannot be saved", self.daemon.log_text())
        self.note(next(line for line in self.daemon.log_text().splitlines()
                       if "cannot be saved" in line))
        self.assert_protected("disk2.test")
        ballast.unlink()
        self.eventually(lambda: "policies are saved again" in self.daemon.log_text(), 30)
        self.restart(config=CUT_OFF)
        for domain in ("disk.test", "disk2.test"):
            self.assertTrue(socketmap.ask(domain, TLSRPT).startswith("OK secure "))

    def small_disk(self) -> Path:
        place = self.world.directory / "small"
        place.mkdir()
        namespace.mount("none", str(place), "tmpfs", 0, "size=256k,mode=0700")
        return place

    def test_unreadable(self):
        """decisions 18: an unreadable file is kept aside and reported, and a new one begun"""
        state = self.garbage("unreadable")
        self.start(state)
        self.assert_protected("kept.test")
        aside = [file for file in state.iterdir() if ".unreadable-" in file.name]
        self.note(f"kept aside: {[file.name for file in aside]}")
        self.assertEqual([file.read_bytes()[:18] for file in aside], [b"no database at all"])
        self.assertIn('error: cache file trouble="the cache file ', self.daemon.log_text())

    def test_required(self):
        """decisions 18: cache.require refuses to start, also when it is tried again"""
        state = self.garbage("required")
        for _ in range(2):
            with self.assertRaises(Failed) as refused:
                self.start(state, "cache: {require: true}")
            self.note(str(refused.exception).splitlines()[-1].strip())
            self.assertIn("ended with 1", str(refused.exception))
            self.assertIn("cache.require: ", str(refused.exception))
        for file in state.iterdir():
            file.unlink()
        self.start(state, "cache: {require: true}")
        self.assert_protected("kept.test")

    def garbage(self, name: str) -> Path:
        state = self.world.directory / name
        state.mkdir(mode=0o700)
        (state / "cache.db").write_bytes(b"no database at all" * 1000)
        return state

    def test_shared(self):
        """C-5: two daemons do not share a file: the second one refuses to start"""
        self.start()
        with self.assertRaises(Failed) as refused:
            self.world.start_daemon(self.program, f"listen: ['inet:127.0.0.1:{PORT + 1}']",
                                    state=self.daemon.state, port=PORT + 1)
        self.note(str(refused.exception).splitlines()[-1].strip())
        self.assertIn("ended with 1", str(refused.exception))
        self.assert_protected("kept.test")

    def test_modes(self):
        """C-5: the file is for its owner alone"""
        self.start()
        self.assert_protected("kept.test")
        file = self.daemon.state / "cache.db"
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        for other in self.daemon.state.iterdir():
            self.assertEqual(other.stat().st_mode & 0o077, 0, other)
