"""Kills at random moments, many on one state."""

import random
import signal

from clients import Crowd, audit
from ledger import Ledger
from lives import CONNECTED, CUT_OFF, NO_POLICY_HOSTS, Lives, strange_files
from tally import Tally
from town import Town
from world.processes import Failed


class Moments:
    """Rounds of load, kill, restart without network, and audit of all that was ever answered."""

    def __init__(self, town: Town, lives: Lives, rounds: int, dice: random.Random):
        """`rounds` in all, so that each has new domains."""
        self._town = town
        self._lives = lives
        self._dice = dice
        self._state = lives.new_state()
        self._ledger = Ledger(town)
        self._crowd = Crowd(town, self._ledger)
        self._left = list(town.steady)  # nobody has asked for them yet
        self._share = max(1, len(self._left) // rounds)

    def run(self, tally: Tally, rounds: int, slow: bool) -> None:
        """With `slow` as on a disk where each write and sync takes some milliseconds."""
        answers, known = self._crowd.answers, len(self._ledger.known())
        in_commit = 0
        tally.ledgers.append(self._ledger)
        for number in range(rounds):
            if number % 2 == 0:
                self._town.publish()
            in_commit += self._kill_under_load(slow)
            tally.kills += 1
            tally.policies = len(self._ledger.known()) - known
            self._audit(tally)
        tally.notes.append(f"{self._crowd.answers - answers} answers under load")
        if slow:
            tally.notes.append(f"at least {in_commit} of the kills came amid a commit")

    def _kill_under_load(self, slow: bool) -> bool:
        """True if it certainly was amid a commit, which is known of a slow disk only."""
        trace = self._state.with_suffix(".trace")
        trace.unlink(missing_ok=True)
        library = {"trace": trace, "slow_us": self._dice.randrange(200, 4000)} if slow else {}
        daemon = self._lives.begin(self._state, CONNECTED, **library)
        new = [self._left.pop() for _ in range(min(self._share, len(self._left)))]
        self._crowd.ask_until_killed(daemon, self._dice.uniform(0.005, 0.4), new, self._dice)
        self._left += new
        if daemon.stop() != -signal.SIGKILL:
            raise Failed("tlspolicyd had ended before it was killed:\n"
                         + daemon.process.last_words(60))
        self._lives.forget(daemon)
        if not slow:
            return False
        if not trace.exists():
            raise Failed("the preloaded library saw no call")
        # A commit ends with the sync of the log.
        return trace.read_text().splitlines()[-1] != "fdatasync cache.db-wal 0"

    def _audit(self, tally: Tally) -> None:
        cut_off = self._dice.random() < 0.8
        daemon = self._lives.begin(self._state, CUT_OFF if cut_off else NO_POLICY_HOSTS)
        tally.verified += audit(self._ledger, cut_off, self._dice)
        clean = self._dice.random() < 0.25
        code = daemon.stop(signal.SIGTERM if clean else signal.SIGKILL)
        if code != (0 if clean else -signal.SIGKILL):
            raise Failed(f"tlspolicyd ended with {code}:\n{daemon.process.last_words(60)}")
        tally.troubles += strange_files(self._state)
        self._lives.forget(daemon)
