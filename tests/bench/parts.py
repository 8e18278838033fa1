"""The parts of the benchmark. Each returns lines for the table; wrong answers are noted aside."""

import json
import subprocess
import time
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from farm import Farm
from gate_cost import GateCost
from kept import Kept
from line import Line, delays
from server import ConstantServer, Daemon, Load, Server, ask

CONNECTIONS = 50
CACHED_QUESTIONS = 500_000
IDLE = 2000


@dataclass
class Bench:
    """What the parts share. `raw` collects what the load generators said, by part."""

    farm: Farm
    directory: Path
    daemon: list  # program and its arguments
    programs: Path  # the directory of bench-load and the baselines
    runs: int = 3
    raw: dict = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _loaded: Daemon | None = None  # a daemon that knows every enforcing domain

    # Each part is a method of the name by which `run` is told to run it.

    def cold(self) -> list[Line]:
        lines = self._cold("cold", response_rate_limit=False)
        memory = self._loaded.memory()
        self.raw["memory"] = memory
        return lines + [
            Line("  CPU of a bare HTTPS fetch alone", self._bare_fetch() / 1000, "ms"),
            Line("resident at all policies", memory["VmRSS"], "MiB", 12),
            Line("  of these its own", memory["RssAnon"], "MiB"),
            Line("  of these pages of libraries", memory["RssFile"], "MiB"),
        ]

    def cold_limited(self) -> list[Line]:
        return self._cold("cold_limited", response_rate_limit=True)

    def cached(self) -> list[Line]:
        daemon = self._loaded_daemon()
        names = self.farm.enforcing
        constant = self._constant_server(ask(daemon, names[0]))
        costs = {daemon: [], constant: []}
        reports = {daemon: [], constant: []}
        # One of each in turn, so that a busy minute of the machine does not befall only one.
        for server in [daemon, constant] * self.runs:
            name = "cached" if server is daemon else "constant"
            cost, result = self.measure(name, server, names, "-n", CACHED_QUESTIONS)
            costs[server].append(cost)
            reports[server].append(result)
        constant.stop()
        mine, least = min(costs[daemon]), min(costs[constant])
        return [
            Line("cached, CPU per question", mine, "us"),
            Line("  of the constant server", least, "us"),
            Line("  ratio", mine / least, "", 1.3),
            *delays(f"cached, p50 at {CONNECTIONS} connections", _lowest(reports[daemon])),
            *delays("constant server, p50", _lowest(reports[constant])),
        ]

    def storm(self) -> list[Line]:
        lines = []
        for during, name in ((True, "cached"), (False, "constant server in its place")):
            result = self._storm(during)
            lines += delays(f"{name} during a cold storm, p50", result, 3 if during else None)
        return lines

    def absent(self) -> list[Line]:
        self.farm.start(response_rate_limit=False)
        daemon = self._fresh()
        cost, result = self.measure("absent", daemon, self.farm.without_policy, kind="notfound")
        daemon.stop()
        return [
            Line("domain without a policy, CPU", cost, "us", 60),
            Line("  p99", result["p99_us"] / 1000, "ms"),
        ]

    def idle(self) -> list[Line]:
        daemon = self._loaded_daemon()
        new = ("-c", 10, "-n", 5000, "--reconnect")
        names = self.farm.enforcing
        _, alone = self.measure("new_connections", daemon, names, *new)
        _, among = self.measure("new_connections_among_idle", daemon, names, *new, "--idle", IDLE)
        lost = IDLE - among["idle_open"]
        if lost > 0:
            self.wrong.append(f"idle: {lost} of {IDLE} idle connections were closed")
        return [
            Line(f"of {IDLE} idle connections closed", lost, "", 0),
            Line("new connections among them, p99", among["p99_us"] / 1000, "ms",
                 max(2 * alone["p99_us"] / 1000, 1)),
            Line("  without them", alone["p99_us"] / 1000, "ms"),
        ]

    def silent(self) -> list[Line]:
        """Rounds of 1,000 cold questions, every second round while the silent host is asked."""
        self.farm.start(response_rate_limit=False)
        daemon = self._fresh()
        count = max(1, min(1000, len(self.farm.enforcing) // 6))
        rounds = [self.farm.enforcing[n * count:(n + 1) * count] for n in range(6)]
        p99 = {False: [], True: []}
        for n, names in enumerate(rounds):
            meanwhile = n % 2 == 1
            name = "beside_silent_host" if meanwhile else "without_silent_host"
            slow = self._ask_silent_host(daemon) if meanwhile else None
            _, result = self.measure(name, daemon, names)
            p99[meanwhile].append(result["p99_us"] / 1000)
            if slow is None:
                continue
            if slow.ended():
                self.wrong.append("silent: its question was over before the others'")
            slow.stop()
        daemon.stop()
        # A quarter more is within what two runs of the same differ by.
        return [
            Line("cold beside a silent host, p99", min(p99[True]), "ms", 1.25 * min(p99[False])),
            Line("  without it", min(p99[False]), "ms"),
        ]

    def dane(self) -> list[Line]:
        self.end()
        self.farm.stop()
        return GateCost(self).lines()

    def start(self) -> list[Line]:
        self.end()
        return Kept(self).starts()

    def commits(self) -> list[Line]:
        self.end()
        return Kept(self).commits()

    def refresh(self) -> list[Line]:
        return Kept(self).refreshes()

    # ------------------------------------------------------------------------------------------

    def end(self) -> None:
        if self._loaded is not None:
            self._loaded.stop()
        self._loaded = None

    def _fresh(self) -> Daemon:
        self.end()
        return Daemon(self.daemon, self.directory)

    def _loaded_daemon(self) -> Daemon:
        if self._loaded is None:
            self._cold("warming", response_rate_limit=False)
        return self._loaded

    def _cold(self, name: str, response_rate_limit: bool) -> list[Line]:
        self.farm.start(response_rate_limit)
        self._loaded = self._fresh()
        cost, result = self.measure(name, self._loaded, self.farm.enforcing)
        answers, asked = result["answers"], result["questions"]
        limit = ", nsd limits responses" if response_rate_limit else ""
        return [
            Line(f"cold{limit}: not answered secure", asked - answers["secure"], "", 0),
            Line("  CPU per domain", cost / 1000, "ms", None if response_rate_limit else 0.6),
            *delays("  p50", result),
            Line("  all answered after", result["elapsed_s"], "s"),
        ]

    def _bare_fetch(self) -> float:
        """Microseconds of CPU per fetch, of 1,000 blocking ones with OpenSSL as it is."""
        hosts = "".join(f"mta-sts.{name} {self.farm.web_address(n)}\n"
                        for n, name in enumerate(self.farm.enforcing[:1000]))
        done = subprocess.run([self.programs / "bench-bare-fetch"], input=hosts, text=True,
                              stdout=subprocess.PIPE, check=True)
        self.raw["bare_fetch"] = json.loads(done.stdout)
        return self.raw["bare_fetch"]["cpu_us"]

    def _storm(self, ask_daemon: bool) -> dict:
        self.farm.start(response_rate_limit=False)
        daemon = self._fresh()
        known = self.farm.enforcing[:len(self.farm.enforcing) // 5]
        unknown = self.farm.enforcing[len(known):]
        self.measure("storm_warming", daemon, known)
        constant = self._constant_server(ask(daemon, known[0]))
        storm = self._start("storm", daemon, unknown)
        # It ends with the storm: the duration is only a bound.
        name = "storm_cached" if ask_daemon else "storm_constant"
        steady = self._start(name, daemon if ask_daemon else constant, known,
                             "-c", 10, "-r", 2000, "-d", 600)
        storm_result = storm.result()
        steady.stop()
        result = steady.result()
        self._judge("storm", storm_result, unknown)
        self._judge(name, result, known)
        constant.stop()
        daemon.stop()
        return result

    def _constant_server(self, reply: str) -> ConstantServer:
        return ConstantServer(self.programs / "bench-constant-server", reply, self.directory)

    def _ask_silent_host(self, daemon: Daemon) -> Load:
        return Load(self.programs / "bench-load", daemon, "-c", 1, "-n", 1, self.farm.silent)

    def _start(self, name: str, server: Server, names: list[str], *arguments: object) -> Load:
        keys = self.directory / f"{name}.keys"
        keys.write_text("".join(key + "\n" for key in names))
        return Load(self.programs / "bench-load", server, "--keys", keys, "--others",
                    self.directory / f"{name}.others", *arguments)

    def measure(self, name: str, server: Server, names: list[str], *arguments: object,
                kind: str = "secure", by_dane: Set[str] = frozenset()) -> tuple[float, dict]:
        """Asks for all `names`; microseconds of the server's CPU per question, and the report. All
        answers must be of this kind, but for those `by_dane`, which must be `dane-only`; then all
        names must be asked for equally often."""
        before = server.cpu()
        result = self._start(name, server, names, *arguments).result()
        time.sleep(0.5)  # what is left to do after the last answer counts too
        cost = (server.cpu() - before) / result["questions"] * 1e6
        result["cpu_us"] = cost
        self._judge(name, result, names, kind, by_dane)
        return cost, result

    def _judge(self, name: str, result: dict, names: list[str], kind: str = "secure",
               by_dane: Set[str] = frozenset()) -> None:
        self.raw.setdefault(name, []).append(result)
        file = self.directory / f"{name}.others"
        others = [line.split("\t", 1) for line in file.read_text().splitlines()]
        questions, answers = result["questions"], result["answers"]
        dane_only = questions // len(names) * len(by_dane)
        wanted = {kind: questions - dane_only, "dane-only": dane_only}
        strangers = [key for key, reply in others if reply == "OK dane-only" and key not in by_dane]
        if all(answers[each] == wanted[each] for each in wanted) and not strangers:
            return
        examples = ["\t".join(other) for other in others if other[0] not in by_dane][:3]
        self.wrong.append("\n    ".join([f"{name}: of {questions} {wanted} were to be, and were "
                                         f"{answers}", *examples]))


def _lowest(reports: list[dict]) -> dict:
    return {name: min(report[name] for report in reports)
            for name in ("p50_us", "p99_us", "p99_9_us")}
