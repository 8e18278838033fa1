"""Our own trouble, and the end."""

import signal
import socket
import threading
import time

from world import reply, socketmap
from world.case import WorldTest
from world.daemon import PORT
from world.domains import Domain, PolicyHost, policy
from world.hostile import GOOD, OK, HostileServer
from world.socketmap import Connection, ProtocolError


def good(name: str) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)))


def after_a_second(server, tls):
    server.wait(1)
    server.send(tls, OK + b"\r\n" + GOOD)
    tls.unwrap()


TARDY = "192.31.196.98"

DOMAINS = (good("unlucky.test"), good("unlucky2.test"), good("before.test"),
           Domain("tardy.test", mx=("mx.hostile.test",), host=PolicyHost(address=TARDY)))


class DeadResolver(WorldTest):
    def heal(self):
        self.world.resolver.start()
        self.world.resolver.wait()

    def test_stopped(self):
        """D-h, decision 11: without resolver known policies stay, unknown domains are errors"""
        wanted = self.world.domain("enforce.test").questions[0].tlsrpt
        self.assert_answer("enforce.test", wanted, "postfix-tlsrpt")
        self.world.resolver.stop()
        try:
            begun = time.monotonic()
            self.assert_answer("enforce.test", wanted, "postfix-tlsrpt")
            self.assertLess(time.monotonic() - begun, 6)
            begun = time.monotonic()
            answer = self.ask("unlucky.test")
            taken = time.monotonic() - begun
            self.note(f"{taken:.1f} s: {answer}")
            self.assertIsInstance(answer, str)
            self.assertTrue(answer.startswith("TEMP "), answer)
            # It names the domain and the cause.
            self.assertIn("unlucky.test", answer)
            self.assertIn("127.0.0.1", answer)
            self.assertLess(taken, 15)
            postmap = self.world.postfix.ask("unlucky.test")
            self.assertEqual((postmap.code, postmap.value), (1, ""))
            self.assertIn("socketmap server temporary error: ", postmap.errors)
            # Keys that need no DNS do not suffer.
            self.assert_not_found("[192.0.2.1]")
        finally:
            self.heal()
        # Nothing of it was remembered about the domain (I7).
        self.eventually(lambda: self.ask("unlucky.test") == reply.Policy(("mx.unlucky.test",)), 40)

    def test_silent(self):
        """D-h, I9: a resolver that says nothing to anything: TEMP, within the deadline"""
        wanted = self.world.domain("wildcard.test").questions[0].tlsrpt
        self.assert_answer("wildcard.test", wanted, "postfix-tlsrpt")
        self.world.resolver.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            answer = self.ask("unlucky2.test")
            taken = time.monotonic() - begun
            self.note(f"{taken:.1f} s: {answer}")
            self.assertIsInstance(answer, str)
            self.assertTrue(answer.startswith("TEMP unlucky2.test: no name server answers"), answer)
            self.assertLess(taken, 10)
            begun = time.monotonic()
            self.assert_answer("wildcard.test", wanted, "postfix-tlsrpt")
            self.assertLess(time.monotonic() - begun, 6)
        finally:
            self.world.resolver.send_signal(signal.SIGCONT)


class DeadNameserver(WorldTest):
    def test_silent(self):
        """decision 6: a domain whose name servers are silent is not found: remote trouble"""
        self.world.nameserver.pause()
        try:
            begun = time.monotonic()
            self.assert_not_found("nobody.before.test")
            self.note(f"not found after {time.monotonic() - begun:.1f} s")
            self.assertLess(time.monotonic() - begun, 12)
        finally:
            self.world.nameserver.resume()


class Signals(WorldTest):
    """A daemon for each test, which may end it."""

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        WorldTest.daemon = self.start_daemon()

    def tearDown(self):
        WorldTest.daemon.stop()
        WorldTest.daemon = None

    def test_sigterm(self):
        """SIGTERM: connections are closed, what was asked is waited for 5 s, the exit code is 0"""
        idle, waiting, answered = Connection(), Connection(), Connection()
        waiting.send("stalled.test")
        self.assertTrue(answered.ask("before.test").startswith("OK secure "))
        time.sleep(0.3)
        begun = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        taken = time.monotonic() - begun
        self.note(f"with a question in flight it ended after {taken:.1f} s")
        self.assertLess(taken, 8)
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", PORT), 1)
        for connection in (idle, answered):
            with self.assertRaises(ProtocolError):
                connection.receive()
        try:
            self.assertIn(reply.parse(waiting.receive())[:5], ("NOTFO", "TEMP "))
        except ProtocolError:
            pass  # Postfix connects again and asks again
        for connection in (idle, waiting, answered):
            connection.close()

    def test_sigterm_in_flight(self):
        """SIGTERM: a question in flight that can be answered is answered before the end"""
        host = HostileServer(self.world, "mta-sts.tardy.test", TARDY, after_a_second)
        with Connection() as connection:
            connection.send("tardy.test")
            self.eventually(lambda: host.connections)
            self.daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(connection.receive(),
                             "OK secure match=mx.hostile.test servername=hostname")
        host.close()
        self.assertEqual(self.daemon.process.wait(8), 0)

    def test_sigterm_under_load(self):
        """SIGTERM while clients ask without pause: exit code 0, every answer was a whole one"""
        stop = threading.Event()
        odd, whole = [], []

        def keep_asking():
            while not stop.is_set():
                try:
                    answer = socketmap.ask("before.test", timeout=20)
                except (ProtocolError, OSError):
                    return
                good = answer == "OK secure match=mx.before.test servername=hostname"
                (whole if good else odd).append(answer)

        clients = [threading.Thread(target=keep_asking) for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        code = self.daemon.stop()
        stop.set()
        for client in clients:
            client.join()
        self.note(f"{len(whole)} answers before the end")
        self.assertEqual(code, 0)
        self.assertEqual(odd, [])
        self.assertTrue(whole)

    def test_sighup(self):
        """SIGHUP does not end it"""
        self.survives(signal.SIGHUP)

    def test_early(self):
        """SIGHUP, then SIGTERM, as soon as it listens: exit code 0, in each of 20 lives"""
        port = PORT + 1
        for _ in range(20):
            daemon = self.world.start_daemon(self.program, f"listen: ['inet:127.0.0.1:{port}']",
                                             port=port, wait=False)
            while not self.listens(port):
                self.assertTrue(daemon.alive())
            daemon.process.send_signal(signal.SIGHUP)
            self.assertEqual(daemon.stop(), 0)

    @staticmethod
    def listens(port: int) -> bool:
        with socket.socket() as wire:
            return wire.connect_ex(("127.0.0.1", port)) == 0

    def test_sigpipe(self):
        """SIGPIPE does not end it"""
        self.survives(signal.SIGPIPE)

    def survives(self, number: signal.Signals):
        self.daemon.process.send_signal(number)
        time.sleep(0.3)
        self.assertTrue(self.daemon.alive())
        self.assertTrue(socketmap.ask("before.test").startswith("OK secure "))
