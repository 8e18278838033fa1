"""What comes on a connection that is no Postfix."""

import random
import socket
import time

from world import socketmap
from world.case import WorldTest
from world.socketmap import Connection, ProtocolError, request

WANTED = "OK secure match=mx1.enforce.test:mx2.enforce.test servername=hostname"

MALFORMED = {
    "no digits": b"abc",
    "sign": b"-1:a,",
    "space": b" 5:a b c,",
    "no colon": b"20 postfix enforce.test,",
    "wrong end": request("enforce.test")[:-1] + b";",
    "length too large": b"99999999999999999999:",
    "just over 2^32": b"4294967316:postfix enforce.test,",
    "over the limit": b"20000:" + b"x" * 20000 + b",",
    "endless digits": b"0" * 5000,
    "HTTP": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "NUL": b"\0" * 64,
}

WITHOUT_KEY = (b"", b"x", b"postfix", b"postfix ", b" ", b" enforce.test", b"PURGE", b"DUMP",
               b"postfix\0enforce.test")


class Wire(WorldTest):
    def setUp(self):
        self.neighbour = Connection()
        self.assertEqual(self.neighbour.ask("enforce.test"), WANTED)

    def tearDown(self):
        # Whatever happened on another connection, this one goes on.
        self.assertEqual(self.neighbour.ask("enforce.test"), WANTED)
        self.neighbour.close()
        self.assertTrue(self.daemon.alive())

    def test_malformed(self):
        """C-4, C-9: what is no netstring ends that connection, soon, and no other"""
        for name, data in MALFORMED.items():
            with self.subTest(name), Connection(timeout=10) as connection:
                begun = time.monotonic()
                connection.wire.sendall(data)
                with self.assertRaises(ProtocolError):
                    connection.receive()
                self.assertLess(time.monotonic() - begun, 2)

    def test_random_bytes(self):
        """C-9: random bytes end that connection or wait for more, and nothing else happens"""
        source = random.Random(8461)
        for _ in range(200):
            with Connection(timeout=10) as connection:
                data = source.randbytes(source.randrange(1, 3000))
                try:
                    connection.wire.sendall(data)
                    connection.wire.shutdown(socket.SHUT_WR)
                    self.assertEqual(connection.wire.recv(4096), b"", data)
                except ConnectionError:
                    pass

    def test_broken_requests(self):
        """C-9: good requests with one byte changed: an answer of the vocabulary, or the end"""
        source = random.Random(8461)
        good = request("enforce.test")
        for _ in range(300):
            data = bytearray(good)
            data[source.randrange(len(data))] = source.randrange(256)
            with Connection(timeout=10) as connection:
                connection.wire.sendall(data)
                connection.wire.shutdown(socket.SHUT_WR)
                try:
                    self.assertIn(connection.receive(), (WANTED, "NOTFOUND "), bytes(data))
                except ProtocolError:
                    pass

    def test_no_key(self):
        """C-2: a request without map name or key is answered, and not with a policy"""
        for payload in WITHOUT_KEY:
            with self.subTest(payload), Connection(timeout=10) as connection:
                connection.wire.sendall(str(len(payload)).encode() + b":" + payload + b",")
                try:
                    self.assertEqual(connection.receive(), "NOTFOUND ")
                except ProtocolError:
                    pass

    def test_long_keys(self):
        """postfix 0.4: keys up to 10000 bytes are answered, not found, without DNS queries"""
        with self.dns_queries() as queries, Connection() as connection:
            for size in (254, 1000, 9999, 10000):
                with self.subTest(size):
                    key = ("a" * 50 + ".") * 200
                    self.assertEqual(connection.ask(key[:size - 5] + ".test"), "NOTFOUND ")
        self.assertEqual(queries, [])

    def test_pieces(self):
        """a request may come byte by byte"""
        with Connection() as connection:
            for byte in request("enforce.test"):
                connection.wire.sendall(bytes([byte]))
                time.sleep(0.002)
            self.assertEqual(connection.receive(), WANTED)

    def test_order(self):
        """decision 16: requests sent at once are answered in their order"""
        keys = ["enforce.test", "norecord.test", "implicit.test", "enforce.test", "testing.test"]
        with Connection() as connection:
            connection.wire.sendall(b"".join(request(key) for key in keys * 20))
            answers = [connection.receive() for _ in keys * 20]
        self.assertEqual(answers, [
            WANTED, "NOTFOUND ", "OK secure match=implicit.test servername=hostname", WANTED,
            "NOTFOUND "] * 20)

    def test_gone_before_the_answer(self):
        """a client that does not wait for its answer disturbs nobody"""
        for _ in range(50):
            with Connection() as connection:
                connection.send("nomatch.test")
        self.assertTrue(socketmap.ask("nomatch.test").startswith("OK secure match=no-mx-matches"))

    def test_reader_that_does_not_read(self):
        """C-4: a client that asks without end and reads nothing does not make the daemon grow"""
        before = self.daemon.resident_bytes()
        with Connection() as connection:
            connection.wire.settimeout(0.5)
            question = request("enforce.test") * 1000
            sent = 0
            try:
                while sent < 200 << 20:
                    connection.wire.sendall(question)
                    sent += len(question)
            except (TimeoutError, ConnectionError):
                pass
            self.assertLess(sent, 100 << 20, "it reads on although nobody takes the answers")
            grown = self.daemon.resident_bytes() - before
        self.note(f"{sent >> 10} KiB of questions were taken, the daemon grew by {grown >> 10} KiB")
        self.assertLess(grown, 8 << 20)
