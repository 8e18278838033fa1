"""Policy hosts that misbehave: not found in time, and the daemon stays as it was (threats (a))."""

import time
from concurrent.futures import ThreadPoolExecutor

from world import reply, socketmap
from world.case import HASTY, WorldTest
from world.domains import Domain, PolicyHost
from world.hostile import GOOD, HOSTS, OK, HostileServer, proper

MEGABYTE = 1 << 20
ADDRESSES = {name: f"192.31.196.{number}" for number, name in enumerate(HOSTS, 100)}
KIND = "192.31.196.99"
# Far above what 64 KiB and the sockets' buffers take, far below endless.
MOST_BYTES = 24 * MEGABYTE


def domain_of(name: str) -> str:
    return f"hostile-{name}.test"


def domain_at(name: str, address: str) -> Domain:
    return Domain(name, mx=("mx.hostile.test",), host=PolicyHost(address=address))


DOMAINS = (*(domain_at(domain_of(name), ADDRESSES[name]) for name in HOSTS),
           domain_at("kind.test", KIND))


class HostileHosts(WorldTest):
    """All are asked for at the same time."""

    config = HASTY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.servers = {
            name: HostileServer(cls.world, "mta-sts." + domain_of(name), ADDRESSES[name], behaviour,
                                **more)
            for name, (behaviour, more, _) in HOSTS.items()}
        cls.kind = HostileServer(
            cls.world, "mta-sts.kind.test", KIND,
            proper(OK + b"\r\n" + GOOD))
        socketmap.ask("kind.test")  # whatever the first fetch needs, it has now
        cls.size_before = cls.daemon.resident_bytes()
        cls.largest = cls.size_before
        with ThreadPoolExecutor(len(HOSTS)) as pool:
            answers = {name: pool.submit(cls.timed, domain_of(name)) for name in HOSTS}
            while not all(answer.done() for answer in answers.values()):
                cls.largest = max(cls.largest, cls.daemon.resident_bytes())
                time.sleep(0.02)
        cls.answers = {name: answer.result() for name, answer in answers.items()}

    @classmethod
    def tearDownClass(cls):
        for server in [*cls.servers.values(), cls.kind]:
            server.close()
        super().tearDownClass()

    @staticmethod
    def timed(key: str):
        begun = time.monotonic()
        return socketmap.ask(key), time.monotonic() - begun

    def test_memory(self):
        """A-1, A-3: all hostile hosts at once do not make the daemon grow"""
        grown = self.largest - self.size_before
        self.note(f"resident size {self.size_before / MEGABYTE:.1f} MB, "
                  f"at most {grown / MEGABYTE:.1f} MB more")
        # TLS buffers of two dozen connections at once, and what the allocator keeps.
        self.assertLess(grown, 12 * MEGABYTE)

    def test_alive(self):
        """the daemon is alive after all hostile hosts, idle, and answers"""
        self.assertTrue(self.daemon.alive())
        self.assert_secure("enforce.test", "mx1.enforce.test", "mx2.enforce.test")
        # Every fetch has ended by its own deadline; then nothing is left to do.
        self.eventually(lambda: all(s.ended_after is not None or not s.connections
                                    for s in self.servers.values()), 15)
        before = self.daemon.cpu_seconds()
        time.sleep(1)
        self.assertLess(self.daemon.cpu_seconds() - before, 0.2)

    def test_control(self):
        """the control: the same response, properly sent and ended, is taken"""
        self.assert_secure("kind.test", "mx.hostile.test")


def add_tests():
    def test_of(name):
        def test(self):
            answer, seconds = self.answers[name]
            server = self.servers[name]
            self.assertEqual(reply.parse(answer), "NOTFOUND")
            self.assertLess(seconds, 6)
            self.assertGreaterEqual(server.connections, 1, "nobody came")
            self.eventually(lambda: server.ended_after is not None, 15)
            self.assertLess(server.ended_after, 10)
            self.assertLess(server.sent, MOST_BYTES)
            self.note(f"not found after {seconds:.2f} s, connection ended after "
                      f"{server.ended_after:.2f} s, {server.sent} bytes sent")
        test.__doc__ = HOSTS[name][2] + ": not found, in time"
        return test

    for name in HOSTS:
        setattr(HostileHosts, "test_host_" + name, test_of(name))


add_tests()
