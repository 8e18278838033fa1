"""What was answered, and whether that is kept."""

import threading

from town import STRICT, Town
from world import COMPAT, TLSRPT


class Ledger:
    """Of one state directory. A policy is lost if, after it was answered, an older one or none is.

    Every answer that a client reads goes through `heard()`, those after a restart too.
    """

    def __init__(self, town: Town):
        self._town = town
        self._lock = threading.Lock()
        self._newest: dict[str, int] = {}  # the newest generation that was answered
        self.lost: dict[str, str] = {}     # domain: what was answered instead
        self.wrong: list[str] = []         # answers that no policy of the domain gives

    def copy(self) -> "Ledger":
        twin = Ledger(self._town)
        twin._newest = dict(self._newest)
        return twin

    def newest(self, domain: str) -> int:
        """The newest of its policies that was answered, 0 if none was."""
        return self._newest.get(domain, 0)

    def known(self) -> list[str]:
        """The domains whose policies were answered."""
        with self._lock:
            return list(self._newest)

    def heard(self, domain: str, map_name: str, payload: str, newest: int, cut_off: bool) -> None:
        """`payload` was read; `newest` is what newest() said when it was asked for."""
        fitting = [generation for generation in self._possible(domain, newest)
                   if self._fits(payload, domain, generation, map_name, cut_off)]
        text = f"{domain} in map {map_name}: {payload[:200]}"
        with self._lock:
            if not fitting and newest > 0:
                self.lost.setdefault(domain, text)
            elif not fitting:
                self.wrong.append(text)
            elif newest > 0 or payload.startswith("OK "):
                # Not found, said of a domain never answered, is no proof that its policy was seen.
                # Where several policies would give this answer, the oldest is what it proves.
                self._newest[domain] = max(self.newest(domain), fitting[0])

    def questions(self, domain: str) -> list[tuple[str, str]]:
        """That show which policy of a known domain is kept."""
        maps = [TLSRPT]
        if any(self._town.mode(domain, generation) == "testing"
               for generation in self._possible(domain, self.newest(domain))):
            maps.append(STRICT)
        return [(domain, map_name) for map_name in maps]

    def _possible(self, domain: str, newest: int) -> range:
        return range(max(newest, 1), self._town.published(domain) + 1)

    def _fits(self, payload: str, domain: str, generation: int, map_name: str,
              cut_off: bool) -> bool:
        wanted = self._town.answer(domain, generation, map_name)
        if cut_off and map_name == COMPAT and wanted.startswith("OK "):
            return payload.startswith("TEMP ")  # its MX hosts cannot be looked up
        return payload == wanted
