"""The life of the package in a booted Debian, from its installation until nothing of it is left."""

import errno
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from world import World, socketmap
from world.domains import Domain
from world.sender import Submission

from .expect import contains, equal
from .machine import Machine
from .releases import TOP
from .stream import Stream

INET = "socketmap:inet:127.0.0.1:8461"
UNIX = "socketmap:unix:tlspolicyd/socketmap"
SOCKETS = ("tlspolicyd.socket", "tlspolicyd-postfix.socket", "tlspolicyd-admin.socket")
FORGED = Domain("brokensig.test", txt=(), signed=True, records=("@ A 192.31.196.150",),
                bogus=("brokensig.test A",))
PROTECTED = "Verified"  # Postfix's word for a certificate with a name that the policy allows


class Life:
    """The tests of one release, in order: each goes on where the one before has left off."""

    def __init__(self, machine: Machine, package: Path, world: World):
        self.machine = machine
        self.package = package
        self.receiver = world.mail.receiver
        self.before = machine.files()

    def install(self, package: Path) -> str:
        shutil.copy(package, self.machine.root / "root/tlspolicyd.deb")
        said = self.machine.run("sh", "-c", "apt-get install -y --reinstall /root/tlspolicyd.deb 2>&1")
        (self.machine.root / "root/tlspolicyd.deb").unlink()
        return said

    def test_installed(self):
        """installed with apt, it runs as a user of its own and holds its sockets"""
        self.install(self.package)
        unit = "tlspolicyd.service"
        equal(self.machine.property(unit, "ActiveState"), "active")
        equal(self.machine.property(unit, "StatusText") != "", True)
        equal(self.machine.run("systemctl", "is-enabled", unit, *SOCKETS).split(), ["enabled"] * 4)
        equal(self.machine.run("systemctl", "is-active", unit, *SOCKETS).split(), ["active"] * 4)
        process = self.machine.property(unit, "MainPID")
        status = self.machine.run("cat", f"/proc/{process}/status")
        for line in ("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            contains(status, line)
        equal(self.machine.run("stat", "-c", "%U", f"/proc/{process}"), "tlspolicyd\n")
        equal(self.machine.run("stat", "-c", "%U:%G %a", "/var/spool/postfix/tlspolicyd/socketmap",
                               "/run/tlspolicyd/admin", "/var/lib/tlspolicyd").splitlines(),
              ["root:postfix 660", "root:tlspolicyd 660", "tlspolicyd:tlspolicyd 700"])
        contains(self.machine.run("tlspolicy", "status"), "policies")
        warnings = [line for line in self.machine.journal(unit).splitlines() if "warning" in line]
        equal(warnings, [])
        equal(self.machine.run("systemctl", "--failed", "--plain", "--no-legend"), "")

    def test_protected(self):
        """after main-cf --apply mail by the chrooted smtp(8) is protected, and doctor finds all well"""
        equal(self.machine.run("postconf", "-Fh", "smtp/unix/chroot").strip(), "y")
        self.machine.run("tlspolicy", "main-cf", "--apply")
        self.machine.run("postfix", "reload")
        contains(self.machine.run("postconf", "-h", "smtp_tls_policy_maps"), UNIX)
        self.assert_protects("by its socket below the queue directory")
        self.assert_well()
        self.ask_at(INET, instead_of=UNIX)
        self.assert_protects("by its port")
        self.ask_at(UNIX, instead_of=INET)

    def assert_well(self) -> None:
        said = self.machine.run("tlspolicy", "doctor", "--probe-domain", "good.test",
                                "--bogus-name", FORGED.name)
        equal([line for line in said.splitlines() if line.startswith(("warning", "failed"))], [])

    def ask_at(self, endpoint: str, instead_of: str) -> None:
        maps = self.machine.run("postconf", "-h", "smtp_tls_policy_maps").strip()
        maps = maps.replace(instead_of, endpoint)
        self.machine.run("postconf", "-e", f"smtp_tls_policy_maps = {maps}")
        self.machine.run("postfix", "reload")

    def assert_protects(self, how: str) -> None:
        sent = self.attempt(self.submit("bob@good.test", how))
        equal((sent.status, sent.tls), ("sent", PROTECTED), sent.log)
        refused = self.attempt(self.submit("bob@mismatch.test", how))
        equal(refused.status, "deferred", refused.log)

    def test_killed(self):
        """killed, it is started again, and mail of that moment is delivered, protected"""
        process = self.machine.property("tlspolicyd.service", "MainPID")
        self.machine.run("systemctl", "kill", "-s", "KILL", "tlspolicyd.service")
        sent = self.attempt(self.submit("bob@good.test", "after its death"))
        equal((sent.status, sent.tls), ("sent", PROTECTED), sent.log)
        equal(self.machine.property("tlspolicyd.service", "MainPID") == process, False)

    def test_by_debian(self):
        """the package's own test for Debian (autopkgtest) passes"""
        shutil.copy(TOP / "packaging/debian/tests/with-postfix", self.machine.root / "root")
        self.machine.run("/root/with-postfix")
        (self.machine.root / "root/with-postfix").unlink()

    def test_postfix_later(self):
        """where Postfix is installed later, its socket is there as soon as it is"""
        # The socket's condition, as if there were no queue directory yet.
        condition = self.machine.root / "etc/systemd/system/tlspolicyd-postfix.socket.d/none.conf"
        condition.parent.mkdir()
        condition.write_text("[Unit]\nConditionPathIsDirectory=/nonexistent\n")
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "restart", "tlspolicyd-postfix.socket")
        equal(self.machine.property("tlspolicyd-postfix.socket", "ActiveState"), "inactive")
        self.eventually("active", lambda: self.machine.property("tlspolicyd.service", "ActiveState"))
        condition.unlink()
        condition.parent.rmdir()
        self.machine.run("systemctl", "daemon-reload")
        # As dpkg does when it unpacks Postfix.
        self.machine.run("dpkg-trigger", "--by-package=postfix", "/usr/lib/postfix/sbin/smtp")
        self.machine.run("dpkg", "--configure", "--pending")
        equal(self.machine.property("tlspolicyd-postfix.socket", "ActiveState"), "active")
        self.assert_protects("that came later")

    def test_monitored(self):
        """monitoring is off until its socket is enabled, and then answers"""
        unit, address = "tlspolicyd-metrics.socket", ("127.0.0.1", 9461)
        with socket.socket() as wire:
            equal(wire.connect_ex(address), errno.ECONNREFUSED)
        self.machine.run("systemctl", "enable", unit)
        self.machine.run("systemctl", "restart", unit)
        with urllib.request.urlopen("http://{}:{}/healthz".format(*address), timeout=60) as answer:
            equal(answer.status, 200)

    def test_reloaded(self):
        """a reload is taken up without a restart; one with mistakes is refused, and nothing changes"""
        unit = "tlspolicyd.service"
        process = self.machine.property(unit, "MainPID")
        file = self.machine.root / "etc/tlspolicyd/tlspolicyd.yaml"
        defaults = file.read_text()
        file.write_text("observe: true\n")
        self.machine.run("systemctl", "reload", unit)
        self.eventually_answers("NOTFOUND")
        file.write_text("obverse: false\n")
        try:
            self.machine.run("systemctl", "reload", unit)
        except AssertionError:
            pass
        else:
            raise AssertionError("systemctl reload says that all is well")
        self.eventually_answers("NOTFOUND")
        file.write_text(defaults)
        self.machine.run("systemctl", "reload", unit)
        self.eventually_answers("OK secure match=good.mailhosts.test")
        equal(self.machine.property(unit, "MainPID"), process)

    def eventually_answers(self, wanted: str) -> None:
        self.eventually(wanted, lambda: socketmap.ask("good.test")[:len(wanted)])

    @staticmethod
    def eventually(wanted: str, ask) -> None:
        deadline = time.monotonic() + 20
        while (value := ask()) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"it is {value!r}, not {wanted!r}")
            time.sleep(0.1)

    def test_rebooted(self):
        """after a reboot all is there again, before Postfix delivers"""
        self.machine.reboot()
        equal(self.machine.run("systemctl", "is-active", "tlspolicyd.service", *SOCKETS).split(),
              ["active"] * 4)
        self.assert_protects("after a reboot")

    def test_upgraded(self):
        """upgraded while 100 messages are sent: none deferred, none unprotected"""
        begun = int(self.machine.property("tlspolicyd.service", "ExecMainStartTimestampMonotonic"))
        held = (*SOCKETS, "tlspolicyd-metrics.socket")
        sockets = [self.machine.property(one, "ActiveEnterTimestampMonotonic") for one in held]
        self.package = repacked(self.package, self.machine.root.parent, "99")
        with Stream(self, "upgrade") as stream:
            self.install(self.package)
        contains(self.machine.run("dpkg-query", "-W", "tlspolicyd"), "99")
        again = int(self.machine.property("tlspolicyd.service", "ExecMainStartTimestampMonotonic"))
        equal(again > begun, True, "it was not restarted")
        equal([self.machine.property(one, "ActiveEnterTimestampMonotonic") for one in held],
              sockets, "sockets were closed")
        return stream.assert_delivered({PROTECTED})

    def test_upgraded_refused(self):
        """upgraded beside a configuration that it refuses, the process goes on; mended, it restarts"""
        unit = "tlspolicyd.service"
        process = self.machine.property(unit, "MainPID")
        file = self.machine.root / "etc/tlspolicyd/tlspolicyd.yaml"
        defaults, mode = file.read_text(), file.stat().st_mode
        # Mistakes, or not for its user to read.
        for text, allowed, trouble in (("obverse: true\n", mode, "obverse"),
                                       (defaults, 0o600, "Permission denied")):
            file.write_text(text)
            file.chmod(allowed)
            said = self.install(self.package)
            contains(said, trouble)
            contains(said, "WARNING: NOT RESTARTED")
            contains(said, "systemctl restart tlspolicyd\n")
            time.sleep(2)  # longer than RestartSec=
            equal(self.machine.property(unit, "MainPID"), process)
            self.assert_protects("beside a wrong configuration")
        file.write_text(defaults)
        file.chmod(mode)
        self.machine.run("systemctl", "restart", "tlspolicyd")
        equal(self.machine.property(unit, "MainPID") == process, False)
        self.assert_protects("with the configuration mended")

    def test_removed(self):
        """removed while 100 messages are sent: none deferred, and main.cf no longer asks it"""
        # In use by no mail of this test.
        asks = "smtpd_etrn_restrictions = check_policy_service inet:127.0.0.1:8462"
        self.machine.run("postconf", "-e", asks)
        service = f"relay/unix/smtp_tls_policy_maps={UNIX}:postfix"
        self.machine.run("postconf", "-P", service)
        with Stream(self, "removal") as stream:
            printed = self.machine.run("sh", "-c", "apt-get remove -y tlspolicyd 2>&1")
        contains(printed, "main.cf: smtp_tls_policy_maps is ")
        contains(printed, "WARNING: POSTFIX STILL ASKS")
        contains(printed, asks)
        contains(printed, service.replace("=", " = "))
        equal(self.machine.run("postconf", "-h", "smtp_tls_policy_maps",
                               "smtp_delivery_status_filter").split(), [])
        # From then on with the level that main.cf has for everybody.
        return stream.assert_delivered({PROTECTED, "Trusted"})

    def test_purged(self):
        """purged, no file and no unit is left behind"""
        self.machine.run("apt-get", "purge", "-y", "tlspolicyd")
        equal(sorted(self.machine.files() - self.before), [])
        units = self.machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend",
                                 "tlspolicyd*")
        equal(units, "")
        equal((self.machine.root / "run/tlspolicyd").exists(), False)

    def submit(self, to: str, subject: str) -> str:
        with Submission(25) as wire:
            return wire.send(to, subject=f"{self.machine.name}: {subject}")

    def attempt(self, queue_id: str, seconds: float = 60):
        """The first attempt to deliver this message."""
        deadline = time.monotonic() + seconds
        while not (found := self.machine.deliveries(queue_id)):
            if time.monotonic() > deadline:
                raise AssertionError(f"no attempt to deliver {queue_id}:\n"
                                     + self.machine.mail_log()[-3000:])
            time.sleep(0.05)
        return found[0]


def repacked(package: Path, directory: Path, version: str) -> Path:
    """The same contents as another version."""
    tree = directory / "repacked"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("".join(
        f"Version: {version}\n" if line.startswith("Version:") else f"{line}\n" for line in lines))
    renewed = directory / "newer.deb"
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", tree, renewed], check=True,
                   stdout=subprocess.DEVNULL)
    return renewed
