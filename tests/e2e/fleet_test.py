"""A fleet: nodes that share a Redis or Valkey server (decisions 24)."""

import json
import signal
import subprocess
import time
from pathlib import Path

from world import socketmap
from world.cache_server import CacheServer, program
from world.case import SeveralLives, WorldTest
from world.daemon import PORT
from world.domains import TLSRPT, Domain, PolicyHost, policy

CACHE_PORT = 6390
SECOND_PORT = 8471


def good(name: str, **more) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)), **more)


NAMES = ("fleet1.test", "fleet2.test", "fleet3.test", "fleet4.test", "fleet5.test", "fleet6.test",
         "fleet7.test", "fleet8.test", "fleet9.test", "fleet10.test", "fleet11.test")
DOMAINS = tuple(good(name) for name in NAMES)


class FleetTest(SeveralLives):
    def setUp(self):
        if program() is None:
            self.skipTest("neither valkey-server nor redis-server is installed")
        self._nodes = []
        self._directory = self.world.directory / f"fleet-{self.id().rsplit('.', 1)[1]}"
        self.cache = CacheServer(self._directory, CACHE_PORT, self.password())

    def tearDown(self):
        for node in self._nodes:
            if node.alive():
                self.assertEqual(node.stop(), 0)
        self.cache.stop()
        super().tearDown()

    def password(self) -> str:
        return ""

    def config(self, number: int, shared: str | None = None, more: str = "") -> str:
        return (f"listen: [inet:127.0.0.1:{PORT if number == 0 else SECOND_PORT}]\n"
                f"admin: unix:{self._directory}/admin-{number}\n"
                f"cache: {{shared: \"{self.cache.url if shared is None else shared}\"}}\n" + more)

    def start(self, number: int, state: Path | None = None, **more):
        port = PORT if number == 0 else SECOND_PORT
        node = self.world.start_daemon(self.program, self.config(number, **more), port=port,
                                       state=state)
        self._nodes.append(node)
        return node

    def ask_node(self, number: int, domain: str) -> str:
        with socketmap.Connection(port=PORT if number == 0 else SECOND_PORT) as connection:
            return connection.ask(domain, TLSRPT)

    def assert_protected(self, number: int, domain: str) -> None:
        answer = self.ask_node(number, domain)
        self.assertTrue(answer.startswith(f"OK secure match=mx.{domain} "), answer)

    def tool(self, number: int, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([Path(self.program).parent / "tlspolicy", words[0], "-a",
                               f"unix:{self._directory}/admin-{number}", *words[1:]],
                              capture_output=True, text=True, timeout=20)

    def state(self, number: int) -> dict:
        return json.loads(self.tool(number, "status", "--json").stdout)["shared_cache"]

    def knows(self, number: int, domain: str) -> bool:
        return self.tool(number, "show", domain).returncode == 0

    def hits(self, domain: str) -> int:
        return len(self.world.webserver.hits("mta-sts." + domain))


class Together(FleetTest):
    def test_adopted(self):
        """decisions 24: what one node fetched the other answers with, without a fetch, also alone"""
        self.start(0)
        second = self.start(1)
        self.eventually(lambda: self.state(0)["connected"] and self.state(1)["connected"])
        self.assert_protected(0, "fleet1.test")
        self.eventually(lambda: self.state(1)["adopted"] == 1)
        self.assert_protected(1, "fleet1.test")
        self.assertEqual(self.hits("fleet1.test"), 1)
        self.assertEqual(self.ask_node(0, "fleet1.test"), self.ask_node(1, "fleet1.test"))
        # It is on the second node's own disk: its next life needs nobody.
        self.assertEqual(second.stop(signal.SIGKILL), -signal.SIGKILL)
        self.cache.stop(signal.SIGKILL)
        self.world.webserver.stop()
        try:
            self.start(1, state=second.state)
            self.assert_protected(1, "fleet1.test")
            self.eventually(lambda: not self.state(0)["connected"])
            self.assert_protected(0, "fleet1.test")
        finally:
            self.world.webserver.start()
            self.world.webserver.wait()
        self.assertEqual(self.hits("fleet1.test"), 1)

    def test_newcomer(self):
        """decisions 24: a new node has what the fleet knows, a moment after it starts"""
        self.start(0)
        self.eventually(lambda: self.state(0)["connected"])
        self.assert_protected(0, "fleet2.test")
        self.start(1)
        self.eventually(lambda: self.knows(1, "fleet2.test"))
        self.assert_protected(1, "fleet2.test")
        self.assertEqual(self.hits("fleet2.test"), 1)

    def test_alone(self):
        """decisions 24: the server comes late, goes and is emptied: each node goes on alone"""
        self.cache.stop()
        self.start(0)
        self.start(1)
        self.assert_protected(0, "fleet3.test")
        self.assertFalse(self.state(0)["connected"])
        self.assertIn("refused", self.state(0)["why"])
        self.assertIn("shared cache is away", self._nodes[0].log_text())
        self.cache.start()
        self.eventually(lambda: self.knows(1, "fleet3.test"), 20)
        self.cache.stop(signal.SIGKILL)
        self.assert_protected(1, "fleet3.test")
        self.assert_protected(1, "fleet4.test")
        self.cache.start()
        self.eventually(lambda: self.knows(0, "fleet4.test"), 20)
        self.assertEqual(self.hits("fleet3.test") + self.hits("fleet4.test"), 2)

    def test_frozen(self):
        """no question waits for the server: it hangs, and answers take as long as before"""
        self.start(0)
        self.eventually(lambda: self.state(0)["connected"])
        self.cache.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        self.assert_protected(0, "fleet5.test")
        cold = time.monotonic() - begun
        self.note(f"cold, with the shared cache frozen: {1000 * cold:.0f} ms")
        self.assertLess(cold, 2)
        self.eventually(lambda: not self.state(0)["connected"], 30)
        self.assertEqual(self._nodes[0].stop(), 0)
        self.cache.process.send_signal(signal.SIGCONT)

    def test_forgotten(self):
        """forget DOMAIN at one node: all forget it, durably"""
        self.start(0)
        self.start(1)
        self.eventually(lambda: self.state(0)["connected"] and self.state(1)["connected"])
        self.assert_protected(0, "fleet6.test")
        self.eventually(lambda: self.knows(1, "fleet6.test"))
        self.assertEqual(self.tool(1, "forget", "fleet6.test").returncode, 0)
        self.eventually(lambda: not self.knows(0, "fleet6.test"))
        self.assertIn("an operator had another node forget it", self._nodes[0].log_text())
        self.assertEqual(self.state(0)["forgotten"], 1)

    def test_rubbish(self):
        """what others write there is read strictly: an enforce policy does not give way to it"""
        self.start(0)
        self.eventually(lambda: self.state(0)["connected"])
        self.assert_protected(0, "fleet7.test")
        held = self.cache.ask("GET", "tlspolicyd:1:fleet7.test").split("\r\n")[1]
        self.assertTrue(held.startswith("fleet7.test|enforce|"), held)
        for value in ("", "x" * 1000, held.replace("enforce", "none"), "fleet7.test|forgotten|9999999999",
                      "\x00" * 50):
            self.cache.ask("PUBLISH", "tlspolicyd:1", value)
            self.cache.ask("SET", "tlspolicyd:1:rubbish", value)
        self.cache.ask("HSET", "tlspolicyd:1:hash", "a", "b")
        self.eventually(lambda: self.state(0)["refused"] >= 5)
        self.assert_protected(0, "fleet7.test")
        self.assertTrue(self.state(0)["connected"])
        # Who connects now reads it all.
        self.start(1)
        self.eventually(lambda: self.knows(1, "fleet7.test"))
        self.eventually(lambda: self.state(1)["refused"] >= 1)

    def test_full(self):
        """a server that takes nothing: it is said, what it holds is read, and it is not stormed"""
        self.start(0)
        self.eventually(lambda: self.state(0)["connected"])
        self.assert_protected(0, "fleet10.test")
        self.eventually(lambda: self.state(0)["told"] == 1)
        self.cache.ask("CONFIG", "SET", "maxmemory", "1")
        self.start(1)
        self.eventually(lambda: self.knows(1, "fleet10.test"))
        self.assert_protected(1, "fleet11.test")
        self.eventually(lambda: self.state(1)["untold"] == 1)
        self.assertIn("OOM", self.state(1)["why_untold"])
        time.sleep(3)
        self.assertTrue(self.state(1)["connected"])
        self.assertEqual(self._nodes[1].log_text().count("shared cache connected"), 1)

    def test_socket_and_reload(self):
        """SIGHUP: another server, a unix socket, none"""
        node = self.start(0, shared="")
        self.assertIsNone(self.state(0))
        self.assertEqual(self.tool(0, "status").stdout.count("shared cache"), 0)
        node.config.write_text(self.config(0, f"redis+unix://{self.cache.socket}"))
        node.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: (self.state(0) or {}).get("connected"))
        self.assertIn(f"redis+unix://{self.cache.socket}, connected", self.tool(0, "status").stdout)
        self.assert_protected(0, "fleet8.test")
        self.eventually(lambda: "fleet8.test|enforce" in
                        self.cache.ask("GET", "tlspolicyd:1:fleet8.test"))
        node.config.write_text(self.config(0, ""))
        node.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: self.state(0) is None)
        self.eventually(lambda: "pubsub" not in self.cache.ask("CLIENT", "LIST", "TYPE", "pubsub"))


class Guarded(FleetTest):
    def password(self) -> str:
        return "s3cret"

    def test_password(self):
        """a password is used, and shown to nobody; a wrong one is said"""
        node = self.start(0)
        self.eventually(lambda: self.state(0)["connected"])
        self.assert_protected(0, "fleet9.test")
        self.eventually(lambda: self.state(0)["told"] == 1)
        shown = self.tool(0, "status").stdout + node.log_text() + subprocess.run(
            [self.program, "-c", node.config, "--show-config"], capture_output=True,
            text=True).stdout
        self.assertIn("redis://:***@127.0.0.1", shown)
        self.assertNotIn("s3cret", shown)
        for wrong in ("redis://:s3/cret@127.0.0.1", "rediss://:s3cret@127.0.0.1",
                      "redis://:s3cret@127.0.0.1:0", "redis://:s3cret%@127.0.0.1"):
            node.config.write_text(self.config(0, wrong))
            checked = subprocess.run([self.program, "-c", node.config, "--check-config"],
                                     capture_output=True, text=True)
            self.assertNotEqual(checked.returncode, 0)
            self.assertIn("cache.shared: ", checked.stdout + checked.stderr)
            self.assertNotIn("cret", checked.stdout + checked.stderr)
        node.config.write_text(self.config(0, f"redis://:wrong@127.0.0.1:{CACHE_PORT}"))
        node.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: "WRONGPASS" in (self.state(0).get("why") or ""))
