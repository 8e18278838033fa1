"""The Postfixes of the world: one that receives, and as many that send as somebody wants."""

from pathlib import Path

from . import debian13
from .authority import Authority
from .domains import COMPAT
from .postfix import Release
from .receiver import Receiver
from .sender import Sender

DEBIAN_12 = Release("Debian 12", COMPAT)  # this machine's own


class Mail:
    """Nothing runs before it is asked for. `folder` has Debian 13's Postfix, if it is to be had."""

    def __init__(self, directory: Path, authority: Authority, folder: Path | None):
        directory.mkdir()
        self._directory = directory
        self._authority = authority
        self._senders: list[Sender] = []
        self._receiver: Receiver | None = None
        self.releases = {DEBIAN_12.name: DEBIAN_12}
        if folder:
            self.releases[debian13.NAME] = debian13.mount(folder)

    @property
    def receiver(self) -> Receiver:
        """Started with the first question for it."""
        if not self._receiver:
            self._receiver = Receiver(DEBIAN_12, self._directory / "receiver", self._authority)
            self._receiver.start()
        return self._receiver

    def sender(self, release: str, **more) -> Sender:
        """A new one, to be started when the daemon is; `more` is as for Sender."""
        number = len(self._senders)
        sender = Sender(self.releases[release], self._directory / f"sender-{number}",
                        2525 + number, **more)
        self._senders.append(sender)
        return sender

    def wait(self) -> None:
        """There is nothing to wait for."""

    def stop(self) -> None:
        for instance in [*self._senders, *([self._receiver] if self._receiver else [])]:
            instance.stop()
