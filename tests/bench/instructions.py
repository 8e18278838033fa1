"""The daemon under valgrind, which counts its instructions: two runs of the same differ by little,
however busy the machine is."""

import re
import shutil
import subprocess
from pathlib import Path

from server import Daemon
from world.processes import Failed


def can_count() -> bool:
    return all(shutil.which(program) for program in ("valgrind", "callgrind_control"))


class CountedDaemon(Daemon):
    """A daemon of one program that begins without any policy; all threads count."""

    def __init__(self, program: Path, directory: Path, name: str):
        self._dumps = directory / f"{name}.callgrind"
        for left in directory.glob(self._dumps.name + "*"):
            left.unlink()
        super().__init__(["valgrind", "--tool=callgrind", f"--callgrind-out-file={self._dumps}",
                          program], directory, name)
        self._taken = 0

    def instructions(self) -> int:
        """Since it started, or since the last call."""
        self._taken += 1
        subprocess.run(["callgrind_control", "--dump", str(self.pid)], check=True,
                       capture_output=True)
        dump = self._dumps.with_name(f"{self._dumps.name}.{self._taken}")
        match = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(), re.MULTILINE)
        if not match:
            raise Failed(f"{dump} has no total")
        return int(match[1])
