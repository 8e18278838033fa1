"""Under a service manager: its sockets, its restarts, and what it is told."""

import os
import signal
import socket
import threading
import time
from pathlib import Path

from world import socketmap
from world.case import SeveralLives, WorldTest
from world.daemon import PORT
from world.manager import Notices, Sockets
from world.socketmap import Connection, ProtocolError

OTHER_PORT = PORT + 10
SECURE = "OK secure match=mx1.enforce.test:mx2.enforce.test servername=hostname"


def listening(port: int = PORT, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_server((host, port), backlog=socket.SOMAXCONN)


class ActivationTest(SeveralLives):
    def start(self, sockets: Sockets | None = None, config: str | None = None,
              notices: Notices | None = None, state: Path | None = None, **variables: str) -> None:
        """A life that has perhaps not begun to listen yet."""
        environment = {**({"NOTIFY_SOCKET": notices.name} if notices else {}), **variables}
        WorldTest.daemon = self.world.start_daemon(
            self.program, config, sockets=sockets, environment=environment, state=state, wait=False)
        # Also of a test that failed before it started the next one.
        self.addCleanup(self.daemon.stop)

    def listen(self, *arguments) -> socket.socket:
        """A socket that the test holds until its end."""
        held = listening(*arguments)
        self.addCleanup(held.close)
        return held

    def notices(self, name: str) -> Notices:
        return self.enterContext(Notices(name))

    def assert_ends(self, code: int, text: str) -> None:
        """By itself, saying why."""
        self.assertEqual(self.daemon.process.wait(60), code, self.daemon.process.last_words())
        self.assertIn(text, self.daemon.log_text())
        self.note(self.daemon.log_text().splitlines()[-1])

    def endpoints(self) -> list[str]:
        """The log's lines about where it listens."""
        return [line for line in self.daemon.log_text().splitlines() if ": listening " in line]

    def is_held(self, held: socket.socket) -> bool:
        """By the daemon, too."""
        inode = f"socket:[{os.fstat(held.fileno()).st_ino}]"
        files = Path(f"/proc/{self.daemon.pid}/fd")
        return any(os.readlink(file) == inode for file in files.iterdir())


class Inherited(ActivationTest):
    def test_names(self):
        """C-1: sockets of two names are served; one that nothing serves is closed, with a warning"""
        inet = self.listen(OTHER_PORT)
        path = self.world.directory / "inherited"
        unix = socket.socket(socket.AF_UNIX)
        self.addCleanup(unix.close)
        unix.bind(str(path))
        unix.listen()
        stranger = self.listen(OTHER_PORT + 1)
        self.start(Sockets(["socketmap", "stranger", "tlspolicyd.socket"], inet, stranger, unix))
        with Connection(port=OTHER_PORT) as connection:
            self.assertEqual(connection.ask("enforce.test"), SECURE)
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(60)
            wire.connect(str(path))
            wire.sendall(socketmap.request("enforce.test"))
            self.assertIn(SECURE.encode(), wire.recv(1000))
        self.assertEqual(self.endpoints(), [
            f"info: listening socketmap=inet:127.0.0.1:{OTHER_PORT} origin=inherited",
            f"info: listening socketmap=unix:{path} origin=inherited"])
        self.assertIn("warning: inherited socket closed: nothing here serves it name=stranger "
                      f"address=inet:127.0.0.1:{OTHER_PORT + 1}", self.daemon.log_text())
        self.assertTrue(self.is_held(inet))
        self.assertFalse(self.is_held(stranger))
        # The default endpoint is not added to what was inherited.
        with self.assertRaises(ConnectionRefusedError):
            Connection()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertTrue(path.exists())

    def test_nameless(self):
        """a supervisor that knows no names: its socket is the socketmap's"""
        self.start(Sockets(None, self.listen(OTHER_PORT)))
        with Connection(port=OTHER_PORT) as connection:
            self.assertEqual(connection.ask("enforce.test"), SECURE)

    def test_listed_too(self):
        """an endpoint that is listed and inherited is not bound again; others that are listed are"""
        self.start(Sockets(["socketmap"], self.listen()),
                   f"listen: ['inet:127.0.0.1:{PORT}', 'inet:127.0.0.1:{OTHER_PORT}']")
        self.eventually(lambda: len(self.endpoints()) == 2, 60)
        for port in (PORT, OTHER_PORT):
            with Connection(port=port) as connection:
                self.assertEqual(connection.ask("enforce.test"), SECURE)
        self.assertEqual(self.endpoints(), [
            f"info: listening socketmap=inet:127.0.0.1:{PORT} origin=inherited",
            f"info: listening socketmap=inet:127.0.0.1:{OTHER_PORT} origin=configured"])

    def test_every_address(self):
        """ListenStream=8461, every address of both kinds: what is listed below it is not bound"""
        if not socket.has_dualstack_ipv6():
            self.skipTest("no IPv6 here")
        held = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
        self.addCleanup(held.close)
        self.start(Sockets(["socketmap"], held),
                   f"listen: ['inet:127.0.0.1:{PORT}', 'inet:[::1]:{PORT}']")
        self.assertEqual(socketmap.ask("enforce.test"), SECURE)
        self.assertEqual(self.endpoints(),
                         [f"info: listening socketmap=inet:[::]:{PORT} origin=inherited"])

    def test_for_another_process(self):
        """variables meant for another process mean nothing: the default endpoint is bound"""
        self.start(LISTEN_PID="1", LISTEN_FDS="1", LISTEN_FDNAMES="socketmap")
        self.daemon.wait()
        self.assertEqual(socketmap.ask("enforce.test"), SECURE)
        self.assertEqual(self.endpoints(),
                         [f"info: listening socketmap=inet:127.0.0.1:{PORT} origin=default"])


class WrongSockets(ActivationTest):
    def assert_refused(self, sockets: Sockets, text: str) -> None:
        with self.subTest(text):
            with Notices("@tlspolicyd-notify") as notices:
                self.start(sockets, notices=notices)
                self.assert_ends(1, text)
                self.assertEqual(notices.read(), [])

    def test_kind(self):
        """a descriptor of another kind: exit code 1 and the reason, no daemon that serves nobody"""
        datagram = socket.socket(type=socket.SOCK_DGRAM)
        deaf = socket.socket()
        pair = socket.socketpair()
        file = open(os.devnull, "rb")
        for one in (datagram, deaf, *pair, file):
            self.addCleanup(one.close)
        datagram.bind(("127.0.0.1", PORT))
        deaf.bind(("127.0.0.1", OTHER_PORT))
        good = self.listen()
        self.assert_refused(Sockets(["socketmap"], datagram),
                            "inherited descriptor 3 (socketmap): a stream socket is expected")
        self.assert_refused(Sockets(["socketmap", "socketmap"], good, deaf),
                            "inherited descriptor 4 (socketmap): it does not listen")
        self.assert_refused(Sockets(["connection"], pair[0]),
                            "inherited descriptor 3 (connection): it does not listen")
        self.assert_refused(Sockets(None, file),
                            "inherited descriptor 3: a listening socket is expected")

    def test_names(self):
        """names that do not fit, or that would leave Postfix unserved: exit code 1 and the reason"""
        good = self.listen()
        self.assert_refused(Sockets(["socketmap", "admin"], good),
                            "LISTEN_FDNAMES: one name for each of LISTEN_FDS=1 is expected, "
                            "not \"socketmap:admin\"")
        self.assert_refused(Sockets(["sockemap"], good),
                            f"inherited socket inet:127.0.0.1:{PORT} has the unknown name "
                            "\"sockemap\", and none is for the socketmap")

    def test_unknown_beside_a_known(self):
        """an unknown name beside the socketmap's stops no mail: a warning"""
        self.start(Sockets(["sockemap", "socketmap"], self.listen(OTHER_PORT), self.listen()))
        self.assertEqual(socketmap.ask("enforce.test"), SECURE)
        self.assertIn("nothing here serves it name=sockemap", self.daemon.log_text())


class Restart(ActivationTest):
    def test_between(self):
        """C-1, postfix.md 1.3: who connects between two lives waits and is answered by the second"""
        sockets = Sockets(["socketmap"], self.listen())
        self.start(sockets)
        self.assertEqual(socketmap.ask("enforce.test"), SECURE)
        self.assertEqual(self.daemon.stop(), 0)
        with Connection() as connection:
            connection.send("enforce.test")
            connection.wire.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.receive()
            connection.wire.settimeout(60)
            self.start(sockets, state=self.daemon.state)
            self.assertEqual(connection.receive(), SECURE)

    def test_under_load(self):
        """C-1, postfix.md 1.3: three restarts while clients ask: none is refused or left out"""
        sockets = Sockets(["socketmap"], self.listen())
        self.start(sockets)
        self.assertEqual(socketmap.ask("enforce.test"), SECURE)
        clients = [Client() for _ in range(4)]
        try:
            for _ in range(3):
                self.assert_all_served(clients)
                self.assertEqual(self.daemon.stop(), 0)
                self.start(sockets, state=self.daemon.state)
            self.assert_all_served(clients)
        finally:
            for client in clients:
                client.end()
        self.note(f"{sum(client.answered for client in clients)} answers, "
                  f"{sum(client.again for client in clients)} asked a second time")

    def assert_all_served(self, clients) -> None:
        before = [client.answered for client in clients]
        self.eventually(lambda: all(client.answered > earlier + 2 or client.trouble
                                    for client, earlier in zip(clients, before)), 60)
        self.assertEqual([client.trouble for client in clients if client.trouble], [])


class Client:
    """Asks without end, each time on a new connection, and once again where Postfix would."""

    def __init__(self):
        self.answered = self.again = 0
        self.trouble: Exception | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                answer = self._ask()
                if answer != SECURE:
                    raise ValueError(answer)
                self.answered += 1
        except Exception as trouble:  # told by the test
            self.trouble = trouble

    def _ask(self) -> str:
        try:
            return socketmap.ask("enforce.test")
        except (ProtocolError, BrokenPipeError, ConnectionResetError):
            self.again += 1
            return socketmap.ask("enforce.test")


class Told(ActivationTest):
    def test_ready(self):
        """sd_notify(3): READY=1 when it listens, STOPPING=1 at SIGTERM; path and abstract socket"""
        for name in (str(self.world.directory / "notify"), "@tlspolicyd-notify"):
            with self.subTest(name):
                notices = self.notices(name)
                self.start(notices=notices)
                told: list[dict[str, str]] = []
                self.eventually(lambda: told.extend(notices.read()) or told, 60)
                self.assertEqual(told, [{"READY": "1",
                                         "STATUS": f"answering on inet:127.0.0.1:{PORT}"}])
                # Not a moment before: no client has to try twice.
                self.assertEqual(socketmap.ask("enforce.test"), SECURE)
                self.assertEqual(self.daemon.stop(), 0)
                self.assertEqual([notice.get("STOPPING") for notice in notices.read()], ["1"])

    def test_not_ready(self):
        """READY=1 comes neither before the policies are loaded nor before it listens"""
        notices = self.notices("@tlspolicyd-notify")
        state = self.world.directory / "not-ready"
        state.mkdir(mode=0o700)
        (state / "cache.db").write_bytes(b"no database at all" * 1000)
        self.start(notices=notices, state=state, config="cache: {require: true}")
        self.assert_ends(1, "cache.require: ")
        self.assertEqual(notices.read(), [])

        self.listen()
        self.start(notices=notices)
        self.assert_ends(1, f"cannot listen on inet:127.0.0.1:{PORT}")
        self.assertEqual(notices.read(), [])

    def test_watchdog(self):
        """sd_watchdog_enabled(3): signs of life, none from a process that is stopped"""
        notices = self.notices("@tlspolicyd-notify")
        self.start(notices=notices, WATCHDOG_USEC="200000")
        signs = 0

        def three_signs():
            nonlocal signs
            signs += sum("WATCHDOG" in notice for notice in notices.read())
            return signs >= 3

        self.eventually(three_signs, 60)
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            self.eventually(self.is_stopped)
            notices.read()
            time.sleep(1)
            self.assertEqual(notices.read(), [])
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)
        signs = 0
        self.eventually(three_signs, 60)

    def is_stopped(self) -> bool:
        stat = Path(f"/proc/{self.daemon.pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] == "T"
