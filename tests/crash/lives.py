"""Lives of the daemon: each begins on the state that the one before left."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from town import MAPS, Town
from world.bulk import RESOLVER
from world.daemon import Daemon
from world.processes import Failed

# Nobody listens at port 1, nor at port 53 of this address: both refuse at once.
CONNECTED = MAPS + """
resolver: {{servers: ["{resolver}"]}}
https: {{ca_file: {root}}}
"""
NO_POLICY_HOSTS = MAPS + """
resolver: {{servers: ["{resolver}"]}}
https: {{ca_file: {root}, port: 1}}
log: {{level: warning}}
"""
# Without the gate nothing has to be asked for an answer (decisions.md 17).
CUT_OFF = MAPS + """
dane: {{mode: off}}
resolver: {{servers: ["127.0.0.9"], attempts: 1}}
https: {{ca_file: {root}, port: 1}}
log: {{level: warning}}
"""


class Lives:
    """Starts `program`, in directories below `directory`; with the library that kills if wanted.

    One at a time: what a test that broke off has left is ended first.
    """

    def __init__(self, program: Path, directory: Path, town: Town):
        self._program = program
        self._directory = directory
        self._root = town.authority.root
        self._started = 0
        self._daemon: Daemon | None = None
        self._library = directory / "die_in_commit.so"
        source = Path(__file__).resolve().parent / "die_in_commit.c"
        command = ["cc", "-O1", "-fPIC", "-shared", "-o", self._library, source, "-lsqlite3"]
        built = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if built.returncode != 0:
            raise Failed(f"cc {source.name}:\n{built.stderr}")

    def new_state(self, copy_of: Path | None = None) -> Path:
        """A state directory: an empty one, or one like another."""
        self._started += 1
        state = self._directory / f"state-{self._started}"
        if copy_of is None:
            state.mkdir()
        else:
            shutil.copytree(copy_of, state)
        return state

    def begin(self, state: Path, config: str = CONNECTED, wait: bool = True, **library) -> Daemon:
        """`library` are the settings of die_in_commit.c, in lower case."""
        self._started += 1
        if self._daemon:
            self._daemon.stop(signal.SIGKILL)
        environment = {}
        if library:
            environment = {"CRASH_" + name.upper(): str(value) for name, value in library.items()}
            environment |= {"CRASH_UNDER": str(state), "LD_PRELOAD": str(self._library),
                            "ASAN_OPTIONS": "verify_asan_link_order=0"}
        text = config.format(resolver=RESOLVER, root=self._root)
        self._daemon = Daemon(self._program, self._directory / f"life-{self._started}", text,
                              state=state, environment=environment, wait=False)
        if wait:
            self._daemon.wait()
        return self._daemon

    @staticmethod
    def forget(daemon: Daemon) -> None:
        """Removes what an ended one has written, but for its state."""
        shutil.rmtree(daemon.log.parent)


def strange_files(state: Path) -> list[str]:
    """A crash alone never makes a cache file such that it must be set aside: none is right."""
    own = ("cache.db", "cache.db-wal", "cache.db-journal")
    return [f"in the state directory: {name}" for name in os.listdir(state) if name not in own]
