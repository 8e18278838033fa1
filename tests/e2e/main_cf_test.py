"""tlspolicy main-cf: the real postconf, on configuration directories of the tests' own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from world.case import WorldTest
from world.daemon import Daemon

OURS = "socketmap:inet:127.0.0.1:8461:postfix"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CHROOTED = "smtp unix - - y - - smtp\nrelay unix - - y - - smtp\n  -o syslog_name=postfix/relay\n"


class MainCf(WorldTest):
    """A Postfix whose main.cf each test writes."""

    def setUp(self):
        self.directory = self.world.directory / f"main-cf-{self._testMethodName}"
        self.directory.mkdir()
        (self.directory / "queue").mkdir()

    def write(self, settings: str = "", master: str | None = CHROOTED) -> None:
        self.main_cf.write_text("compatibility_level = 3.6\nmyhostname = mail.sender.test\n"
                                f"queue_directory = {self.directory}/queue\n{settings}")
        # postmap waits until main.cf is some seconds old.
        os.utime(self.main_cf, (0, 0))
        if master is not None:
            (self.directory / "master.cf").write_text(master)

    @property
    def main_cf(self) -> Path:
        return self.directory / "main.cf"

    def run_tool(self, *arguments: str, config: Path | None = None, code: int = 0,
                 environment=None):
        command = [self.program.parent / "tlspolicy", *(["-c", config] if config else []),
                   "main-cf", "--postfix-config", self.directory, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=environment)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        # Whoever cannot do the work says why, in one line.
        self.assertEqual(len(done.stderr.splitlines()), 1 if code else 0, done.stderr)
        return done

    @staticmethod
    def lines(text: str) -> dict[str, str]:
        """Of main.cf, without comments."""
        pairs = (line.partition(" =") for line in text.splitlines() if not line.startswith("#"))
        return {name: value.strip() for name, _, value in pairs}

    @staticmethod
    def comments(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if line.startswith("# "))

    def in_main_cf(self) -> dict[str, str]:
        """What postconf finds there, but what write() put there by itself."""
        done = subprocess.run(["postconf", "-c", self.directory, "-n"], capture_output=True,
                              text=True, check=True)
        own = ("compatibility_level", "config_directory", "myhostname", "queue_directory")
        return {name: value for name, value in self.lines(done.stdout).items() if name not in own}

    def postmap(self, key: str, table: str) -> str:
        return subprocess.run(["postmap", "-c", self.directory, "-q", key, table],
                              capture_output=True, text=True, timeout=60,
                              cwd=self.directory / "queue").stdout.strip()


class FreshPostfix(MainCf):
    WANTED = {"smtp_tls_policy_maps": OURS, "smtp_tls_CAfile": BUNDLE,
              "smtp_tls_security_level": "may", "smtp_dns_support_level": "dnssec",
              "smtp_delivery_status_filter": "socketmap:inet:127.0.0.1:8461:dsn"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        version = subprocess.run(["postconf", "-dh", "mail_version"], capture_output=True,
                                 text=True, check=True).stdout
        if tuple(map(int, version.split(".")[:2])) >= (3, 10):
            cls.WANTED = {**cls.WANTED, "smtp_tls_policy_maps": OURS + "-tlsrpt"}

    def test_print(self):
        """main-cf: prints the lines and changes nothing; the map it names is answered"""
        self.write()
        before = self.main_cf.read_bytes()
        text = self.run_tool().stdout
        self.assertEqual(self.lines(text), self.WANTED)
        self.assertNotIn("does not answer", text)
        self.assertEqual(self.main_cf.read_bytes(), before)
        self.assertRegex(self.postmap("enforce.test", self.lines(text)["smtp_tls_policy_maps"]),
                         "^secure match=")

    def test_apply(self):
        """main-cf --apply: postconf -n has exactly these lines; a second time changes nothing"""
        self.write()
        text = self.run_tool("--apply").stdout
        self.assertEqual(self.in_main_cf(), self.WANTED)
        self.assertEqual(self.lines(text), self.WANTED)
        for name in self.WANTED:
            self.assertIn(f"# Added: {name}.", text)
        self.assertIn(f"postfix -c {self.directory} reload", text)
        before = self.main_cf.read_bytes()
        again = self.run_tool("--apply").stdout
        self.assertEqual(self.lines(again), self.WANTED)
        self.assertIn("# Nothing was changed", again)
        self.assertNotIn("# Added", again)
        self.assertEqual(self.main_cf.read_bytes(), before)

    def test_json(self):
        """main-cf --json: the lines as an object, what changes, and whether it was done"""
        self.write("smtp_tls_security_level = none\n")
        document = json.loads(self.run_tool("--json").stdout)
        self.assertEqual(document["lines"], self.WANTED)
        self.assertFalse(document["applied"])
        self.assertEqual(document["changes"]["smtp_tls_security_level"],
                         {"from": "none", "to": "may"})
        self.assertEqual(self.in_main_cf(), {"smtp_tls_security_level": "none"})
        self.assertTrue(json.loads(self.run_tool("--json", "--apply").stdout)["applied"])
        self.assertEqual(self.in_main_cf(), self.WANTED)
        self.assertEqual(json.loads(self.run_tool("--json").stdout)["changes"], {})


class RunningPostfix(MainCf):
    def test_foreign_entries(self):
        """0.16: the administrator's entries stay before ours, which is not doubled"""
        self.write("mine = hash:/etc/postfix/mine\n"
                   "smtp_tls_policy_maps = $mine,\n"
                   "   inline:{ {a.example=may, x.example=none}, { b.example = secure } }\n"
                   "smtp_tls_CApath = /etc/own/certs\nsmtp_tls_security_level = dane\n"
                   "smtp_delivery_status_filter = pcre:/etc/postfix/dsn\n")
        self.run_tool("--apply")
        found = self.in_main_cf()
        maps = "$mine, inline:{ {a.example=may, x.example=none}, { b.example = secure } }, " + OURS
        self.assertEqual(found["smtp_tls_policy_maps"].removesuffix("-tlsrpt"), maps)
        self.assertEqual({name: found[name] for name in ("smtp_tls_CApath", "smtp_tls_security_level",
                                                         "smtp_delivery_status_filter")},
                         {"smtp_tls_CApath": "/etc/own/certs", "smtp_tls_security_level": "dane",
                          "smtp_delivery_status_filter": "pcre:/etc/postfix/dsn"})
        self.assertNotIn("smtp_tls_CAfile", found)
        self.run_tool("--apply")
        self.assertEqual(self.in_main_cf(), found)
        self.assertEqual(self.postmap("a.example", "inline:{ {a.example=may, x.example=none}, "
                                                   "{ b.example = secure } }"), "may, x.example=none")

    def test_other_server(self):
        """who asks: the entry of another MTA-STS server is replaced, and named"""
        other = "socketmap:inet:127.0.0.1:8642:QUERYwithTLSRPT"
        self.write(f"smtp_tls_policy_maps = {other}\n")
        text = self.run_tool("--apply").stdout
        self.assertIn(f"# Note: {other} is replaced", text)
        self.assertIn(f'# Changed: smtp_tls_policy_maps, it was "{other}".', text)
        self.assertEqual(self.in_main_cf()["smtp_tls_policy_maps"].removesuffix("-tlsrpt"), OURS)

    def test_overrides(self):
        """master.cf: what a service sets for itself is a comment; without the file that is said"""
        self.write(master=CHROOTED + "  -o smtp_tls_policy_maps=hash:/etc/relay\n")
        self.assertIn("# Note: master.cf: relay/unix has its own smtp_tls_policy_maps = "
                      "hash:/etc/relay", self.comments(self.run_tool().stdout))
        (self.directory / "master.cf").unlink()
        self.assertIn("master.cf", self.comments(self.run_tool("--apply").stdout))

    def test_gate_off(self):
        """D18: dane: off in the daemon's configuration: smtp_dns_support_level is not touched"""
        self.write()
        config = self.directory / "tlspolicyd.yaml"
        config.write_text("dane: {mode: off}\n")
        self.run_tool("--apply", config=config)
        self.assertNotIn("smtp_dns_support_level", self.in_main_cf())

    def test_queue_socket(self):
        """0.15: a socket below the queue directory is named relative to it, and answers there"""
        self.write()
        socket = self.directory / "queue" / "sts" / "map"
        socket.parent.mkdir()
        config = f"listen: [inet:127.0.0.1:8471, {{path: {socket}, mode: 0666}}]\n"
        daemon = Daemon(self.program, self.directory / "daemon", config, 8471)
        try:
            text = self.run_tool(config=self.directory / "daemon" / "tlspolicyd.yaml").stdout
            table = self.lines(text)["smtp_tls_policy_maps"]
            self.assertEqual(table.removesuffix("-tlsrpt"), "socketmap:unix:sts/map:postfix")
            self.assertNotIn("does not answer", text)
            self.assertRegex(self.postmap("enforce.test", table), "^secure match=")
        finally:
            self.assertEqual(daemon.stop(), 0)


class Refusals(MainCf):
    def refused(self, *arguments: str, code: int = 78, **more) -> str:
        before = self.main_cf.read_bytes()
        done = self.run_tool("--apply", *arguments, code=code, **more)
        self.assertEqual(self.main_cf.read_bytes(), before)
        return done.stderr

    def test_out_of_reach(self):
        """0.15: a socket that a chrooted smtp(8) cannot reach would stop all mail: not applied"""
        self.write()
        config = self.directory / "tlspolicyd.yaml"
        config.write_text("listen: [unix:/run/elsewhere/map]\n")
        self.assertIn("# PROBLEM: unix:/run/elsewhere/map",
                      self.run_tool(config=config).stdout)
        self.assertIn("smtp, relay", self.refused(config=config))
        self.write(master=CHROOTED.replace(" y ", " n "))
        self.run_tool("--apply", config=config)

    def test_per_site(self):
        """0.16: smtp_tls_per_site would no longer be read: nothing is applied"""
        self.write("smtp_tls_per_site = hash:/etc/postfix/per_site\n")
        self.assertIn("smtp_tls_per_site", self.refused())

    def test_dns_off(self):
        """D18: a Postfix without DNS cannot satisfy dane-only: nothing is applied"""
        self.write("smtp_dns_support_level = disabled\n")
        self.assertIn("dane: {mode: off}", self.refused())

    def test_not_configured(self):
        """main-cf without main.cf: 69, and where to look"""
        self.assertIn("--postfix-config", self.run_tool(code=69).stderr)

    def test_old_postfix(self):
        """0.10: a Postfix before 3.4 is refused with the reason"""
        self.write()
        environment = self.with_postconf('echo "mail_version = 3.3.22"')
        self.assertIn("Postfix 3.3.22", self.refused(environment=environment))

    def test_no_permission(self):
        """main-cf --apply where postconf may not write: 69, with postconf's own reason"""
        self.write()
        environment = self.with_postconf(
            'case " $* " in *" -e "*) echo "postconf: fatal: open main.cf.tmp: Permission denied" >&2;'
            f' exit 1;; esac; exec {shutil.which("postconf")} "$@"')
        self.assertIn("Permission denied", self.refused(code=69, environment=environment))

    def with_postconf(self, script: str) -> dict[str, str]:
        """An environment in which `postconf` is this script."""
        program = self.directory / "bin" / "postconf"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
