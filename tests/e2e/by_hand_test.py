"""The mail world by hand: tests/e2e/mail, in a place of its own inside this one."""

import os
import subprocess
import unittest
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "mail"
CONTROL = "/run/tlspolicyd-test-world"


def mail(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "TLSPOLICYD_WORLD": CONTROL})


def ended(process: int) -> bool:
    """Also if nobody in here asks for its exit code."""
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or ") Z " in status.read_text()


class ByHand(unittest.TestCase):
    def test_commands(self):
        """by hand: up stays up, send shows answer, reason and outcome, down ends all of it"""
        self.addCleanup(mail, "down")
        up = mail("up")
        self.assertEqual(up.returncode, 0, up.stdout + up.stderr)
        self.assertIn("Debian 12 sends with Postfix 3.7", up.stdout)
        process = int(up.stdout.split("/proc/")[1].split("/")[0])
        self.assertEqual(mail("up").returncode, 69)

        sent = mail("send", "bob@good.test", "bob@mismatch.test")
        self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)
        for text in ("is told: OK secure match=good.mailhosts.test servername=hostname",
                     "Verified TLS connection established to good.mailhosts.test", "sent 2.0.0",
                     "num=62:hostname mismatch", "deferred 4.7.5 Server certificate not verified"):
            self.assertIn(text, sent.stdout)

        self.assertEqual(mail("down").returncode, 0)
        self.assertTrue(ended(process))
        self.assertFalse(os.path.exists(CONTROL))
        self.assertEqual(mail("send", "bob@good.test").returncode, 69)
