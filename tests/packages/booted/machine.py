"""A Debian that systemd has booted, in the world's network."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from world import namespace, postfix
from world.authority import Authority
from world.processes import Failed, Process
from world.resolver import ADDRESS as RESOLVER

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_SETTINGS = {
    "myhostname": "mail.sender.test", "mydestination": "", "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8", "maillog_file": "/var/log/mail.log",
    "smtp_tls_loglevel": "1", "append_dot_mydomain": "no",
}
# What comes and goes by itself.
_RESTLESS = ("dev", "proc", "run", "sys", "tmp", "var/cache", "var/log", "var/tmp", "var/lib/apt",
             "var/lib/systemd/timers")
_QUEUE = re.compile(r"var/(spool/postfix/(active|bounce|corrupt|defer|deferred|flush|hold|incoming|"
                    r"maildrop|pid|private|public|saved|trace)|lib/postfix)/")


class Unbootable(Failed):
    """This machine boots no container; the text says why. Nothing in the container had begun."""


class Machine:
    """Booted when made, or else Unbootable, or Failed; needs namespace.enter() first. What `folder` holds
    stays as it is."""

    def __init__(self, name: str, folder: Path, directory: Path, authority: Authority):
        self.name = name
        for part in ("upper", "work", "root"):
            (directory / part).mkdir(parents=True)
        self.root = directory / "root"
        try:
            namespace.mount("overlay", str(self.root), "overlay", 0,
                            f"lowerdir={folder},upperdir={directory}/upper,workdir={directory}/work")
        except OSError as trouble:
            raise Unbootable(f"an overlay in {directory}: {trouble}") from None
        self._prepare(authority)
        self._console = directory / "console"
        self._boot()

    def stop(self) -> None:
        self._container.stop(signal.SIGTERM, 20)

    def run(self, *command: str) -> str:
        """Runs it inside; what it printed. AssertionError unless it succeeds."""
        done = self._inside(*command)
        if done.returncode != 0:
            raise AssertionError(f"{self.name}: {' '.join(command)} ended with {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout

    def reboot(self) -> None:
        self._inside("systemctl", "reboot")
        self._container.wait(60)  # that is the caller's part with --keep-unit
        self._boot()

    def link_resolv_conf(self) -> None:
        """As where systemd-resolved writes it; until the next reboot."""
        self.run("sh", "-ec", "mkdir -p /run/systemd/resolve; cd /run/systemd/resolve; "
                 "cp /etc/resolv.conf .; ln -sf /run/systemd/resolve/resolv.conf /etc/")

    def property(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit)

    def mail_log(self) -> str:
        file = self.root / "var/log/mail.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def deliveries(self, queue_id: str) -> list[postfix.Delivery]:
        return postfix.deliveries(self.mail_log(), queue_id)

    def files(self) -> set[str]:
        """All that lasts."""
        found = set()
        for directory, folders, files in os.walk(self.root):
            at = Path(directory).relative_to(self.root)
            folders[:] = [one for one in folders if str(at / one) not in _RESTLESS]
            found.update(str(at / one) for one in (*folders, *files))
        return {one for one in found if not _QUEUE.match(one)}

    def _prepare(self, authority: Authority) -> None:
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").write_text(f"nameserver {RESOLVER}\n")
        bundle = self.root / "etc/ssl/certs/ca-certificates.crt"
        bundle.write_bytes(bundle.read_bytes() + authority.root.read_bytes())
        settings = [f"{name} = {value}" for name, value in _SETTINGS.items()]
        subprocess.run(["chroot", str(self.root), "postconf", "-e", *settings], check=True)
        # Postfix waits until main.cf is some seconds old.
        os.utime(self.root / "etc/postfix/main.cf", (0, 0))

    def _inside(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["nsenter", "-t", str(self._init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w",
             *command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120,
            env={"PATH": _PATH, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})

    def _boot(self) -> None:
        # Its network is ours, which the world has for itself.
        self._container = Process(
            "systemd-nspawn",
            ["systemd-nspawn", "--register=no", "--keep-unit", "--console=pipe", "--boot",
             "--resolv-conf=off", "--timezone=off", "-M", self.name.lower().replace(" ", "-"),
             "-D", str(self.root)], self._console)
        self._init = None
        try:
            self._container.wait_until(self._has_init, 60)
            self._container.wait_until(self._is_up, 120)
        except BaseException as trouble:
            begun = self._init is not None or self._container.alive()
            self.stop()
            if isinstance(trouble, Failed) and not begun:
                raise Unbootable(str(trouble)) from None
            raise

    def _has_init(self) -> bool:
        self._init = self._find_init()
        return self._init is not None

    def _find_init(self) -> int | None:
        """The first process of the container, below the one that we started."""
        parents = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines()
                              if ":\t" in line)
            except OSError:
                continue  # it has ended meanwhile
            parents[int(fields["Pid"])] = (int(fields["PPid"]), fields["NSpid"].split())
        for pid, (parent, numbers) in parents.items():
            if len(numbers) > 1 and numbers[-1] == "1":
                while parent not in (0, self._container.pid):
                    parent = parents.get(parent, (0,))[0]
                if parent:
                    return pid
        return None

    def _is_up(self) -> bool:
        done = self._inside("systemctl", "is-system-running")
        if done.stdout.strip() not in ("running", "degraded"):
            time.sleep(0.2)
            return False
        return True
