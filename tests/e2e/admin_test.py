"""An operator's day: the admin socket, the commands that use it, and what others see of it."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

from world import socketmap
from world.case import SeveralLives, WorldTest
from world.daemon import PORT
from world.domains import Domain, PolicyHost, policy
from world.manager import Sockets

METRICS_PORT = 9461
FOUND, NOT_KNOWN, USAGE, NO_DAEMON, FAILED = 0, 1, 64, 69, 75
COMMANDS = ("/status", "/list", "/show?domain=known.test", "/forget?domain=known.test",
            "/refresh?domain=known.test", "/explain?domain=known.test")


def good(name: str, mode: str = "enforce") -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name, mode=mode)))


DOMAINS = (good("known.test"), good("tried.test", "testing"), good("forgotten.test"),
           good("cold.test"), good("steady.test"), good("moved.test"))


class AdminTest(WorldTest):
    @classmethod
    def start_daemon(cls, config: str = "", **more):
        cls.admin = cls.world.directory / "admin"
        return cls.world.start_daemon(
            cls.program, f"admin: unix:{cls.admin}\nmetrics: inet:127.0.0.1:{METRICS_PORT}\n{config}",
            open_files=cls.usual_open_files, **more)

    def run_tool(self, *words: str, admin: str | None = None) -> subprocess.CompletedProcess:
        environment = {**os.environ, "TLSPOLICY_ADMIN": admin or f"unix:{self.admin}"}
        return subprocess.run([self.program.parent / "tlspolicy", *words], capture_output=True,
                              text=True, timeout=120, env=environment)

    def tool(self, *words: str, code: int = FOUND) -> str:
        """What `tlspolicy WORDS` prints."""
        done = self.run_tool(*words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def json(self, *words: str, code: int = FOUND) -> dict:
        return json.loads(self.tool(words[0], "--json", *words[1:], code=code))

    def connect(self, port: int | None = None) -> socket.socket:
        """To the admin socket, or a port."""
        if port:
            return socket.create_connection(("127.0.0.1", port), 20)
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(20)
        wire.connect(str(self.admin))
        return wire

    def exchange(self, request: bytes, port: int | None = None) -> bytes:
        """All that is said to these bytes."""
        with self.connect(port) as wire:
            wire.sendall(request)
            return b"".join(iter(lambda: wire.recv(65536), b""))

    def status_of(self, request: str, port: int | None = None) -> int:
        reply = self.exchange(f"{request} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), port)
        self.assertRegex(reply, rb"^HTTP/1.1 \d\d\d ")
        return int(reply.split()[1])


class Book(AdminTest):
    def test_status(self):
        """status: version, policies by mode, disk, resolver, endpoints, in text and in JSON"""
        self.assert_secure("known.test", "mx.known.test")
        self.assert_not_found("tried.test")
        self.assert_not_found("nobody.test")
        told = self.json("status")
        self.assertTrue(told["well"])
        self.assertEqual(told["disk"]["ok"], True)
        self.assertGreaterEqual(told["policies"]["enforce"], 1)
        self.assertEqual(told["policies"]["testing"], 1)
        self.assertGreaterEqual(told["negatives"], 1)
        self.assertEqual(told["resolver"]["dnssec"], "validates")
        self.assertEqual(told["configuration"]["file"], str(self.daemon.config))
        self.assertEqual({served["service"]: served["endpoint"] for served in told["endpoints"]},
                         {"socketmap": f"inet:127.0.0.1:{PORT}", "admin": f"unix:{self.admin}",
                          "metrics": f"inet:127.0.0.1:{METRICS_PORT}"})
        answers = told["answers"]
        for parts in (("settled", "live", "overruled", "no-domain", "delivery-status"),
                      ("secure", "dane-only", "notfound", "temp", "operator", "explained")):
            self.assertEqual(sum(answers[part] for part in parts), answers["all"], answers)
        text = self.tool("status")
        self.assertRegex(text, rf"(?m)^listens on +admin: unix:{self.admin}$")
        self.assertRegex(text, r"(?m)^tlspolicyd +\S+, up for .*, well$")
        self.assertRegex(text, r"(?m)^policies +\d+ enforce, 1 testing, 0 none, 0 expired$")

    def test_list(self):
        """list: one line a policy, by name; --mode and --limit choose"""
        self.assert_secure("known.test", "mx.known.test")
        self.assert_not_found("tried.test")
        rows = self.tool("list").splitlines()
        self.assertTrue(rows[0].startswith("DOMAIN"))
        self.assertEqual(rows[1:], sorted(rows[1:]))
        row = next(row for row in rows if row.startswith("known.test"))
        self.assertRegex(row, r"^known\.test +enforce +\S+ +\d+ .* ago +6 d 23 h +\S+")
        listed = self.json("list", "--mode", "testing")["policies"]
        self.assertEqual([policy["domain"] for policy in listed], ["tried.test"])
        self.assertEqual(len(self.json("list", "--limit", "1")["policies"]), 1)
        self.assertEqual(self.run_tool("list", "--mode", "strict").returncode, USAGE)

    def test_show(self):
        """show: policy, times, MX hosts and what the policy says of them; 1 if nothing is known"""
        self.assert_secure("known.test", "mx.known.test")
        shown = self.json("show", "KNOWN.test.")
        self.assertEqual(shown["policy"], policy("mx.known.test").split("\r\n")[:-1])
        self.assertTrue(shown["applied"])
        self.assertEqual(shown["mx"]["hosts"], [{"name": "mx.known.test", "pattern": "mx.known.test"}])
        self.assertGreater(shown["txt"]["check_in"], 0)
        self.assertGreater(shown["left"], 600_000)
        text = self.tool("show", "known.test")
        self.assertIn("mx.known.test: matches mx.known.test", text)
        self.assertRegex(text, r"(?m)^policy +version: STSv1$")
        self.assert_not_found("nobody.test")
        self.assertRegex(self.tool("show", "nobody.test"), r"(?m)^TXT record +no-record")
        unknown = self.run_tool("show", "never-asked.test")
        self.assertEqual((unknown.returncode, unknown.stdout), (NOT_KNOWN, ""))
        self.assertEqual(unknown.stderr, "tlspolicy: nothing is known of never-asked.test\n")
        self.assertEqual(self.run_tool("show", "192.0.2.1").returncode, USAGE)

    def test_forget(self):
        """forget: says what; the next question fetches anew"""
        self.assert_secure("forgotten.test", "mx.forgotten.test")
        self.assertIn("forgotten its policy of mode enforce", self.tool("forget", "forgotten.test"))
        self.tool("show", "forgotten.test", code=NOT_KNOWN)
        self.tool("forget", "forgotten.test", code=NOT_KNOWN)
        self.assertIn("forgotten, as the operator wishes domain=forgotten.test",
                      self.daemon.log_text())
        self.assert_secure("forgotten.test", "mx.forgotten.test")
        self.assertEqual(len(self.world.webserver.hits("mta-sts.forgotten.test")), 2)

    def test_refresh(self):
        """refresh: fetches now and says what came of it; too soon is said, and no policy too"""
        told = self.json("refresh", "cold.test")
        self.assertEqual((told["outcome"], told["policy"]["mode"]), ("fetched", "enforce"))
        again = self.json("refresh", "cold.test", code=FAILED)
        self.assertEqual(again["outcome"], "held-back")
        self.assertIn("not again for", again["why"])
        self.assertEqual(len(self.world.webserver.hits("mta-sts.cold.test")), 1)
        none = self.json("refresh", "nobody.test", code=NOT_KNOWN)
        self.assertEqual((none["outcome"], none["why"]), ("no-policy", "no-record"))

    def test_explain(self):
        """explain: through the daemon, with what it remembers; standalone if that is wished"""
        self.assert_secure("known.test", "mx.known.test")
        told = self.json("explain", "known.test")
        self.assertEqual(told["source"], "daemon")
        self.assertEqual((told["cached"]["mode"], told["cached"]["id"]),
                         ("enforce", told["txt"]["id"]))
        self.assertEqual(told["replies"]["postfix"], socketmap.ask("known.test"))
        text = self.tool("explain", "known.test")
        self.assertEqual(text.splitlines()[:2],
                         [f"asked      the daemon at unix:{self.admin}",
                          f"settings   the daemon's: {self.daemon.config}"])
        self.assertRegex(text, r"(?m)^cached +mode enforce, id \S+, fetched \d+ s ago")
        self.assertRegex(text, r"(?m)^ +certificate ")
        alone = self.json("explain", "--standalone", "known.test")
        self.assertEqual((alone["source"], alone["replies"]), ("standalone", told["replies"]))
        self.assertNotIn("cached", alone)
        self.assertIsNone(self.json("explain", "steady.test")["cached"])

    def test_explain_remembers_nothing(self):
        """explain: what it finds does not enter the daemon's book"""
        self.json("explain", "moved.test")
        self.tool("show", "moved.test", code=NOT_KNOWN)

    def test_permissions(self):
        """the admin socket has mode 0660"""
        status = self.admin.stat()
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o660)

    def test_elsewhere(self):
        """no command is served on the socketmap's endpoint or for monitoring; pages have no say"""
        self.assert_secure("known.test", "mx.known.test")
        self.assertNotIn(b"HTTP", self.exchange(b"GET /status HTTP/1.1\r\nHost: x\r\n\r\n", PORT))
        for command in COMMANDS:
            for method in ("GET", "POST"):
                with self.subTest(command=command, method=method):
                    self.assertEqual(self.status_of(f"{method} {command}", METRICS_PORT), 404)
        for path in ("/", "/metrics", "/healthz"):
            with self.subTest(path):
                reply = self.exchange(f"GET {path} HTTP/1.1\r\nHost: mail.example.test:9461\r\n\r\n".encode(), METRICS_PORT)
                self.assertTrue(reply.startswith(b"HTTP/1.1 200 OK\r\n"))
                self.assertNotIn(b"known.test", reply)
                self.assertEqual(self.status_of(f"POST {path}", METRICS_PORT), 405)
        page = b"POST /forget?domain=known.test HTTP/1.1\r\nHost: x\r\nOrigin: http://evil.test\r\n\r\n"
        self.assertTrue(self.exchange(page).startswith(b"HTTP/1.1 403 "))
        self.assertEqual(self.status_of("GET /forget?domain=known.test"), 405)
        self.tool("show", "known.test")


class Hostile(AdminTest):
    """Whatever comes on the admin socket and the endpoint for monitoring, mail goes on."""

    def assert_undisturbed(self) -> None:
        """The socketmap answers at once, and the admin socket still does."""
        begun = time.monotonic()
        self.assert_secure("known.test", "mx.known.test")
        self.assertLess(time.monotonic() - begun, 1)
        self.json("status")
        self.assertEqual(self.status_of("GET /healthz", METRICS_PORT), 200)

    def test_refused(self):
        """hostile requests are refused, each with its status"""
        self.assert_undisturbed()
        rows = (
            (b"\0\1\2garbage\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\n\n", b"400"),
            (b"GET /status HTTP/9.9\r\n\r\n", b"505"),
            (b"DELETE /status HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
            (b"GET http://x/status HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
            (b"GET /show?domain=%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
            (b"GET /status HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
            (b"POST /forget HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n", b"413"),
            (b"POST /forget HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
            (b"POST /forget HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"501"))
        for request, status in rows:
            for port in (None, METRICS_PORT):
                with self.subTest(request=request[:40], port=port):
                    self.assertTrue(self.exchange(request, port)
                                    .startswith(b"HTTP/1.1 " + status + b" "))
        self.assert_undisturbed()

    def test_held_open(self):
        """half a request, held open, is closed after ten seconds"""
        with self.connect(METRICS_PORT) as port, self.connect() as admin:
            begun = time.monotonic()
            for wire in (port, admin):
                wire.sendall(b"GET /met")
            self.assert_undisturbed()
            for wire in (port, admin):
                self.assertEqual(wire.recv(100), b"")
            self.assertLess(time.monotonic() - begun, 15)

    def test_crowd(self):
        """200 connections that say nothing, or half a request, keep nobody out"""
        files = self.daemon.open_files()
        for port in (None, METRICS_PORT):
            crowd = []
            try:
                for n in range(200):
                    crowd.append(self.connect(port))
                    if n % 2:
                        crowd[-1].sendall(b"GET /status HTTP/1.1\r\nHost: x\r\nX: ")
                self.assert_undisturbed()
                self.assertLess(self.daemon.open_files(), files + 100)
            finally:
                for wire in crowd:
                    wire.close()
        self.eventually(lambda: self.daemon.open_files() <= files + 3)

    def test_gone(self):
        """clients that leave while they wait for an explanation leave nothing behind"""
        self.assert_undisturbed()
        files = self.daemon.open_files()
        for _ in range(50):
            with self.connect() as wire:
                wire.sendall(b"GET /explain?domain=known.test HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assert_undisturbed()
        self.eventually(lambda: self.daemon.open_files() <= files + 3)


class Lives(SeveralLives, AdminTest):
    def start(self, config: str = "", **more) -> None:
        WorldTest.daemon = self.start_daemon(config, **more)

    def test_forgotten_on_disk(self):
        """what was forgotten is forgotten after a crash too"""
        self.start()
        self.assert_secure("known.test", "mx.known.test")
        self.assertTrue(self.json("forget", "known.test")["durable"])
        state = self.daemon.state
        self.daemon.stop(9)
        self.start(state=state)
        self.tool("show", "known.test", code=NOT_KNOWN)

    def test_no_daemon(self):
        """without a daemon: one line, exit code 69; explain goes on without it, and says so"""
        admin = "unix:/nowhere/admin"
        for words in (("status",), ("list",), ("show", "a.test"), ("forget", "a.test"),
                      ("refresh", "a.test")):
            done = self.run_tool(*words, admin=admin)
            with self.subTest(words):
                self.assertEqual((done.returncode, done.stdout), (NO_DAEMON, ""))
                self.assertRegex(done.stderr, r"^tlspolicy: no daemon can be asked: "
                                 r"unix:/nowhere/admin: No such file or directory\. .*\n$")
        done = self.run_tool("explain", "known.test", admin=admin)
        self.assertEqual(done.returncode, FOUND)
        self.assertIn("not the daemon (unix:/nowhere/admin: No such file", done.stdout)
        self.assertEqual(self.run_tool("status", "-a", "nonsense").returncode, USAGE)

    def test_wrong_file(self):
        """status: after a refused reload what is wrong; after another what waits for a restart"""
        self.start()
        file = self.daemon.config
        before = file.read_text()
        file.write_text(before + "observe: perhaps\nlisen: []\n")
        self.hang_up("configuration not reloaded")
        told = self.json("status")["configuration"]
        line = before.count("\n") + 1
        self.assertTrue(told["mistake"].startswith(f"{file}:{line}: observe: "), told)
        self.assertRegex(self.tool("status"), r"(?m)^ +the file is wrong, .*: observe: ")
        file.write_text(before + "cache: {require: true}\n")
        self.hang_up("configuration reloaded")
        told = self.json("status")["configuration"]
        self.assertNotIn("mistake", told)
        self.assertEqual(told["awaits_restart"], ["cache.require"])
        file.write_text(before)
        self.hang_up("configuration reloaded")
        self.assertEqual(self.json("status")["configuration"]["awaits_restart"], [])

    def hang_up(self, outcome: str) -> None:
        """SIGHUP, until the log says so once more."""
        said = self.daemon.log_text().count(outcome)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: self.daemon.log_text().count(outcome) > said)

    def test_operators_word(self):
        """decision 13: show and list tell the operator's word, the log what observe has kept back"""
        self.start("domains: {known.test: off, nobody.test: {policy: encrypt}}\n")
        self.assert_not_found("known.test")
        self.assertIn('operator       off: the answer is "no policy"', self.tool("show", "known.test"))
        self.assertIn('the answer is "encrypt"', self.tool("show", "nobody.test"))
        self.tool("refresh", "known.test")
        self.assertRegex(self.tool("list"), r"(?m)^known\.test .* off$")
        self.daemon.config.write_text(self.daemon.config.read_text() + "observe: true\n")
        self.hang_up("configuration reloaded")
        self.assert_not_found("steady.test")
        self.assertIn('answered "no policy", since observe is on key=steady.test domain=steady.test '
                      'would_be=secure', self.daemon.log_text())
        self.assertEqual(self.json("status")["answers"]["observed"], {"secure": 1})

    def test_default_place(self):
        """the default admin socket is made where its directory exists; elsewhere a warning is said"""
        WorldTest.daemon = self.world.start_daemon(self.program)
        # Its port is open a moment before.
        self.eventually(lambda: "warning: no admin socket" in self.daemon.log_text())
        self.assert_secure("known.test", "mx.known.test")
        self.assertEqual(self.daemon.stop(), 0)
        directory = Path("/run/tlspolicyd")
        directory.mkdir()
        try:
            WorldTest.daemon = self.world.start_daemon(self.program)
            done = subprocess.run([self.program.parent / "tlspolicy", "status"], capture_output=True,
                                  text=True, timeout=60)
            self.assertEqual(done.returncode, FOUND, done.stderr)
            self.assertEqual(stat.S_IMODE((directory / "admin").stat().st_mode), 0o660)
            self.assertEqual(self.daemon.stop(), 0)
            self.assertFalse((directory / "admin").exists())
        finally:
            directory.rmdir()

    def test_configured_place(self):
        """an admin socket that was asked for and cannot be made ends the start"""
        daemon = self.world.start_daemon(self.program, "admin: unix:/nowhere/admin", wait=False)
        self.assertEqual(daemon.process.wait(20), 1)
        self.assertIn("cannot listen on unix:/nowhere/admin", daemon.log_text())

    def test_inherited(self):
        """sockets of the names admin and metrics are served, and left where they are"""
        path = self.world.directory / "held"
        with socket.socket(socket.AF_UNIX) as admin, \
                socket.create_server(("127.0.0.1", METRICS_PORT)) as metrics:
            admin.bind(str(path))
            admin.listen()
            sockets = Sockets(["admin", "metrics"], admin, metrics)
            WorldTest.daemon = self.world.start_daemon(self.program, sockets=sockets)
            self.assertEqual(self.run_tool("status", "-a", f"unix:{path}").returncode, FOUND)
            self.assertEqual(self.status_of("GET /healthz", METRICS_PORT), 200)
            for line in (f"admin=unix:{path}", f"metrics=inet:127.0.0.1:{METRICS_PORT}"):
                self.assertIn(f"info: listening {line} origin=inherited\n", self.daemon.log_text())
            self.assertNotIn("warning", self.daemon.log_text())
            self.assertEqual(self.daemon.stop(), 0)
            self.assertTrue(path.exists())

    def test_open_to_all(self):
        """an admin endpoint that has no file mode is served, with a warning"""
        WorldTest.daemon = self.world.start_daemon(self.program, "admin: inet:127.0.0.1:9462")
        self.assertEqual(self.run_tool("status", "-a", "inet:127.0.0.1:9462").returncode, FOUND)
        self.assertIn("warning: admin: everybody who can connect may let policies be forgotten",
                      self.daemon.log_text())

    def test_none(self):
        """admin: "" is none"""
        WorldTest.daemon = self.world.start_daemon(self.program, 'admin: ""')
        self.assertNotIn("admin", self.daemon.log_text())
