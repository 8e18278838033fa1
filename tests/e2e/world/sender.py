"""The Postfix that sends: smtp(8) chrooted as on Debian, and tlspolicyd to ask."""

import smtplib
from email.message import EmailMessage
from pathlib import Path

from .daemon import PORT
from .postfix import Instance, Release

ADDRESS = "alice@sender.test"

_SETTINGS = {
    "myhostname": "mail.sender.test", "inet_interfaces": "127.0.0.1", "mynetworks": "127.0.0.0/8",
    "smtp_tls_loglevel": "1",
}
_TLS = {
    "smtp_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt",
    "smtp_tls_security_level": "dane", "smtp_dns_support_level": "dnssec",
}


class Sender(Instance):
    """Takes mail at `port` of 127.0.0.1. master.cf is the release's own, but for that port.

    The daemon listens at its port, or makes `socket`, below the queue directory. In a folder users
    have other numbers than here; hence everybody may connect, unless `socket_mode` says otherwise.
    Without `knows_tls` main.cf has nothing of TLS and of the daemon yet. smtp(8) asks the resolver at
    `nameserver`, by default the one that the daemon asks.
    """

    BELOW_QUEUE = "socketmap:unix:tlspolicyd/socketmap"
    INET = f"socketmap:inet:127.0.0.1:{PORT}"

    def __init__(self, release: Release, directory: Path, port: int,
                 policy_server: str = BELOW_QUEUE, socket_mode: str = "mode: '0666'",
                 settings: dict[str, str] | None = None, knows_tls: bool = True,
                 nameserver: str = ""):
        services = release.file("/etc/postfix/master.cf.proto").read_text().splitlines()
        ours = [f"127.0.0.1:{port} inet n - y - - smtpd"]
        for line in services:
            words = line.split()
            if words[:2] != ["smtp", "inet"]:
                ours.append(line)
        tls = {**_TLS, "smtp_tls_policy_maps": f"{policy_server}:{release.map_name}"}
        super().__init__(release, directory, {
            **_SETTINGS, **(tls if knows_tls else {}), **(settings or {})}, "\n".join(ours) + "\n")
        self._port = port
        self._nameserver = nameserver
        self._socket_mode = socket_mode
        self.socket = self.queue / "tlspolicyd/socketmap"
        self.socket.parent.mkdir()

    def prepare_chroot(self) -> None:
        super().prepare_chroot()
        if self._nameserver:
            (self.queue / "etc/resolv.conf").write_text(f"nameserver {self._nameserver}\n")

    @property
    def listen(self) -> str:
        """For the daemon's configuration."""
        return f"{{path: {self.socket}, {self._socket_mode}}}"

    def submit(self, *recipients: str, subject: str = "", utf8: bool = False) -> str:
        """Hands one message in; its queue id."""
        with self.submission() as submission:
            return submission.send(*recipients, subject=subject, utf8=utf8)

    @property
    def config_directory(self) -> Path:
        """main.cf and master.cf."""
        return self._config

    def submission(self) -> "Submission":
        return Submission(self._port)


class Submission:
    """One connection to a sender, for any number of messages."""

    def __init__(self, port: int):
        self._wire = smtplib.SMTP("127.0.0.1", port, "client.sender.test", timeout=30)
        self._wire.ehlo()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._wire.quit()

    def recipient(self, address: str) -> tuple[int, str]:
        """The reply to RCPT TO, of a message that is then not sent."""
        self._expect(250, self._wire.mail(ADDRESS))
        code, text = self._wire.rcpt(address)
        self._expect(250, self._wire.rset())
        return code, text.decode()

    def send(self, *recipients: str, subject: str = "", utf8: bool = False) -> str:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = ADDRESS, "somebody", subject or "Hello"
        message.set_content("Hello.\n")
        self._wire.command_encoding = "utf-8" if utf8 else "ascii"
        self._expect(250, self._wire.mail(ADDRESS, ["SMTPUTF8"] if utf8 else []))
        for recipient in recipients:
            self._expect(250, self._wire.rcpt(recipient))
        text = self._expect(250, self._wire.data(message.as_bytes()))
        return text.rsplit(" ", 1)[1]

    @staticmethod
    def _expect(wanted: int, reply: tuple[int, bytes]) -> str:
        code, text = reply
        if code != wanted:
            raise RuntimeError(f"{code} {text.decode(errors='replace')}")
        return text.decode()
