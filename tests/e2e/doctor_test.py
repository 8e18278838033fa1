"""tlspolicy doctor beside a real Postfix: all is well, then one thing after the other is broken."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from world.domains import Domain, PolicyHost, policy
from world.mail_case import MailTest
from world.sender import Sender

FORGED = "brokensig.test"
DOMAINS = (Domain(FORGED, txt=(), signed=True, records=("@ A 192.31.196.150",),
                  bogus=(f"{FORGED} A",)),
           # Nobody listens there.
           Domain("walled.test", host=PolicyHost(policy("mx.walled.test"),
                                                 address="192.31.196.142")))


class Doctor:
    settings = {"smtp_delivery_status_filter": Sender.BELOW_QUEUE + ":dsn"}

    @classmethod
    def setUpClass(cls):
        cls.more_config = f"admin: unix:{cls.world.directory}/asked"
        super().setUpClass()

    @property
    def directory(self) -> Path:
        return self.sender.config_directory

    def run_doctor(self, *options: str, config: Path | None = None, user: str | None = None,
                   bogus: str = FORGED, probe: str = "enforce.test") -> subprocess.CompletedProcess:
        """Where the daemon keeps its policies, it has to say itself; without `config` also what
        file it reads."""
        named = ["-c", config] if config else []
        return subprocess.run(
            [self.program.parent / "tlspolicy", *named, "doctor",
             "--postfix-config", self.directory, "--bogus-name", bogus, "--probe-domain", probe,
             *options],
            capture_output=True, text=True, timeout=100, user=user)

    def findings(self, code: int, **more) -> list[dict]:
        done = self.run_doctor("--json", **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        found = json.loads(done.stdout)["findings"]
        for one in found:
            self.assertEqual(one["mend"] == "", one["verdict"] == "ok", one)
        return found

    def assert_well(self) -> None:
        self.assertEqual([one for one in self.findings(0) if one["verdict"] != "ok"], [])

    def assert_one(self, verdict: str, check: str, text: str, **more) -> str:
        """This is the only thing that is not ok; what mends it."""
        found = self.findings(1 if verdict == "failed" else 0, **more)
        one, = [one for one in found if one["verdict"] != "ok"]
        self.assertEqual((one["verdict"], one["check"]), (verdict, check), one)
        self.assertRegex(one["text"], text)
        self.outcome = f"{verdict}: {check}"
        return one["mend"]

    def mend(self, command: str) -> None:
        """Does what was said, to the letter."""
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
        self.assert_well()

    @contextmanager
    def setting(self, name: str, value: str):
        """main.cf has it meanwhile."""
        main_cf = self.directory / "main.cf"
        before = main_cf.read_bytes()
        self.sender.run("postconf", "-e", f"{name} = {value}")
        try:
            yield
        finally:
            main_cf.write_bytes(before)

    def test_well(self):
        """doctor: nothing is broken: every line is ok, exit code 0"""
        done = self.run_doctor()
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        *lines, total = done.stdout.splitlines()
        self.assertTrue(all(line.startswith("ok ") for line in lines), done.stdout)
        self.assertEqual(total, f"{len(lines)} ok")
        for word in (f"the running daemon (process {self.daemon.pid}) says at unix:",
                     f": {self.daemon.config}, read at ", f"{self.daemon.state}/cache.db",
                     "daemon: unix:", "daemon: inet:127.0.0.1:8461", "127.0.0.1:53 validates",
                     "https://mta-sts.enforce.test/.well-known/mta-sts.txt: a valid policy",
                     "the daemon: ", "Postfix: ", "Postfix 3.7", "smtp_tls_policy_maps",
                     "user postfix may connect", "etc/resolv.conf names 127.0.0.1",
                     "chrooted to", "cache.db, mode 0600", "clock", "open files: the daemon has"):
            self.assertIn(word, done.stdout)
        self.outcome = total

    def test_daemon(self):
        """doctor: the daemon does not run: failed, and how it is started"""
        self.daemon.stop()
        try:
            found = self.findings(1, config=self.daemon.config)
        finally:
            self.restart_daemon()
        failed = [one for one in found if one["verdict"] == "failed"]
        self.assertEqual({one["check"] for one in failed}, {"daemon", "socket"}, failed)
        for one in failed:
            self.assertRegex(one["mend"], "^tlspolicyd -c /.*/tlspolicyd.yaml($|, with this path)")
        self.assert_well()

    def test_socket(self):
        """doctor: Postfix may not connect to the socket: failed, and mended by what it says"""
        self.sender.socket.chmod(0o600)
        self.mend(self.assert_one("failed", "socket", "user postfix may not connect to .* "
                                  r"\(mode 0600\)"))
        self.sender.socket.parent.chmod(0o700)
        self.mend(self.assert_one("failed", "socket", "user postfix may not enter"))

    def test_chroot(self):
        """doctor: the chroot's resolv.conf is another, or missing: failed, and mended"""
        copy = self.sender.queue / "etc/resolv.conf"
        copy.write_text("nameserver 192.0.2.1\n")
        self.mend(self.assert_one("failed", "chroot", "names 192.0.2.1, /etc/resolv.conf 127.0.0.1"))
        shutil.rmtree(copy.parent)
        self.mend(self.assert_one("failed", "chroot", "No such file"))

    def test_resolver(self):
        """doctor: the resolver does not validate, or does not answer: failed"""
        self.world.resolver.stop()
        try:
            found = {one["check"]: one for one in self.findings(1)}
            self.assertRegex(found["resolver"]["text"], "127.0.0.1:53 does not answer")
            self.assertEqual(found["HTTPS"]["verdict"], "warning")
            self.world.resolver.start(validating=False)
            self.world.resolver.wait()
            mend = self.assert_one("failed", "resolver", "does not validate: no AD bit")
            self.assertIn("unbound", mend)
        finally:
            self.world.resolver.stop()
            self.world.resolver.start()
            self.world.resolver.wait()
        self.assert_well()

    def test_bogus(self):
        """doctor: forged answers that pass: failed; a name that is not there: could not be told"""
        self.assert_one("failed", "resolver", "lets forged answers pass", bogus="mta-sts.enforce.test")
        self.assert_one("warning", "resolver", "could not be told", bogus="nobody.test")

    def test_https(self):
        """doctor: what stands between here and a policy host, and where it cannot be told"""
        mend = self.assert_one("failed", "HTTPS", "Connection refused", probe="walled.test")
        self.assertIn("dport 443", mend)
        self.assert_one("failed", "HTTPS", "self-signed certificate", probe="selfsigned.test")
        mend = self.assert_one("failed", "HTTPS", "hostname mismatch", probe="wrongcert.test")
        self.assertNotIn("ca-certificates", mend)
        self.assert_one("failed", "HTTPS", "special-purpose", probe="private.test")
        self.assert_one("warning", "HTTPS", "status 404", probe="notfound.test")
        self.assert_one("warning", "HTTPS", "could not be told", probe="nobody.test")

    def test_policy_maps(self):
        """doctor: main.cf asks nobody, or somebody else: failed, and mended by postconf"""
        with self.setting("smtp_tls_policy_maps", ""):
            self.mend(self.assert_one("failed", "smtp_tls_policy_maps", "nothing there asks"))
            self.assertEqual(self.sender.setting("smtp_tls_policy_maps"),
                             Sender.BELOW_QUEUE + ":postfix")
        with self.setting("smtp_tls_policy_maps", "socketmap:inet:127.0.0.1:8460:postfix"):
            self.mend(self.assert_one("failed", "smtp_tls_policy_maps", "inet:127.0.0.1:8460 is asked, "
                                      "the daemon serves unix:tlspolicyd/socketmap"))

    def test_settings(self):
        """doctor: main.cf without DNSSEC, CA certificates, filter; with a session cache: mended"""
        empty = self.world.directory / "empty.pem"
        empty.touch()
        for name, value, verdict, check in (
                ("smtp_dns_support_level", "", "failed", "smtp_dns_support_level"),
                ("smtp_tls_CAfile", str(empty), "failed", "CA certificates"),
                ("smtp_tls_CAfile", "", "failed", "smtp_tls_CAfile"),
                ("smtp_tls_session_cache_database", "btree:${data_directory}/sessions", "failed",
                 "smtp_tls_session_cache_database"),
                ("smtp_tls_security_level", "", "warning", "smtp_tls_security_level"),
                ("smtp_delivery_status_filter", "", "warning", "smtp_delivery_status_filter"),
                ("smtp_delivery_status_filter", "socketmap:inet:127.0.0.1:8461:dsn", "warning",
                 "smtp_delivery_status_filter"),
                ("smtp_host_lookup", "native", "failed", "main.cf")):
            with self.subTest(name, value=value), self.setting(name, value):
                self.mend(self.assert_one(verdict, check, "."))

    def test_configuration(self):
        """doctor: each mistake of the configuration, with its line"""
        config = self.world.directory / "mistakes.yaml"
        config.write_text("lisen: []\nobserve: perhaps\nadmin: \"\"\n")
        found = [one for one in self.findings(1, config=config) if one["check"] == "configuration"]
        self.assertEqual([one["verdict"] for one in found], ["failed", "failed"])
        self.assertIn(f"{config}:1: ", found[0]["text"])
        self.assertEqual(found[1]["mend"], f"vi +2 {config}")

    def test_other_configuration(self):
        """doctor: it goes by what the running daemon says, and tells how the file differs"""
        other = self.world.directory / "other.yaml"
        other.write_text(f"admin: unix:{self.world.directory}/asked\nhttps: {{port: 8443}}\n")
        self.assert_one("warning", "configuration", f"{other} is not what the daemon goes by",
                        config=other)
        with self.daemon.config.open("a") as file:
            file.write("\nhttps: {timeout: 50s}\n")
        mend = self.assert_one("warning", "configuration",
                               f"{self.daemon.config} has other settings .*: https.timeout$")
        self.assertEqual(mend, f"kill -HUP {self.daemon.pid}")
        subprocess.run(mend, shell=True, check=True)
        self.eventually(lambda: "configuration reloaded" in self.daemon.log_text())
        self.assert_well()

    def test_not_asked(self):
        """doctor: a daemon that cannot be asked is told of; -a names its socket"""
        other = self.world.directory / "silent.yaml"
        other.write_text(self.config.replace("/asked", "/nobody"))
        found = [one for one in self.findings(0, config=other) if one["check"] == "configuration"]
        self.assertEqual([one["verdict"] for one in found], ["warning"])
        self.assertIn(f"process {self.daemon.pid} is a tlspolicyd", found[0]["text"])
        done = self.run_doctor("-a", f"unix:{self.world.directory}/asked")
        self.assertIn(f"process {self.daemon.pid}) says", done.stdout)
        self.assertEqual(done.returncode, 0)

    def test_no_rights(self):
        """doctor: without rights: what could not be seen is said, nothing failed"""
        found = self.findings(0, user="nobody", config=self.daemon.config)
        skipped = {one["check"] for one in found if one["verdict"] == "skipped"}
        self.assertIn("cache", skipped)
        self.outcome = f"skipped: {', '.join(sorted(skipped))}"


class DoctorOnDebian12(Doctor, MailTest):
    pass
