"""tlspolicy explain says what the daemon says, and why."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from world import COMPAT, DEMO, NOT_FOUND, TEMPORARY, TLSRPT, reply
from world.case import WorldTest
from world.domains import DANE_ONLY, UNMATCHABLE

PROTECTED, UNPROTECTED, DEFERRED, UNKNOWN = 0, 1, 2, 75


class Explain(WorldTest):
    def explain(self, key: str, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.program.parent / "tlspolicy", *options, "explain", "--json", key],
                              capture_output=True, text=True, timeout=100)

    def text(self, key: str) -> str:
        return subprocess.run([self.program.parent / "tlspolicy", "explain", key],
                              capture_output=True, text=True, timeout=100).stdout

    def test_replies(self):
        """decision 23: explain's replies are the daemon's, in each map, and its exit code fits"""
        questions = [question for domain in DEMO if not domain.slow
                     for question in domain.questions]
        with ThreadPoolExecutor(4) as pool:
            explained = list(pool.map(self.explain, [question.key for question in questions]))
        for question, done in zip(questions, explained):
            with self.subTest(question.key):
                replies = json.loads(done.stdout)["replies"]
                for map_name in (COMPAT, TLSRPT):
                    wanted = question.answer(map_name)
                    told = reply.parse(replies[map_name])
                    if wanted == TEMPORARY:
                        self.assertRegex(told, "^TEMP ")
                    else:
                        self.assertEqual(told, "NOTFOUND" if wanted is NOT_FOUND
                                         else reply.parse_policy(wanted))
                self.assertEqual(done.returncode, self.code_for(question.compat))
        self.note(f"{len(questions)} questions")

    @staticmethod
    def code_for(answer) -> int:
        if answer == TEMPORARY or (answer is not NOT_FOUND and UNMATCHABLE in answer):
            return DEFERRED
        return UNPROTECTED if answer is NOT_FOUND else PROTECTED

    def test_gate(self):
        """decision 23: the gate is shown: MX authenticated, each host's TLSA, the verdict"""
        document = json.loads(self.explain("dane-partly.test").stdout)
        self.assertTrue(document["mx"]["authenticated"])
        self.assertEqual({host["name"]: host["state"] for host in document["dane"]["hosts"]},
                         {"mx1.dane-partly.test": "usable", "mx2.dane-partly.test": "none"})
        self.assertEqual(document["replies"][COMPAT], "OK " + DANE_ONLY)
        text = self.text("dane-broken.test")
        self.assertIn("TLSA _25._tcp.mx1.dane-broken.test: failed: SERVFAIL", text)
        self.assertIn("mx1.dane-broken.test could not be looked up", text)
        self.assertIn("not usable", self.text("dane-unusable.test"))
        self.assertIn("not looked at: the MX records are not signed", self.text("enforce.test"))

    def test_gate_off(self):
        """decision 23: where the gate is off the reason is shown, and MTA-STS applies"""
        self.world.resolver.stop()
        try:
            self.world.resolver.start(validating=False)
            self.world.resolver.wait()
            text = self.text("dane.test")
        finally:
            self.world.resolver.stop()
            self.world.resolver.start()
            self.world.resolver.wait()
        self.assertIn("not looked at: the resolver does not validate", text)
        self.assertIn("secure match=mx1.dane.test:mx2.dane.test", text)

    def test_silence(self):
        """decision 14: a policy host that stalls is shown as such when the answer has to leave"""
        file = self.world.directory / "hasty.yaml"
        file.write_text("discovery: {answer_deadline: 2s, fetch_deadline: 3s}\n")
        done = self.explain("slow.test", "-c", str(file))
        self.assertEqual(done.returncode, UNKNOWN)
        self.assertEqual(json.loads(done.stdout)["https"]["fault"], "unfinished")

    def test_no_resolver(self):
        """decision 11: our own resolver is dead: could not tell"""
        self.world.resolver.stop()
        try:
            done = self.explain("enforce.test")
        finally:
            self.world.resolver.start()
            self.world.resolver.wait()
        self.assertEqual(done.returncode, UNKNOWN)
        self.assertRegex(json.loads(done.stdout)["replies"][COMPAT], "^TEMP ")
