"""A whole world for mail: a daemon, a sending Postfix of each release, one that receives."""

from pathlib import Path

from . import socketmap
from .correspondents import CORRESPONDENTS, HOSTS
from .postfix import Delivery
from .sender import Sender
from .world import World

# What smtp(8) logs of its reasons.
_REASONS = ("certificate verification failed", "TLS connection established", "warning:")


class PostOffice:
    """Open when made; `program` is the daemon's, `debian13` as for World."""

    def __init__(self, program: Path, debian13: Path | None):
        self._world = World((*HOSTS, *CORRESPONDENTS), debian13=debian13)
        try:
            mail = self._world.mail
            self._senders = [mail.sender(name) for name in mail.releases]
            # The port last: once that is open, so are the sockets.
            sockets = ", ".join([*(one.listen for one in self._senders), "'inet:127.0.0.1:8461'"])
            self._daemon = self._world.start_daemon(program, f"listen: [{sockets}]")
            self._receiver = mail.receiver
            for sender in self._senders:
                sender.start()
        except BaseException:
            self._world.close()
            raise

    def describe(self, root: str):
        """Lines: who is there; `root` is how one comes from outside to our files."""
        yield f"tlspolicyd logs to {root}{self._daemon.log}."
        for sender in self._senders:
            yield (f"{sender.release.name} sends with Postfix {sender.release.version} and "
                   f"asks the map {sender.release.map_name}; its log is {root}{sender.log}.")
        yield "There is mail for " + " ".join(f"bob@{one.name}" for one in CORRESPONDENTS) + "."

    def send(self, *addresses: str):
        """Lines: what became of one mail to each, by each Postfix, and why."""
        for address in addresses or [f"bob@{one.name}" for one in CORRESPONDENTS]:
            yield address
            for sender in self._senders:
                yield f"  {sender.release.name} asks, and is told: {_answer(sender, address)}"
                for delivery in sender.wait_for(sender.submit(address, utf8=True)):
                    yield from _outcome(delivery)

    def close(self) -> None:
        self._world.close()


def _answer(sender: Sender, address: str) -> str:
    return socketmap.ask(address.rpartition("@")[2], sender.release.map_name)


def _outcome(delivery: Delivery):
    for line in delivery.before:
        if "postfix/smtp[" in line and any(reason in line for reason in _REASONS):
            yield "    " + line.partition("]: ")[2]
    yield f"    {delivery.status} {delivery.dsn} {delivery.text}"
