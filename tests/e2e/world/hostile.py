"""Policy hosts that nobody would wish for: each misbehaves in its own way, over TLS or below it."""

import socket
import ssl
import struct
import threading
import time

from .authority import Certificate
from .domains import policy

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = policy("mx.hostile.test").encode()  # only a client that is cheated ever takes it


class HostileServer:
    """Serves `behaviour(tls)` on `address`:443, one thread a connection, until `close()`.

    With `handshake=False` the behaviour gets the bare TCP connection.
    """

    def __init__(self, world, host: str, address: str, behaviour, handshake: bool = True,
                 certificates: int = 1):
        self.sent = 0            # bytes that the system took from us
        self.ended_after = None  # seconds until the client ended the last connection
        self.connections = 0
        self._behaviour = behaviour
        self._closed = threading.Event()
        self._context = None
        if handshake:
            file = world.authority.file(Certificate((host,)))
            if certificates > 1:
                chain = file.read_bytes() + world.authority.root.read_bytes() * (certificates - 1)
                file = world.directory / f"{host}.chain.pem"
                file.write_bytes(chain)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(file, world.authority.key)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 443), family=family, backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        self._listener.close()

    def send(self, wire, data: bytes) -> None:
        wire.sendall(data)
        self.sent += len(data)

    def wait(self, seconds: float) -> None:
        """Sleeps, less when the server is closed."""
        if self._closed.wait(seconds):
            raise ConnectionError("closed")

    def hold(self, wire) -> None:
        """Says nothing more, and notices when the client leaves."""
        while not self._closed.is_set() and wire.recv(4096):
            pass

    def _serve(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve_one, args=(wire,), daemon=True).start()

    def _serve_one(self, wire: socket.socket) -> None:
        begun = time.monotonic()
        wire.settimeout(120)
        try:
            if self._context:
                wire = self._context.wrap_socket(wire, server_side=True)
                wire.recv(4096)
            self._behaviour(self, wire)
        except (OSError, ValueError):
            pass
        finally:
            wire.close()
            self.ended_after = time.monotonic() - begun


def forever(head: bytes, piece: bytes):
    """Sends the head and then the same piece again and again."""
    block = piece * (65536 // len(piece) + 1)

    def behaviour(server, tls):
        server.send(tls, head)
        while True:
            server.send(tls, block)

    return behaviour


def drop(data: bytes, pause: float):
    """One byte of a good response at a time."""
    def behaviour(server, tls):
        for byte in data:
            server.send(tls, bytes([byte]))
            server.wait(pause)

    return behaviour


def abrupt(data: bytes):
    """Sends, and resets the TCP connection."""
    def behaviour(server, wire):
        server.send(wire, data)
        server.wait(0.1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behaviour


def cut(data: bytes):
    """Sends, and ends the TCP connection without the end that TLS wants (a truncation)."""
    def behaviour(server, tls):
        server.send(tls, data)
        server.wait(0.1)
        tls.shutdown(socket.SHUT_RDWR)

    return behaviour


def proper(data: bytes):
    """Sends, and ends the connection as TLS wants."""
    def behaviour(server, tls):
        server.send(tls, data)
        tls.unwrap()

    return behaviour


def silent(data: bytes):
    """Sends, and says nothing more."""
    def behaviour(server, wire):
        server.send(wire, data)
        server.hold(wire)

    return behaviour


# Name: (behaviour, further arguments of HostileServer, what it shows)
HOSTS = {
    "endlessbody": (forever(OK + b"\r\n" + GOOD, b"filler: x\r\n"), {}, "A-1 endless body"),
    "hugelength": (forever(OK + b"Content-Length: 999999999999999\r\n\r\n" + GOOD,
                           b"filler: x\r\n"), {}, "A-1 huge Content-Length"),
    "endlesschunks": (forever(CHUNKED, b"b\r\nfiller: x\r\n\r\n"), {}, "A-1 endless chunks"),
    "endlessline": (forever(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"), {}, "A-3 endless header line"),
    "endlessstatus": (forever(b"HTTP/1.1 200 ", b"O"), {}, "A-3 endless status line"),
    "endlessheader": (forever(OK, b"X-More: and more\r\n"), {}, "A-3 endless header lines"),
    "endlesssize": (forever(CHUNKED, b"0"), {}, "A-1 endless chunk-size line"),
    "endlessext": (forever(CHUNKED + b"5;x=", b"y"), {}, "A-1 endless chunk extension"),
    "endlesstrailer": (forever(CHUNKED + b"0\r\n", b"X-More: b\r\n"), {}, "A-3 endless trailers"),
    "continue": (forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {}, "A-3 flood of 1xx"),
    "emptylines": (forever(b"", b"\r\n"), {}, "A-3 endless empty lines"),
    "endlessfolds": (forever(OK + b"X-Long: a\r\n", b" and more\r\n"), {}, "A-3 endless folds"),
    "blankfolds": (forever(OK + b"X-Long: a\n", b" \n"), {}, "A-3 endless folds of blanks"),
    "lineflood": (forever(OK, b"x\n"), {}, "A-3 endless header lines ended by LF"),
    "padding": (forever(CHUNKED + b"5", b" "), {}, "A-1 endless padding of a chunk size"),
    "paddedchunks": (forever(CHUNKED, b"1" + b" " * 900 + b"\n\n\n"), {},
                     "A-1 endless chunks with padding"),
    "shortcontinue": (forever(b"", b"HTTP/1.1 100\n\n"), {}, "A-3 flood of 1xx without reason"),
    "lengths": (proper(OK + b"Content-Length: %d\r\nContent-Length: 1\r\n\r\n" % len(GOOD) + GOOD),
                {}, "two lengths that differ"),
    "shortlengths": (proper(OK + b"Content-Length: 1000\n" * 2 + b"\n" + GOOD), {},
                     "fewer bytes than promised twice"),
    "truncatedlines": (cut(b"HTTP/1.1 200\nContent-Type: text/plain\n\n" + GOOD), {},
                       "a body cut off after lines ended by LF"),
    "truncatedchunks": (proper(CHUNKED + b"%x  \n" % len(GOOD) + GOOD + b"\n"), {},
                        "no last chunk"),
    "foldedcoding": (proper(OK + b"Content-Encoding:\r\n br\r\nContent-Length: %d\r\n\r\n" %
                            len(GOOD) + GOOD), {}, "A-2 a folded Content-Encoding"),
    "unicode": (proper(OK + b"\r\nversion: STSv1\nmode: enforce\nmax_age: 1\n"
                       + "mx: ü\u202e.b\n".encode() * 5000), {}, "A-14 endless mx that cannot be converted"),
    "drip": (drop(OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD, 1.0), {},
             "A-4 one byte a second"),
    "stall": (silent(OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD[:-1]), {},
              "A-4 stalls before the last byte"),
    "http09": (proper(GOOD), {}, "A-22 HTTP/0.9"),
    "truncated": (cut(OK + b"\r\n" + GOOD), {}, "a body cut off without TLS's end"),
    "shortbody": (proper(OK + b"Content-Length: 1000\r\n\r\n" + GOOD), {},
                  "fewer bytes than promised"),
    "reset": (abrupt(OK + b"Content-Length: 1000\r\n\r\n" + GOOD), {}, "reset in the body"),
    "resetatonce": (abrupt(b""), {}, "reset after the request"),
    "closed": (proper(b""), {}, "closed without a response"),
    "garbage": (abrupt(bytes(range(256)) * 64), {"handshake": False}, "A-4 no TLS but garbage"),
    "plain": (silent(OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD), {"handshake": False},
              "HTTP without TLS"),
    "hello": (silent(b""), {"handshake": False}, "A-4 silence in the TLS handshake"),
    "slowhello": (forever(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\x00"), {"handshake": False},
                  "A-20 endless TLS record"),
    "manycerts": (proper(OK + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD),
                  {"certificates": 300}, "A-20 chain of 300 certificates"),
}
