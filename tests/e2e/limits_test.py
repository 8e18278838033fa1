"""What other processes of the machine can do to the daemon: many clients, and a log that nobody reads."""

import fcntl
import os
import signal
import socket
import subprocess
import threading
import time

from world.case import WorldTest
from world.daemon import PORT
from world.domains import SILENT, Domain, PolicyHost, policy
from world.socketmap import Connection

CLIENTS, RESERVE = 64, 16
POLICY_PORT, ADMIN_PORT = 8462, 9462


def good(name: str) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)))


DOMAINS = (good("settled.test"), good("unasked.test"), good("logged.test"),
           Domain("stalls.test", host=PolicyHost(address=SILENT)))


def netstring(text: str) -> bytes:
    return f"{len(text)}:{text},".encode()


class Clients(WorldTest):
    config = (f"limits: {{clients: {CLIENTS}}}\n"
              f"policy_service: ['inet:127.0.0.1:{POLICY_PORT}']\n"
              f"admin: inet:127.0.0.1:{ADMIN_PORT}\n")

    def test_all_wait(self):
        """D5: all clients wait for one stalling domain: known domains and new ones are answered"""
        self.assert_secure("settled.test", "mx.settled.test")
        files = self.daemon.open_files()
        crowd = []
        try:
            for _ in range(3 * CLIENTS):
                crowd.append(socket.create_connection(("127.0.0.1", PORT), 20))
                crowd[-1].sendall(netstring("postfix stalls.test"))
            begun = time.monotonic()
            self.assert_secure("settled.test", "mx.settled.test")
            self.assertLess(time.monotonic() - begun, 1)
            self.assert_secure("unasked.test", "mx.unasked.test")
            self.assertLess(time.monotonic() - begun, 5)
            self.assertLessEqual(self.daemon.open_files(), files + CLIENTS + RESERVE + 20)
        finally:
            for wire in crowd:
                wire.close()
        said = [line for line in self.daemon.log_text().splitlines() if "displaced" in line]
        self.assertEqual(len(said), 1, said)

    def test_policy_service(self):
        """D5: at the policy service who gives way is told DUNNO and may go on"""
        request = b"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=bob@stalls.test\n\n"
        crowd = []
        try:
            for _ in range(CLIENTS + 1):
                crowd.append(socket.create_connection(("127.0.0.1", POLICY_PORT), 20))
                crowd[-1].sendall(request)
                time.sleep(0.002)
            begun = time.monotonic()
            self.assertEqual(crowd[0].recv(100), b"action=DUNNO\n\n")
            self.assertLess(time.monotonic() - begun, 3)
        finally:
            for wire in crowd:
                wire.close()

    def test_half_closed(self):
        """clients that shut down their writing side get their answers: nc -N, socat"""
        rows = ((PORT, netstring("postfix stalls-not.test"), b"9:NOTFOUND ,"),
                (POLICY_PORT, b"request=smtpd_access_policy\nprotocol_state=RCPT\n"
                              b"recipient=bob@nothing-there.test\n\n", b"action=DUNNO\n\n"),
                (ADMIN_PORT, b"GET /explain?domain=unasked.test HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK"))
        for port, request, wanted in rows:
            with self.subTest(port=port), \
                    socket.create_connection(("127.0.0.1", port), 20) as wire:
                wire.sendall(request)
                wire.shutdown(socket.SHUT_WR)
                reply = b"".join(iter(lambda: wire.recv(65536), b""))
                self.assertEqual(reply[:len(wanted)], wanted)

    def test_rebinding(self):
        """a page whose name resolves to the admin endpoint cannot read it"""
        for fields, status in (("Host: evil.test:9462\r\n", b"403"), ("", b"400"),
                               ("Host: 127.0.0.1:9462\r\nSec-Fetch-Site: same-origin\r\n", b"403"),
                               ("Host: 127.0.0.1:9462\r\n", b"200"), ("Host: localhost\r\n", b"200")):
            with self.subTest(fields), \
                    socket.create_connection(("127.0.0.1", ADMIN_PORT), 20) as wire:
                wire.sendall(f"GET /list HTTP/1.1\r\n{fields}\r\n".encode())
                reply = b"".join(iter(lambda: wire.recv(65536), b""))
                self.assertEqual(reply[9:12], status)


class LogTest(WorldTest):
    """A daemon of its own, whose standard error is a pipe that is full from the start."""

    @classmethod
    def setUpClass(cls):
        cls.world.webserver.forget_hits()
        cls.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            while True:
                os.write(writer, b"." * 1000)
        except BlockingIOError:
            pass
        fcntl.fcntl(writer, fcntl.F_SETFL, 0)
        state = cls.world.directory / f"{cls.__name__}-state"
        state.mkdir(mode=0o700)
        config = cls.world.directory / f"{cls.__name__}.yaml"
        config.write_text("log: {level: debug}\nadmin: ''\n")
        cls.process = subprocess.Popen(
            [cls.program, "-c", config], stdin=subprocess.DEVNULL, stderr=writer,
            env={"PATH": os.environ["PATH"], "STATE_DIRECTORY": str(state)})
        os.close(writer)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", PORT), 1).close()
                break
            except OSError:
                time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        if cls.process.poll() is None:
            cls.process.kill()
            cls.process.wait()
        os.close(cls.reader)


class LogThatNobodyReads(LogTest):
    def test_answers(self):
        """a full pipe as standard error: answers go on, the end comes, and later all is in the log"""
        begun = time.monotonic()
        self.assert_secure("logged.test", "mx.logged.test")
        with Connection() as connection:
            for n in range(3000):
                connection.ask(f"n{n}.invalid")
        self.assert_secure("logged.test", "mx.logged.test")
        self.assertLess(time.monotonic() - begun, 20)
        self.process.send_signal(signal.SIGTERM)
        read = bytearray()

        def read_all():
            time.sleep(1)
            while chunk := os.read(self.reader, 65536):
                read.extend(chunk)

        reader = threading.Thread(target=read_all)
        reader.start()
        self.assertEqual(self.process.wait(15), 0)
        reader.join(15)
        lines = bytes(read).lstrip(b".").decode().splitlines()
        self.assertIn("info: policies loaded", lines[0])
        self.assertIn("info: stopped", lines[-1])
        self.assertTrue(any("logged.test" in line for line in lines))


class EndWithoutReader(LogTest):
    def test_end(self):
        """a full pipe that is never read keeps the daemon from ending for seconds, not for ever"""
        self.assert_secure("logged.test", "mx.logged.test")
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(15), 0)
        self.assertLess(time.monotonic() - begun, 8)
