"""What the DANE gate costs: the same questions to daemons with it and to others without."""

import time
from collections import defaultdict
from dataclasses import dataclass

from line import Line
from server import Daemon, cpu_of
from signed_farm import MX_TTL, SignedFarm

SETTLED_ROUNDS = 10
MODES = ("gate", "off")
TYPES = ("TXT", "A", "AAAA", "MX", "CNAME", "TLSA")  # what is asked for because of a domain

TITLES = {
    "cold": "cold",
    "settled": "settled",
    "lapsed": "MX record's TTL over",
    "lapsed_tlsrpt": "MX record's TTL over, tlsrpt map",
    "restarted": "policy read from disk",
}


@dataclass
class Cost:
    """Of one run, per question."""

    cpu: float                 # microseconds of the daemon
    resolver_cpu: float        # the same of the resolver
    resolver_busy: float       # its CPU by the time that passed; 1: it could not do more
    queries: dict[str, float]  # that the resolver got, by type

    @property
    def all_queries(self) -> float:
        return sum(self.queries.values())


class GateCost:
    """`bench` measures. As often as it repeats things there are two daemons, one of each mode, that
    are asked in turn; before each question with look-ups the resolver starts with an empty cache.
    """

    def __init__(self, bench):
        self._bench = bench
        self._farm = SignedFarm(bench.directory / "signed", bench.farm)
        self._daemons: list[tuple[str, Daemon]] = []
        self._costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)

    def lines(self) -> list[Line]:
        for mode in MODES * self._bench.runs:
            self._farm.start()
            self._daemons.append((mode, self._make_daemon(mode)))
            self._ask("cold", *self._daemons[-1])
        time.sleep(MX_TTL + 1)
        for mode, daemon in self._daemons:
            self._farm.start()
            self._ask("lapsed", mode, daemon)
            self._ask("settled", mode, daemon, "-n",
                      SETTLED_ROUNDS * len(self._farm.domains))
        for mode, daemon in self._daemons:
            self._farm.start()
            # No answer of this map is kept yet, as if its time were over.
            self._ask("lapsed_tlsrpt", mode, daemon, "-m", "postfix-tlsrpt")
        for mode, daemon in self._daemons:
            self._farm.start()
            daemon.restart()
            self._ask("restarted", mode, daemon)
            daemon.stop()
        self._farm.stop()
        return [line for situation in TITLES for line in self._lines(situation)]

    def _make_daemon(self, mode: str) -> Daemon:
        number = len(self._daemons)
        return Daemon(self._bench.daemon, self._bench.directory, f"{mode}{number}",
                      Daemon.PORT + 1 + number, f"dane: {{mode: {mode}}}\n")

    def _ask(self, situation: str, mode: str, daemon: Daemon, *arguments: object) -> None:
        by_dane = self._farm.with_tlsa if mode == "gate" else frozenset()
        queries, resolver = self._farm.queries(), cpu_of(self._farm.resolver_pid)
        cpu, result = self._bench.measure(f"dane_{mode}_{situation}", daemon, self._farm.domains,
                                          *arguments, by_dane=by_dane)
        resolver = cpu_of(self._farm.resolver_pid) - resolver
        result["queries"] = queries = self._farm.queries() - queries
        count = result["questions"]
        self._costs[situation, mode].append(
            Cost(cpu, resolver / count * 1e6, resolver / result["elapsed_s"],
                 {kind: queries[kind] / count for kind in TYPES}))

    def _lines(self, situation: str) -> list[Line]:
        gate, off = (self._costs[situation, mode] for mode in MODES)
        mine, least = (min(cost.cpu for cost in costs) for costs in (gate, off))
        lines = [Line(f"DANE gate, {TITLES[situation]}: CPU", mine, "us", detail=_each(gate)),
                 Line("  with dane: off", least, "us", detail=_each(off)),
                 Line("  ratio", mine / least, "")]
        for title, costs in (("  queries", gate), ("  with dane: off", off)):
            most = max(costs, key=lambda cost: cost.all_queries)
            kinds = (f"{number:.4g} {kind}" for kind, number in most.queries.items() if number > 0)
            lines.append(Line(title, most.all_queries, "", detail=" ".join(kinds)))
        if situation == "settled":
            return lines
        for title, costs in (("  the resolver's CPU", gate), ("  with dane: off", off)):
            cost = min(costs, key=lambda cost: cost.resolver_cpu)
            lines.append(Line(title, cost.resolver_cpu, "us",
                              detail=f"busy {cost.resolver_busy:.0%} of the time"))
        return lines


def _each(costs: list[Cost]) -> str:
    return "runs: " + " ".join(f"{cost.cpu:.1f}" for cost in costs)
