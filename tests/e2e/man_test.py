"""The man pages: each example is run, and nothing that the programs offer is missing.

An example stands for itself: `example.org` is example.test in the world, the daemon's configuration is
the test's instead of that in /etc, Postfix is the sender's, and systemd is not there but listens.
"""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from world.case import WorldTest
from world.correspondents import correspondent
from world.domains import policy
from world.mail_case import MailTest
from world.receiver import GOOD, OTHER

PAGES = Path(__file__).resolve().parents[2] / "man"
DOMAIN = correspondent("example.test", "good.mailhosts.test", patterns=("old.mailhosts.test",), ttl=1)
DOMAINS = (DOMAIN,)

MAIN_CF = """\
smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix
smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt
smtp_tls_security_level = may
smtp_dns_support_level = dnssec
"""
CONFIGURATION = """\
resolver: {servers: ["127.0.0.1:5353"]}
domains:
  partner.example: {policy: "secure match=mx.partner.example"}
metrics: inet:127.0.0.1:9461
"""
DROP_IN = """\
# systemctl edit tlspolicyd.socket
[Socket]
ListenStream=
ListenStream=127.0.0.1:9999
"""
EXPLAIN = "$ tlspolicy explain example.org\n"
APPLY = "# tlspolicy main-cf --apply && postfix reload\n"
ASK = "$ postmap -q example.org socketmap:inet:127.0.0.1:8461:postfix\n"
REFRESH = "$ tlspolicy refresh example.org && postqueue -f\n"
RELOAD = "# tlspolicyd --check-config && systemctl reload tlspolicyd\n"

# What stands in the pages, and the test of it.
TESTED = {
    "tlspolicy.1": {EXPLAIN: "test_explain", REFRESH: "test_refresh", APPLY: "test_apply"},
    "tlspolicyd.8": {MAIN_CF: "test_main_cf", ASK: "test_ask", EXPLAIN: "test_explain",
                     DROP_IN: "test_drop_in"},
    "tlspolicyd.yaml.5": {CONFIGURATION: "test_configuration", RELOAD: "test_reload"},
}


def examples(page: str) -> list[str]:
    """The displays of a page: `.Dl` lines and `.Bd` blocks, as one reads them."""
    found, block = [], None
    for line in (PAGES / page).read_text().splitlines():
        if block is not None and line == ".Ed":
            found.append(block)
            block = None
        elif block is not None:
            block += line + "\n"
        elif line.startswith(".Bd"):
            block = ""
        elif line.startswith((".Dl", ".D1")):
            found.append(line[4:] + "\n")
    return [text.replace("\\(dq", '"').replace("\\&", "").replace("\\e", "\\") for text in found]


class Pages(WorldTest):
    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def test_examples(self):
        """man pages: each example has a test, each test of an example has one"""
        self.assertEqual(set(TESTED), {page.name for page in PAGES.iterdir()})
        for page, tests in TESTED.items():
            self.assertEqual(sorted(examples(page)), sorted(tests), page)
            for test in tests.values():
                self.assertTrue(hasattr(Examples, test), test)

    def help_of(self, *words: str) -> str:
        return subprocess.run([self.program.parent / words[0], *words[1:], "--help"],
                              capture_output=True, text=True, check=True).stdout

    def test_complete(self):
        """man pages: every command and option that --help shows is there"""
        for program, page in (("tlspolicy", "tlspolicy.1"), ("tlspolicyd", "tlspolicyd.8")):
            text = (PAGES / page).read_text()
            own = self.help_of(program)
            _, _, after = own.partition("\nSubcommands:\n")
            commands = re.findall(r"(?m)^  ([a-z][a-z-]*)", after)
            self.assertEqual(len(commands), 9 if program == "tlspolicy" else 0)
            for command in commands:
                self.assertTrue(re.search(rf"(?m)^\.It Cm {command}\b", text), command)
            options = set()
            for help_text in (own, *(self.help_of(program, command) for command in commands)):
                for line in re.findall(r"(?m)^  (-\S+)", help_text):
                    options |= set(line.split(",")) - {"-h"}
            self.assertIn("--help", options)
            for option in sorted(options):
                with self.subTest(f"{page}: {option}"):
                    self.assertTrue(re.search(rf"\bFl {re.escape(option[1:])}(?![\w-])", text))


class Examples(MailTest):
    knows_tls = False
    more_config = "admin: unix:/run/man-admin\n"

    @classmethod
    def configure_sender(cls):
        programs = cls.sender.directory / "programs"
        programs.mkdir()
        for name in ("tlspolicy", "tlspolicyd"):
            cls.write_program(programs / name,
                              f'exec {cls.program.parent / name} -c {cls.daemon.config} "$@"')
        cls.write_program(programs / "systemctl",
                          f'[ "$*" = "reload tlspolicyd" ] && kill -HUP {cls.daemon.pid}')
        cls.surroundings = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}",
                            "MAIL_CONFIG": str(cls.sender.config_directory)}

    @staticmethod
    def write_program(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run_example(self, text: str, code: int = 0) -> str:
        """What it prints; it is one line for a shell, after its prompt."""
        done = subprocess.run(["sh", "-c", text[2:].replace("example.org", DOMAIN.name)],
                              capture_output=True, text=True, timeout=120, env=self.surroundings)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def publish(self, *patterns: str, number: int) -> None:
        self.world.webserver.publish(DOMAIN, policy(*patterns))
        self.world.nameserver.publish(dataclasses.replace(DOMAIN, txt=(f"v=STSv1; id={number};",)))

    def test_apply(self):
        """man page: main-cf --apply && postfix reload: mail is protected from then on"""
        self.assert_sent(self.mail("bob@mismatch.test"), OTHER, "")
        self.run_example(APPLY)
        # qmgr(8) and smtp(8) are new ones after the reload.
        self.assert_deferred(self.mail("bob@mismatch.test"), "4.7.5", "mismatch.test publishes")
        self.assert_sent(self.mail("bob@good.test"), GOOD, "Verified")
        self.outcome = "as printed"

    def test_ask(self):
        """man page: postmap -q: what Postfix is told"""
        self.assertEqual(self.run_example(ASK).strip(),
                         self.world.postfix.ask(DOMAIN.name).value)
        self.outcome = "as printed"

    def test_explain(self):
        """man page: explain: why mail is deferred"""
        text = self.run_example(EXPLAIN, code=2)
        self.assertIn("old.mailhosts.test", text)
        self.outcome = "as printed"

    def test_refresh(self):
        """man page: refresh && postqueue -f: deferred mail goes out once the policy is mended"""
        self.run_example(APPLY)
        deferred = self.mail(f"bob@{DOMAIN.name}")
        self.assertEqual(deferred.status, "deferred", deferred.log)
        self.publish("good.mailhosts.test", number=2)
        # No domain is asked twice within a minute.
        told = json.loads(self.run_example("$ tlspolicy refresh --json example.org", code=75))
        time.sleep(1 + int(re.search(r"not again for (\d+) s", told["why"])[1]))
        self.run_example(REFRESH)
        sent = self.sender.wait_for(deferred.queue_id, 2)[1]
        self.assert_sent(sent, GOOD, "Verified")
        self.outcome = "as printed"

    def test_main_cf(self):
        """man page: the lines of main.cf: Postfix knows each, and the daemon's defaults answer"""
        folder = self.sender.directory / "by-the-manual"
        folder.mkdir()
        (folder / "main.cf").write_text("compatibility_level = 3.6\n" + MAIN_CF)
        (folder / "master.cf").touch()
        os.utime(folder / "main.cf", (0, 0))
        found = subprocess.run(["postconf", "-c", folder, "-n"], capture_output=True, text=True)
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        for line in MAIN_CF.splitlines():
            self.assertIn(line, found.stdout.splitlines())
        told = subprocess.run(["postmap", "-c", folder, "-q", "good.test",
                               MAIN_CF.splitlines()[0].split(" = ")[1]], capture_output=True, text=True)
        self.assertEqual(told.stdout, "secure match=good.mailhosts.test servername=hostname\n")
        # They are lines that the tool would print, too.
        (folder / "main.cf").write_text("compatibility_level = 3.6\n")
        printed = subprocess.run([self.program.parent / "tlspolicy", "main-cf", "--postfix-config",
                                  folder], capture_output=True, text=True).stdout.splitlines()
        for line in MAIN_CF.splitlines():
            self.assertIn(line, printed)
        self.outcome = "as printed"

    def test_configuration(self):
        """man page: the configuration is one, and says what is meant"""
        file = self.sender.directory / "by-the-manual.yaml"
        file.write_text(CONFIGURATION)
        command = [self.program, "-c", file]
        checked = subprocess.run([*command, "--check-config"], capture_output=True, text=True)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        shown = subprocess.run([*command, "--show-config"], capture_output=True, text=True).stdout
        for text in ("127.0.0.1:5353", "partner.example", "secure match=mx.partner.example",
                     "inet:127.0.0.1:9461"):
            self.assertIn(text, shown)
        self.outcome = "as printed"

    def test_drop_in(self):
        """man page: systemctl edit: the socket's unit with what is written there listens elsewhere"""
        command, _, drop_in = DROP_IN.partition("\n")
        unit = command.removeprefix("# systemctl edit ")
        text = (PAGES.parent / "packaging/systemd" / unit).read_text()
        addresses = []
        for line in (text + drop_in).splitlines():
            if line.startswith("ListenStream="):
                # An empty one takes back those before.
                address = line.partition("=")[2]
                addresses = [*addresses, address] if address else []
        self.assertEqual(addresses, ["127.0.0.1:9999"])
        folder = self.sender.directory / "units"
        (folder / "etc/systemd/system" / (unit + ".d")).mkdir(parents=True)
        (folder / "etc/systemd/system" / unit).write_text(text)
        (folder / "etc/systemd/system" / (unit + ".d") / "override.conf").write_text(drop_in)
        (folder / "etc/systemd/system/tlspolicyd.service").write_text("[Service]\nExecStart=/bin/true\n")
        (folder / "bin").mkdir()
        self.write_program(folder / "bin/true", "")
        if shutil.which("systemd-analyze"):
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={folder}", unit],
                                  capture_output=True, text=True)
            # Of what is missing in this folder it speaks, too; a mistake has its line.
            self.assertNotRegex(said.stderr, r"(override\.conf|\.socket):\d+:")
        self.outcome = "as printed"

    def test_reload(self):
        """man page: --check-config && systemctl reload: taken up without a restart; mistakes are not"""
        text = self.daemon.config.read_text()
        self.addCleanup(self.daemon.process.send_signal, signal.SIGHUP)
        self.addCleanup(self.daemon.config.write_text, text)
        self.daemon.config.write_text(text + 'domains: {partner.test: {policy: "may"}}\n')
        self.run_example(RELOAD)
        self.eventually(lambda: "configuration reloaded" in self.daemon.log_text())
        self.daemon.config.write_text(text + "domian: {}\n")
        self.run_example(RELOAD, code=2)
        self.assertNotIn("not reloaded", self.daemon.log_text())
        self.outcome = "as printed"
