"""The figures of a test."""

from ledger import Ledger


class Tally:
    """Filled while the test runs, so that it says what was done also if the test breaks off."""

    def __init__(self):
        self.ledgers: list[Ledger] = []
        self.kills = 0
        self.policies = 0  # that were answered; after each kill in commits.py the same anew
        self.verified = 0  # answers after a restart
        self.notes: list[str] = []
        self.troubles: list[str] = []

    @property
    def lost(self) -> list[str]:
        """Policies that were answered, and what was answered instead."""
        return [text for ledger in self.ledgers for text in ledger.lost.values()]

    @property
    def wrong(self) -> list[str]:
        return [text for ledger in self.ledgers for text in ledger.wrong]
