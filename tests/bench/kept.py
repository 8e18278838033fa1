"""What kept policies cost: the start, the memory, the disk beside cached answers, the refreshes."""

import json
import subprocess
import time
from pathlib import Path

from line import Line, delays
from server import Daemon, Server

# How many policies, and the aims: seconds until the daemon answers.
SIZES = ((100_000, 1), (1_000_000, 6))
BYTES_PER_POLICY = 300
CACHED = [f"kept-{n}.test" for n in range(1000)]
COMMITS = 1000  # policies a second
SECONDS = 20


class Committing(Server):
    """The daemon's parts with a network that answers at once, asking itself for new domains."""

    PORT = 8463

    def __init__(self, program: Path, directory: Path, rate: int):
        directory.mkdir()
        self._log = directory / "log"
        super().__init__("bench-commits", [program, self.PORT, directory, rate], self.PORT,
                         self._log)

    def committed(self) -> int:
        """Ends it; how many policies it has committed."""
        self.stop()
        return int(self._log.read_text().split()[-1])


class Kept:
    """`bench` measures and judges."""

    def __init__(self, bench):
        self._bench = bench

    def starts(self) -> list[Line]:
        lines = []
        _, base = self._start(0)
        for count, aim in SIZES:
            seconds, memory = self._start(count)
            each = (memory["RssAnon"] - base["RssAnon"]) * 2**20 / count
            lines += [
                Line(f"start with {count:,} policies", seconds, "s", aim),
                Line("  memory per policy, beyond an empty daemon's", each, "B", BYTES_PER_POLICY),
                Line("  resident in all", memory["VmRSS"], "MiB"),
            ]
        return lines

    def _start(self, count: int) -> tuple[float, dict]:
        cache = self._bench.directory / f"{count}.db"
        if count:
            subprocess.run([self._bench.programs / "bench-fill", cache, str(count)], check=True)
        begun = time.monotonic()
        daemon = Daemon(self._bench.daemon, self._bench.directory, f"kept-{count}",
                        config=f"cache: {{path: {cache}, policies: {max(count, 1)}, "
                               f"memory: {count // 500 + 16}MiB}}\n")
        seconds = time.monotonic() - begun
        memory = daemon.memory()
        daemon.stop()
        cache.unlink()
        return seconds, memory

    def commits(self) -> list[Line]:
        lines = []
        for rate in (COMMITS, 0):
            server = Committing(self._bench.programs / "bench-commits",
                                self._bench.directory / f"commits-{rate}", rate)
            self._bench.measure("commits_warming", server, CACHED)
            begun = time.monotonic()
            _, result = self._bench.measure(f"commits_{rate}", server, CACHED, "-c", 10, "-r", 2000,
                                            "-d", SECONDS)
            seconds = time.monotonic() - begun
            committed = server.committed()
            what = f"while {rate:,} policies a second are committed" if rate else "without commits"
            p50, p99, p99_9 = delays(f"cached {what}, p50", result)
            p99_9.aim = 2 if rate else None
            lines += [p50, p99, p99_9]
            if rate:
                lines.append(Line("  committed a second", committed / seconds, ""))
        return lines

    def refreshes(self) -> list[Line]:
        done = subprocess.run([self._bench.programs / "bench-refresh", "100000"],
                              stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout)
        self._bench.raw["refreshes"] = found
        return [
            Line("100,000 overdue policies: refreshes in any second", found["in_a_second"], ""),
            Line("  in any minute", found["in_a_minute"], ""),
            Line("  all of them refreshed after", found["first_round_s"] / 3600, "h"),
        ]
