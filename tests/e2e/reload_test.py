"""SIGHUP: the configuration is read again, and no question is lost by it."""

import signal
import subprocess
import time

from world.case import SeveralLives, WorldTest
from world.domains import Domain, PolicyHost, policy, secure
from world.manager import Notices
from world.pace import Pace
from world.resolver import ADDRESS
from world.socketmap import Connection, ask
from world.tlsa import tlsa

NOBODY = "127.0.0.99"
BOTH = (tlsa("mx1"), tlsa("mx2"))
RELOADED = "configuration reloaded"
REFUSED = "configuration not reloaded"


def enforcing(name: str, **more) -> Domain:
    mx = ("mx1." + name, "mx2." + name)
    return Domain(name, mx=mx, host=PolicyHost(policy(*mx)), **more)


LOADED = tuple(f"reload-load{number}.test" for number in range(20))
DOMAINS = (
    *(enforcing(name) for name in LOADED),
    enforcing("reload-dane.test", signed=True, records=BOTH),
    enforcing("reload-ad.test", signed=True, records=BOTH),
    enforcing("reload-ca.test"), enforcing("reload-word.test"), enforcing("reload-port.test"),
    enforcing("reload-dns.test"), enforcing("reload-dns2.test"), enforcing("reload-start.test"),
    Domain("reload-testing.test", mx=("mx.reload-testing.test",),
           host=PolicyHost(policy("mx.reload-testing.test", mode="testing"))),
)


def secured(name: str) -> str:
    return secure("mx1." + name, "mx2." + name)


class ReloadTest(SeveralLives):
    def start(self, config: str | None = "", **more) -> None:
        WorldTest.daemon = self.world.start_daemon(self.program, config, **more)

    def count(self, text: str) -> int:
        return self.daemon.log_text().count(text)

    def hang_up(self, config: str | None, outcome: str = RELOADED) -> str:
        """SIGHUP after a change of the file; what the log says about it."""
        if config is not None:
            self.daemon.config.write_text(config)
        before, length = self.count(outcome), len(self.daemon.log_text())
        self.daemon.process.send_signal(signal.SIGHUP)
        self.eventually(lambda: self.count(outcome) > before)
        return self.daemon.log_text()[length:]


class Effects(ReloadTest):
    def test_dane(self):
        """reload: dane.mode and an exception for one domain count at once, both ways"""
        self.start("dane: {mode: off}\n")
        self.assert_answer("reload-dane.test", secured("reload-dane.test"))
        self.assertIn("changed=dane.mode", self.hang_up("dane: {mode: gate}\n"))
        self.assert_answer("reload-dane.test", "dane-only")
        self.hang_up("domains: {reload-dane.test: {dane: off}}\n")
        self.assert_answer("reload-dane.test", secured("reload-dane.test"))
        self.hang_up("")
        self.assert_answer("reload-dane.test", "dane-only")

    def test_trust_ad(self):
        """reload: resolver.trust_ad: what was learnt under the other setting is not used"""
        self.start("resolver: {trust_ad: no}\n")
        self.assert_answer("reload-ad.test", secured("reload-ad.test"))
        self.hang_up("resolver: {trust_ad: auto}\n")
        self.eventually(lambda: str(self.ask("reload-ad.test")) == "dane-only")
        self.hang_up("resolver: {trust_ad: no}\n")
        self.eventually(lambda: str(self.ask("reload-ad.test")) != "dane-only")

    def test_resolver(self):
        """reload: resolver.servers: questions from now on go to the others, failures are forgotten"""
        self.start(f"resolver: {{servers: [{NOBODY}], timeout: 100ms, attempts: 1}}\n")
        self.assertIn("TEMP", ask("reload-dns.test"))
        self.hang_up(f"resolver: {{servers: [{ADDRESS}]}}\n")
        self.assert_answer("reload-dns.test", secured("reload-dns.test"))
        self.hang_up("")
        self.assert_answer("reload-dns2.test", secured("reload-dns2.test"))

    def test_domains(self):
        """reload: overrides are added, changed and removed"""
        name = "reload-word.test"
        self.start()
        self.assert_answer(name, secured(name))
        self.hang_up(f"domains: {{{name}: off}}\n")
        self.assert_not_found(name)
        self.hang_up(f'domains: {{{name}: {{policy: "secure match=mx.example"}}}}\n')
        self.assertEqual(ask(name), "OK secure match=mx.example")
        self.hang_up("domains: {norecord.test: pinned}\n")
        self.assert_answer(name, secured(name))
        self.assertIn("TEMP", ask("norecord.test"))
        self.hang_up("")
        self.assert_not_found("norecord.test")

    def test_maps_and_observe(self):
        """reload: maps and observe"""
        self.start()
        self.assert_not_found("reload-testing.test")
        self.hang_up("maps: {strict: {testing: enforce}}\n")
        self.assert_answer("reload-testing.test", secure("mx.reload-testing.test"), "strict")
        said = self.hang_up("observe: true\nmaps: {strict: {testing: enforce}}\n")
        self.assertIn("nothing is protected", said)
        self.assertEqual(self.ask("reload-testing.test", "strict"), "NOTFOUND")
        self.hang_up("")
        self.assertEqual(self.ask("reload-testing.test", "strict"), "NOTFOUND")

    def test_ca_file(self):
        """reload: https.ca_file is read anew, also under the same name; failures are forgotten"""
        bundle = self.world.directory / "bundle.pem"
        other = self.world.directory / "other.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj",
                        "/CN=nobody", "-out", str(other)], check=True, capture_output=True)
        bundle.write_bytes(other.read_bytes())
        config = f"https: {{ca_file: {bundle}}}\n"
        self.start(config)
        self.assert_not_found("reload-ca.test")
        bundle.write_bytes(self.world.authority.root.read_bytes())
        self.assertIn("changed=nothing", self.hang_up(config))
        self.assert_answer("reload-ca.test", secured("reload-ca.test"))
        # A bundle without certificates is a mistake; the trust that is there stays.
        bundle.write_text("nothing\n")
        self.assertIn("it has no PEM certificate", self.hang_up(config, REFUSED))
        bundle.write_text("-----BEGIN CERTIFICATE-----\nxxxx\n-----END CERTIFICATE-----\n")
        self.assertIn("cannot be read", self.hang_up(config, REFUSED))
        self.assert_answer("reload-port.test", secured("reload-port.test"))

    def test_limits(self):
        """reload: limits.clients: the idle connections that are too many are closed"""
        self.start("limits: {clients: 10}\n")
        connections = [Connection() for _ in range(8)]
        for connection in connections:
            connection.ask("enforce.test")
        self.hang_up("limits: {clients: 3}\n")
        time.sleep(0.1)
        self.assertEqual(sum(connection.wire.recv(1) == b"" for connection in connections[:5]), 5)
        for connection in connections[5:]:
            self.assertTrue(connection.ask("enforce.test").startswith("OK secure"))
        for connection in connections:
            connection.close()

    def test_log(self):
        """reload: log.format and log.level"""
        self.start("log: {level: error}\n")
        self.assertNotIn("listening", self.daemon.log_text())
        self.hang_up("log: {format: json}\n")
        self.assertIn('{"level":"info","message":"configuration reloaded"', self.daemon.log_text())

    def test_needs_a_start(self):
        """reload: listen, admin and cache.path are not changed; each is one warning"""
        self.start()
        said = self.hang_up("listen: [inet:127.0.0.1:8499]\ncache: {path: /x/y, negatives: 100}\n")
        self.assertEqual(said.count("a restart is needed"), 2)
        self.assertIn("key=listen", said)
        self.assertIn("key=cache.path", said)
        self.assertIn("changed=cache.negatives", said)
        self.assert_answer("enforce.test", secured("enforce.test"))


class Refused(ReloadTest):
    def test_wrong(self):
        """reload: a wrong file: every mistake is in the log with its line, the old one stays"""
        self.start("domains: {norecord.test: pinned}\n")
        said = self.hang_up("observe: yes\nlisen: []\nhttps: {timeout: soon}\n", REFUSED)
        for line in (':1: observe: \\"yes\\": one of true, false is expected', ":2: lisen: unknown key; did",
                     ':3: https.timeout: \\"soon\\": a duration is'):
            self.assertIn(str(self.daemon.config) + line, said)
        self.assertEqual(said.count("error: "), 4)
        self.assertIn("TEMP", ask("norecord.test"))

    def test_gone(self):
        """reload: the file is gone: an error, the old one stays; it is read once it is back"""
        self.start("domains: {norecord.test: pinned}\n")
        self.daemon.config.unlink()
        self.assertIn("cannot be read: No such file", self.hang_up(None, REFUSED))
        self.assertIn("TEMP", ask("norecord.test"))
        self.hang_up("")
        self.assert_not_found("norecord.test")

    def test_service_manager(self):
        """reload: the service manager hears of its begin and end, also of a refused one"""
        with Notices("@reload-notices") as notices:
            self.start(environment={"NOTIFY_SOCKET": notices.name})
            # It listens a moment before it says that it is ready.
            self.eventually(lambda: any("READY" in notice for notice in notices.read()))
            for config, outcome in (("", RELOADED), ("x: 1\n", REFUSED)):
                before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                self.hang_up(config, outcome)
                time.sleep(0.1)
                first, second = notices.read()
                self.assertEqual(first["RELOADING"], "1")
                self.assertGreaterEqual(int(first["MONOTONIC_USEC"]), before)
                self.assertEqual(second["READY"], "1")

    def test_twice(self):
        """reload: signals in quick succession: the last file counts"""
        self.start()
        for number in range(20):
            self.daemon.config.write_text(f"limits: {{fetches: {number + 1}}}\n")
            self.daemon.process.send_signal(signal.SIGHUP)
        self.hang_up("domains: {enforce.test: off}\n")
        self.assert_not_found("enforce.test")


class UnderLoad(ReloadTest):
    ONE = "limits: {clients: 100}\ndiscovery: {answer_deadline: 8s}\n"
    OTHER = ("dane: {mixed: sts}\nresolver: {attempts: 4, trust_ad: yes}\nrefresh: {interval: 12h}\n"
             "limits: {clients: 50, fetches: 8}\ncache: {policies: 5, negatives: 5}\n"
             "domains: {norecord.test: pinned}\n")
    WRONG = "dane: {mode: sometimes}\n"

    def test_load(self):
        """reload: 20 reloads and 10 wrong files under 1,000 questions a second: no failed answer"""
        self.start(self.ONE)
        wanted = {name: {"OK " + secured(name)} for name in LOADED}
        for name in wanted:
            ask(name)
        with Pace(wanted, rate=1100, clients=10) as pace:
            for number in range(20):
                time.sleep(0.15)
                self.hang_up(self.OTHER if number % 2 == 0 else self.ONE)
                if number % 2 == 0:
                    time.sleep(0.15)
                    self.hang_up(self.WRONG, REFUSED)
        self.note(f"{pace.answered} answers, {pace.rate:.0f} a second, {sum(pace.wrong.values())} "
                  f"wrong, {len(pace.dropped)} connections dropped, the slowest "
                  f"{pace.slowest * 1000:.0f} ms; 20 reloads, 10 refused")
        self.assertEqual((dict(pace.wrong), pace.dropped), ({}, []))
        self.assertGreater(pace.rate, 1000)
