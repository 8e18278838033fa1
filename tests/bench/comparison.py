"""Two programs, asked the same in turn."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from instructions import CountedDaemon
from server import Daemon

# Under valgrind everything takes fifty times as long; these need few seconds.
COUNTED_DOMAINS = 100
COUNTED_QUESTIONS = 10_000


@dataclass
class Sizes:
    runs: int
    domains: int
    questions: int


class Comparison:
    """`daemons` are the programs by name, "base" and "new"; `bench` measures and judges answers."""

    def __init__(self, bench, daemons: dict[str, str], sizes: Sizes):
        self._bench = bench
        self._daemons = daemons
        self._sizes = sizes

    def count(self) -> None:
        """Instructions, one question at a time, so that each is read alone in every run."""
        cold, cached = self._each_in_turn(self._count_one)
        _show("cold, instructions per domain", "k", cold)
        _show("cached, instructions per question", "k", cached)

    def time(self) -> None:
        cold, cached = self._each_in_turn(self._time_one)
        _show("cold, CPU per domain", "us", cold)
        _show("cached, CPU per question", "us", cached)

    def _each_in_turn(self, measure: Callable) -> tuple[dict, dict]:
        """What `measure` returns, cold and cached: lists by name."""
        cold, cached = defaultdict(list), defaultdict(list)
        for name in list(self._daemons) * self._sizes.runs:
            self._bench.farm.start(response_rate_limit=False)
            one = measure(name)
            cold[name].append(one[0])
            cached[name].append(one[1])
        return cold, cached

    def _count_one(self, name: str) -> tuple[float, float]:
        daemon = CountedDaemon(self._daemons[name], self._bench.directory, name)
        names = self._bench.farm.enforcing[:COUNTED_DOMAINS]
        daemon.instructions()
        self._bench.measure("cold", daemon, names, "-c", 1)
        cold = daemon.instructions() / len(names)
        self._bench.measure("warming", daemon, names, "-c", 1)
        daemon.instructions()
        self._bench.measure("cached", daemon, names, "-c", 1, "-n", COUNTED_QUESTIONS)
        cached = daemon.instructions() / COUNTED_QUESTIONS
        daemon.stop()
        return cold / 1000, cached / 1000

    def _time_one(self, name: str) -> tuple[float, float]:
        daemon = Daemon([self._daemons[name]], self._bench.directory, name)
        names = self._bench.farm.enforcing
        cold, _ = self._bench.measure("cold", daemon, names)
        cached, _ = self._bench.measure("cached", daemon, names, "-n", self._sizes.questions)
        daemon.stop()
        return cold, cached


def _show(figure: str, unit: str, values: dict[str, list[float]]) -> None:
    base, new = min(values["base"]), min(values["new"])
    runs = "; ".join(f"{name} " + " ".join(f"{value:.2f}" for value in found)
                     for name, found in values.items())
    print(f"{figure:40} {base:12.2f} {new:12.2f} {unit:4} {new / base:7.3f}  {runs}", flush=True)
