"""Those who ask: a crowd until the daemon is killed, and auditors after each restart."""

import random
import signal
import threading
import time
from functools import partial

from ledger import Ledger
from town import STRICT, Town
from world import COMPAT, TLSRPT
from world.daemon import Daemon
from world.socketmap import Connection, ProtocolError

CLIENTS = 24
AUDITORS = 4
BATCH = 50  # questions sent ahead


class Together:
    """Functions that run at the same time."""

    def __init__(self, *functions):
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(f,)) for f in functions]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Waits for all; raises what one of them raised."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _run(self, function) -> None:
        try:
            function()
        except BaseException as failure:
            self._failures.append(failure)


class Crowd:
    """Asks for new domains, for known and for changing ones."""

    def __init__(self, town: Town, ledger: Ledger):
        self._town = town
        self._ledger = ledger
        self._new: list[str] = []
        self._lock = threading.Lock()
        self.answers = 0

    def ask_until_killed(self, daemon: Daemon, seconds: float, new: list[str],
                         dice: random.Random) -> None:
        """Takes the new domains that it asks for from the end of `new`."""
        self._new = new
        dices = [(random.Random(dice.random()), depth) for depth in (1, 1, 1, 4) * (CLIENTS // 4)]
        clients = Together(*(partial(self._ask, *one) for one in dices))
        time.sleep(seconds)
        daemon.stop(signal.SIGKILL)
        clients.join()

    def _ask(self, dice: random.Random, depth: int) -> None:
        """`depth` questions at a time, as Postfix one, or more."""
        asked: list[tuple] = []
        try:
            with Connection(30) as connection:
                known = self._ledger.known()
                alive = True
                while alive or asked:
                    while alive and len(asked) < depth:
                        domain, map_name = self._choose(dice, known)
                        asked.append((domain, map_name, self._ledger.newest(domain)))
                        alive = _send(connection, domain, map_name)
                    payload = connection.receive()
                    domain, map_name, newest = asked.pop(0)
                    self._ledger.heard(domain, map_name, payload, newest, cut_off=False)
                    with self._lock:
                        self.answers += 1
        except (ProtocolError, ConnectionError):
            pass  # it died, and what had left it before has been read

    def _choose(self, dice: random.Random, known: list[str]) -> tuple[str, str]:
        map_name = dice.choice((TLSRPT, TLSRPT, STRICT, COMPAT))
        roll = dice.random()
        if roll < 0.5:
            with self._lock:
                if self._new:
                    return self._new.pop(), map_name
        if roll < 0.8 or not known:
            return dice.choice(self._town.changing), map_name
        return dice.choice(known), map_name


def _send(connection: Connection, domain: str, map_name: str) -> bool:
    """False if the daemon is dead; answers that it had sent can still be read."""
    try:
        connection.send(domain, map_name)
    except ConnectionError:
        return False
    return True


def audit(ledger: Ledger, cut_off: bool, dice: random.Random) -> int:
    """Asks for every policy that was ever answered; how many answers that were."""
    known = ledger.known()
    questions = [question for domain in known for question in ledger.questions(domain)]
    questions += [(domain, COMPAT) for domain in dice.sample(known, min(20, len(known)))]
    dice.shuffle(questions)

    def ask(share: list[tuple[str, str]]) -> None:
        with Connection(30) as connection:
            for start in range(0, len(share), BATCH):
                _ask_batch(connection, ledger, share[start:start + BATCH], cut_off)

    Together(*(partial(ask, questions[n::AUDITORS]) for n in range(AUDITORS))).join()
    return len(questions)


def _ask_batch(connection: Connection, ledger: Ledger, batch: list[tuple[str, str]],
               cut_off: bool) -> None:
    asked = [(domain, map_name, ledger.newest(domain)) for domain, map_name in batch]
    for domain, map_name in batch:
        connection.send(domain, map_name)
    for domain, map_name, newest in asked:
        ledger.heard(domain, map_name, connection.receive(), newest, cut_off)
