"""What the tests of the DANE gate have in common."""

import re

from .case import WorldTest
from .domains import (COMPAT, TLSRPT, Domain, PolicyHost, Question, policy, secure, secure_tlsrpt)

# An error is one after half a second, where the defaults would take seven.
QUICK = "resolver: {attempts: 2}\n"


def enforcing(name: str, *mx: str, **more) -> Domain:
    """A signed domain with an enforce policy; its question says what MTA-STS alone would answer."""
    mx = mx or ("mx." + name,)
    return Domain(name, mx=mx, host=PolicyHost(policy(*mx)),
                  questions=(Question(name, secure(*mx), secure_tlsrpt(name, *mx)),),
                  **{"signed": True, **more})


def own_host(name: str, key: str, **more) -> Domain:
    """The same for a domain that is its own and only mail host, asked for as `key`."""
    return Domain(name, host=PolicyHost(policy(name)), signed=True,
                  questions=(Question(key, secure(name), secure_tlsrpt(name, name)),), **more)


def asked(queries: list[tuple[str, str]], kind: str) -> list[str]:
    """The names, in order."""
    return [name for name, other in queries if other == kind]


class DaneTest(WorldTest):
    """Everything is asked in both maps; of the first question's queries a test sees all."""

    def assert_dane_only(self, key: str) -> None:
        for map_name in (COMPAT, TLSRPT):
            self.assert_answer(key, "dane-only", map_name)

    def assert_sts(self, key: str) -> None:
        question = next(q for d in self.world.domains for q in d.questions if q.key == key)
        for map_name in (COMPAT, TLSRPT):
            self.assert_answer(key, question.answer(map_name), map_name)

    def assert_unprotected(self, key: str) -> None:
        for map_name in (COMPAT, TLSRPT):
            self.assertEqual(self.ask(key, map_name), "NOTFOUND")

    def assert_temp(self, key: str, *words: str) -> None:
        """A temporary error whose reason has all these words."""
        for map_name in (COMPAT, TLSRPT):
            answer = self.ask(key, map_name)
            self.assertIsInstance(answer, str, answer)
            self.assertTrue(answer.startswith("TEMP "), answer)
            for word in words:
                self.assertRegex(answer, rf"(?<![\w.-]){re.escape(word)}(?![\w-])")
        self.note(answer)
