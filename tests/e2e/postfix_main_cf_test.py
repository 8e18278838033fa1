"""A Postfix that knows what `tlspolicy main-cf --apply` has written, and nothing else of TLS."""

import os
import subprocess

from world.debian13 import NAME as DEBIAN_13
from world.mail_case import MailTest
from world.receiver import GOOD, OTHER, SELF_SIGNED


class Applied:
    knows_tls = False
    map_line = ""

    @classmethod
    def configure_sender(cls):
        # The tool asks the postconf of that release.
        programs = cls.sender.directory / "programs"
        programs.mkdir()
        command = " ".join(cls.world.mail.releases[cls.release].command("/usr/sbin/postconf"))
        (programs / "postconf").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / "postconf").chmod(0o755)
        done = subprocess.run(
            [cls.program.parent / "tlspolicy", "-c", cls.daemon.config, "main-cf", "--apply",
             "--postfix-config", cls.sender.config_directory], capture_output=True, text=True,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    def test_applied(self):
        """main-cf --apply: enforce and testing, good and bad, DANE, and the sender is told"""
        self.assertEqual(self.sender.setting("smtp_tls_policy_maps"), self.map_line)
        self.assert_sent(self.mail("bob@good.test"), GOOD, "Verified")
        self.assert_deferred(self.mail("bob@mismatch.test"), "4.7.5",
                             "mismatch.test publishes an MTA-STS policy")
        self.assert_sent(self.mail("bob@trying.test"), OTHER, "Trusted")
        self.assert_deferred(self.mail("bob@tlsa-mismatch.test"), "4.7.5", "DANE (RFC 7672)")
        self.assert_sent(self.mail("bob@tlsa-good.test"), SELF_SIGNED, "Verified")
        self.outcome = "as printed"


class AppliedOnDebian12(Applied, MailTest):
    map_line = "socketmap:unix:tlspolicyd/socketmap:postfix"


class AppliedOnDebian13(Applied, MailTest):
    release = DEBIAN_13
    map_line = "socketmap:unix:tlspolicyd/socketmap:postfix-tlsrpt"
