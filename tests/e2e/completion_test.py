"""Shell completion of what only a running daemon knows."""

import os
import shutil
import subprocess
from pathlib import Path

from world.case import WorldTest

SHELLS = {"bash": "tlspolicy", "fish": "tlspolicy.fish", "zsh": "_tlspolicy"}
COMPLETE = Path(__file__).resolve().parents[1] / "packages/completion"


ADMIN = "unix:/run/completion-admin"


class KnownDomains(WorldTest):
    config = f"admin: {ADMIN}\n"

    def setUp(self):
        for name in ("enforce.test", "wildcard.test", "norecord.test"):
            self.ask(name)

    def completed(self, shell: str, line: str) -> list[str]:
        scripts = self.program.parents[1] / "packaging/completion"
        environment = {**os.environ, "PATH": f"{self.program.parent}:{os.environ['PATH']}"}
        done = subprocess.run([COMPLETE / shell, scripts / SHELLS[shell], line], text=True,
                              capture_output=True, timeout=60, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return sorted(word for word in done.stdout.split() if not word.startswith("-"))

    def test_domains(self):
        """completion: the domains that the daemon knows, for each command that takes one"""
        here = f"tlspolicy -c {self.daemon.config}"
        rows = ((f"{here} show ", ["enforce.test", "wildcard.test"]),
                (f"{here} forget w", ["wildcard.test"]),
                (f"{here} refresh --json enf", ["enforce.test"]),
                (f"{here} explain e", ["enforce.test"]),
                (f"{here} query -m postfix enforce.test wild", ["wildcard.test"]),
                (f"{here} show x", []),
                # The daemon of that socket is asked, and nobody else.
                (f"{here} show -a unix:/run/nobody ", []),
                (f"tlspolicy show -a {ADMIN} e", ["enforce.test"]))
        for shell in filter(shutil.which, SHELLS):
            for line, domains in rows:
                with self.subTest(f"{shell}: {line}"):
                    # A daemon that does not answer at once has no say; here all is slow.
                    found = self.completed(shell, line)
                    for _ in range(3 if domains else 0):
                        found = found or self.completed(shell, line)
                    self.assertEqual(found, domains)
