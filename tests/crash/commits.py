"""Kills in every single call that changes the state directory: before it, and amid each write."""

import random
import shutil
import signal
from pathlib import Path

from clients import audit
from ledger import Ledger
from lives import CUT_OFF, Lives, strange_files
from tally import Tally
from town import STRICT, Town
from world import TLSRPT
from world.daemon import Daemon
from world.processes import Failed
from world.socketmap import Connection, ProtocolError

CHECKPOINT = 8  # frames; SQLite's own 1000 would take a thousand commits
LOG_BEGUN_ANEW = "fdatasync cache.db 0\npwrite cache.db-wal 32\n"  # its header, after a checkpoint


class Life:
    """A life to be repeated: it begins on a copy of `state`, asks `questions` one after the other,
    each a commit of its own, and is ended with SIGTERM if it lives so long."""

    def __init__(self, lives: Lives, state: Path, ledger: Ledger,
                 questions: list[tuple[str, str]], dice: random.Random):
        self._lives = lives
        self._state = state
        self._ledger = ledger
        self._questions = questions
        self._dice = dice
        self.calls = self._record()

    def kill(self, at: int, mode: str, tally: Tally) -> None:
        """Lives it until the call of this number, and audits what is left."""
        state = self._lives.new_state(copy_of=self._state)
        ledger = self._ledger.copy()
        tally.ledgers.append(ledger)
        trace = self._live(state, ledger, at=at, mode=mode)[1]
        if not trace or trace[-1] != f"killed {mode} 0":
            raise Failed(f"no kill came {mode} call {at} of {len(self.calls)}")
        tally.kills += 1
        tally.policies += len(ledger.known())
        daemon = self._lives.begin(state, CUT_OFF)
        tally.verified += audit(ledger, True, self._dice)
        daemon.stop(signal.SIGKILL)
        tally.troubles += strange_files(state)
        self._lives.forget(daemon)
        shutil.rmtree(state)

    def _record(self) -> list[str]:
        """The calls of this life, when it is not cut short."""
        state = self._lives.new_state(copy_of=self._state)
        ledger = self._ledger.copy()
        code, calls = self._live(state, ledger, at=0, mode="before")
        shutil.rmtree(state)
        if code != 0 or not calls:
            raise Failed(f"tlspolicyd ended with {code} after {len(calls)} calls")
        for text in [*ledger.wrong, *ledger.lost.values()]:
            raise Failed(f"without a kill: {text}")
        if LOG_BEGUN_ANEW not in "\n".join(calls):
            raise Failed("this life has no checkpoint amid its commits")
        return calls

    def _live(self, state: Path, ledger: Ledger, **library) -> tuple[int, list[str]]:
        trace = state.with_suffix(".trace")
        daemon = self._lives.begin(state, wait=False, trace=trace, checkpoint=CHECKPOINT, **library)
        try:
            daemon.wait()
            ask_in_turn(ledger, self._questions)
        except (Failed, ProtocolError, ConnectionError):
            pass  # it died: the trace says whether it was to
        code = daemon.stop(signal.SIGTERM)
        calls = trace.read_text().splitlines() if trace.exists() else []
        trace.unlink(missing_ok=True)
        self._lives.forget(daemon)
        return code, calls


def ask_in_turn(ledger: Ledger, questions: list[tuple[str, str]]) -> None:
    with Connection(30) as connection:
        for domain, map_name in questions:
            newest = ledger.newest(domain)
            ledger.heard(domain, map_name, connection.ask(domain, map_name), newest, cut_off=False)


def first_life(town: Town, lives: Lives, dice: random.Random) -> Life:
    """The file is made, policies come in, the log is checkpointed and begun anew, clean end."""
    questions = [(domain, STRICT) for domain in _some(town, 0)]
    return Life(lives, lives.new_state(), Ledger(town), questions, dice)


def second_life(town: Town, lives: Lives, dice: random.Random) -> Life:
    """The log of a killed one is taken up, policies are replaced and new ones come, clean end."""
    state = lives.new_state()
    ledger = Ledger(town)
    daemon = lives.begin(state)
    ask_in_turn(ledger, [(domain, STRICT) for domain in _some(town, 0)])
    daemon.stop(signal.SIGKILL)
    town.publish()
    changed = [(domain, TLSRPT) for domain in town.changing[:5]]
    questions = changed + [(domain, STRICT) for domain in _some(town, 1)[:3]]
    return Life(lives, state, ledger, questions, dice)


def _some(town: Town, number: int) -> list[str]:
    """A few domains: one with a long policy, one in testing, others; those that change."""
    start = 100 * number
    steady = [town.steady[start + n] for n in (25, 7, 1, 2)]
    return steady + (town.changing[:5] if number == 0 else [])


def walk_before(tally: Tally, life: Life) -> None:
    """Before each call, which is after the one before it; and after the last."""
    tally.notes.append(_described(life.calls))
    count = len(life.calls)
    for at in range(1, count + 1):
        life.kill(at, "before", tally)
    life.kill(count, "after", tally)


def walk_half(tally: Tally, life: Life) -> None:
    """When half of a write is done."""
    for at, call in enumerate(life.calls, 1):
        if call.startswith(("write ", "pwrite ")):
            life.kill(at, "half", tally)


def _described(calls: list[str]) -> str:
    counts: dict[str, int] = {}
    for call in calls:
        name = " ".join(call.split()[:2])
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
