"""Policy delegation: what smtpd(8) is told at RCPT TO, in a real SMTP session."""

from world.debian13 import NAME as DEBIAN_13
from world.domains import Domain, PolicyHost, policy
from world.mail_case import MailTest

RELEASES = ("12", "13")
DOMAINS = tuple(Domain(f"warmed-{release}.test", mx=("good.mailhosts.test",),
                       host=PolicyHost(policy("good.mailhosts.test"))) for release in RELEASES)
TOLD = ("outside.test publishes an MTA-STS policy (mode enforce, id 20260101000000) that allows mail "
        "to good.mailhosts.test only, but its mail servers are spare.mailhosts.test")
SERVER = "inet:127.0.0.1:8462"
# As README has it, in master.cf: whoever is in mynetworks stands for users who have logged in.
RESTRICTIONS = f"""
  -o {{ smtpd_client_restrictions = permit_mynetworks, reject }}
  -o {{ smtpd_recipient_restrictions =
       check_policy_service {{ {SERVER}, timeout=10s, default_action=DUNNO }},
       permit_mynetworks, reject }}"""


class Rcpt(MailTest):
    @classmethod
    def configure_sender(cls) -> None:
        master_cf = cls.sender.config_directory / "master.cf"
        submission, *others = master_cf.read_text().splitlines()
        master_cf.write_text("\n".join([submission + RESTRICTIONS, *others]) + "\n")

    def recipient(self, address: str) -> tuple[int, str]:
        with self.sender.submission() as submission:
            code, text = submission.recipient(address)
        self.outcome = str(code)
        return code, text


class Rejects:
    more_config = "policy_service: ['inet:127.0.0.1:8462']\nunsatisfiable: {action: reject}\n"
    warmed = ""

    def test_hopeless(self):
        """decision 22: a policy that allows none of the MX hosts: refused at RCPT TO, and why"""
        code, text = self.recipient("bob@outside.test")
        self.assertEqual(code, 550)
        self.assertIn("5.7.5", text)
        self.assertIn(TOLD, " ".join(text.split()))

    def test_warmed(self):
        """decision 22: taken, and the policy is known before the message is delivered"""
        self.assertEqual(self.recipient("bob@" + self.warmed)[0], 250)
        self.assertEqual(len(self.world.webserver.hits("mta-sts." + self.warmed)), 1)

    def test_others(self):
        """decision 22: no policy, a broken policy host, an address, a policy that can be met: taken"""
        for address in ("bob@indifferent.test", "bob@wrongcert.test", "bob@[192.31.196.150]",
                        "Bob@Good.TEST", "bob@tlsa-good.test"):
            with self.subTest(address):
                self.assertEqual(self.recipient(address)[0], 250)


class RejectsOnDebian12(Rejects, Rcpt):
    warmed = "warmed-12.test"


class RejectsOnDebian13(Rejects, Rcpt):
    release = DEBIAN_13
    warmed = "warmed-13.test"


class Defers(Rcpt):
    more_config = ("policy_service: ['inet:127.0.0.1:8462']\n"
                   "unsatisfiable: {action: defer, text: 'ask {domain} about {mx}'}\n")

    def test_hopeless_later(self):
        """decision 22: action defer, with the operator's text: 450"""
        code, text = self.recipient("bob@outside.test")
        self.assertEqual(code, 450)
        self.assertIn("4.7.5", text)
        self.assertIn("ask outside.test about spare.mailhosts.test", text)


class Warns(Rcpt):
    more_config = "policy_service: ['inet:127.0.0.1:8462']\n"

    def test_hopeless_warned(self):
        """decision 22: by default: taken, and the mail log has a warning"""
        self.assertEqual(self.recipient("bob@outside.test")[0], 250)
        self.eventually(lambda: TOLD in self.sender.log_text())

    def test_no_daemon(self):
        """decision 22: the daemon is stopped: taken"""
        self.assertEqual(self.daemon.stop(), 0)
        try:
            self.assertEqual(self.recipient("bob@outside.test")[0], 250)
        finally:
            self.restart_daemon()
