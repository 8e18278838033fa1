"""What a resolver says when it fails, and replies that look like denials but are none."""

import json
import struct
import subprocess

from world import dns
from world.case import WorldTest
from world.dane import QUICK, enforcing
from world.domains import WEB, Domain, PolicyHost, policy
from world.faulty import FaultyNameserver
from world.resolver import ADDRESS
from world.tlsa import tlsa

SCRIPTED = "127.0.0.9"
RECORD = "v=STSv1; id=20260101;"


def good(name: str, **more) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)), **more)


DOMAINS = (
    enforcing("ede-mx.test", bogus=("ede-mx.test MX",)),
    enforcing("ede-tlsa.test", records=(tlsa("mx"),), bogus=("_25._tcp.mx.ede-tlsa.test TLSA",)),
    enforcing("ede-txt.test", bogus=("_mta-sts.ede-txt.test TXT",)),
    enforcing("ede-host.test", bogus=("mta-sts.ede-host.test A",)),
    good("lone.test", txt_alias="record.lone.test", records=(f'record TXT "{RECORD}"',)),
    good("lone-nx.test", txt_alias="record.lone-nx.test", records=(f'record TXT "{RECORD}"',)),
    good("lone-two.test", txt_alias="a.lone-two.test",
         records=("a CNAME b", f'b TXT "{RECORD}"')),
    Domain("lone-host.test", mx=("mx.lone-host.test",), records=(f"web A {WEB}",),
           host=PolicyHost(policy("mx.lone-host.test"), alias="web.lone-host.test")),
    good("lone-mx.test", records=("set MX 10 mx",)),
    good("lone-loop.test"),
    good("empty-mx.test"),
    good("empty-txt.test"),
)


def labels(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def says(rcode: int = 0, recursive: bool = True, cname: str = ""):
    """A reply of a header and the question, and maybe one CNAME."""
    def write(packet: bytes, end: int) -> bytes:
        flags = 0x8100 | (0x0080 if recursive else 0) | rcode
        reply = packet[:2] + struct.pack(">HHHHH", flags, 1, bool(cname), 0, 0) + packet[12:end]
        if cname:
            target = labels(cname)
            reply += struct.pack(">HHHLH", 0xC00C, dns.TYPES["CNAME"], 1, 60, len(target)) + target
        return reply
    return write


SCRIPT = {
    ("_mta-sts.lone.test", "TXT"): says(cname="record.lone.test"),
    ("_mta-sts.lone-nx.test", "TXT"): says(cname="record.lone-nx.test", rcode=dns.NXDOMAIN),
    ("_mta-sts.lone-two.test", "TXT"): says(cname="a.lone-two.test"),
    ("a.lone-two.test", "TXT"): says(cname="b.lone-two.test", recursive=False),
    ("mta-sts.lone-host.test", "A"): says(cname="web.lone-host.test"),
    ("mta-sts.lone-host.test", "AAAA"): says(cname="web.lone-host.test", rcode=dns.NXDOMAIN),
    ("lone-mx.test", "MX"): says(cname="set.lone-mx.test"),
    ("_mta-sts.lone-loop.test", "TXT"): says(cname="a.lone-loop.test"),
    ("a.lone-loop.test", "TXT"): says(cname="_mta-sts.lone-loop.test"),
    ("empty-mx.test", "MX"): says(recursive=False),
    ("empty-txt.test", "TXT"): says(),
    ("_mta-sts.empty-txt.test", "TXT"): says(recursive=False),
}


class ScriptedResolver(FaultyNameserver):
    """Relays to unbound what SCRIPT has nothing for, and counts what it has."""

    def __init__(self):
        self.asked = []
        super().__init__(SCRIPTED, ADDRESS, {})

    def _reply(self, packet, relay):
        name, kind, end = dns.question(packet)
        write = SCRIPT.get((name, kind))
        if not write:
            return relay(packet)
        self.asked.append((name, kind))
        return write(packet, end)


class FailureTest(WorldTest):
    def log_lines(self, *words: str) -> list[str]:
        return [line for line in self.daemon.log_text().splitlines()
                if all(word in line for word in words)]

    def assert_temp(self, key: str, *words: str) -> None:
        answer = self.ask(key)
        self.assertIsInstance(answer, str, answer)
        self.note(answer)
        self.assertTrue(answer.startswith(f"TEMP {key}: "), answer)
        self.assertLessEqual(len(answer), len("TEMP ") + 200)
        for word in words:
            self.assertIn(word, answer)


class ExtendedErrors(FailureTest):
    """By real unbound, which validates."""

    config = (QUICK + "discovery: {on_dns_error: temp}\n"
              "domains: {ede-host.test: pinned}\n")

    def explained(self, key: str) -> tuple[str, str]:
        """By explain, as text and as JSON."""
        program = self.program.parent / "tlspolicy"
        return tuple(subprocess.run([program, "explain", *options, key], capture_output=True,
                                    text=True, timeout=100).stdout
                     for options in ((), ("--json",)))

    def test_mx(self):
        """decision 32: a bogus MX RRset of an enforced domain: the TEMP reason says bogus"""
        self.assert_temp("ede-mx.test", "MX look-up failed: SERVFAIL for MX ede-mx.test: ",
                         "DNSSEC Bogus (EDE 6)")
        text, document = self.explained("ede-mx.test")
        self.assertIn("DNSSEC Bogus (EDE 6)", text)
        self.assertIn("DNSSEC Bogus (EDE 6)", json.loads(document)["mx"]["why"])

    def test_tlsa(self):
        """decision 32: bogus TLSA records: the gate's reason says bogus"""
        self.assert_temp("ede-tlsa.test", "mx.ede-tlsa.test", "(EDE 6)")
        text, document = self.explained("ede-tlsa.test")
        self.assertIn("DNSSEC Bogus (EDE 6)", text)
        self.assertIn("(EDE 6)", json.loads(document)["dane"]["hosts"][0]["why"])

    def test_txt(self):
        """decision 32: a bogus TXT record: the reason and the log say bogus"""
        self.assert_temp("ede-txt.test", "TXT look-up failed: SERVFAIL for TXT _mta-sts.ede-txt.test: ",
                         "(EDE 6)")
        # A later question is answered without another look-up, and says the same.
        with self.dns_queries() as queries:
            self.assert_temp("ede-txt.test", "(EDE 6)")
        self.assertEqual(queries, [])
        self.assertTrue(self.log_lines("TXT look-up failed", "domain=ede-txt.test",
                                       "DNSSEC Bogus (EDE 6)"))
        text, document = self.explained("ede-txt.test")
        self.assertIn("DNSSEC Bogus (EDE 6)", text)
        self.assertIn("DNSSEC Bogus (EDE 6)", json.loads(document)["txt"]["why"])

    def test_policy_host(self):
        """decision 32: a policy host whose address is bogus: the reason and the log say bogus"""
        self.assert_temp("ede-host.test", "pinned", "policy could not be fetched: ",
                         "DNSSEC Bogus (EDE 6)")
        self.assertTrue(self.log_lines("domain=ede-host.test", "SERVFAIL for A mta-sts.ede-host.test",
                                       "DNSSEC Bogus (EDE 6)"))
        text, document = self.explained("ede-host.test")
        self.assertIn("DNSSEC Bogus (EDE 6)", text)


class OddReplies(FailureTest):
    """By a resolver with a script."""

    config = f"resolver: {{servers: [{SCRIPTED}], attempts: 2}}\n"

    @classmethod
    def setUpClass(cls):
        cls.resolver = ScriptedResolver()
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.resolver.close()

    def test_lone_cname(self):
        """F19: the target of a CNAME that the resolver leaves out is asked for, whatever the type"""
        for name in ("lone.test", "lone-nx.test", "lone-two.test", "lone-host.test", "lone-mx.test"):
            with self.subTest(name):
                self.assert_secure(name, "mx." + name)

    def test_loop(self):
        """F19: CNAMEs that lead in a circle, one a reply, end after 16"""
        before = len(self.resolver.asked)
        self.assert_not_found("lone-loop.test")
        self.assertEqual(len(self.resolver.asked) - before, 17)

    def test_no_recursion(self):
        """F18, network D8: an empty reply without RA is no denial: TEMP that names the resolver"""
        self.assert_temp("empty-mx.test", f"name server {SCRIPTED}:53 does not recurse (no RA)")

    def test_no_recursion_txt(self):
        """F18: nor is it a denial of the record; the log names the resolver"""
        self.assert_not_found("empty-txt.test")
        self.assertTrue(self.log_lines("TXT look-up failed", "domain=empty-txt.test", SCRIPTED,
                                       "does not recurse"))
