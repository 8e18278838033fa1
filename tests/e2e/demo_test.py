"""Every domain of the demo, asked as Postfix asks, of a daemon without any configuration."""

from concurrent.futures import ThreadPoolExecutor

from world import COMPAT, DEMO, NOT_FOUND, TEMPORARY, TLSRPT, reply
from world.case import WorldTest


class EveryDomain(WorldTest):
    def test_both_maps(self):
        """the demo: postmap -q gets the right answer about every domain from both maps"""
        wanted = [(question, map_name) for domain in DEMO for question in domain.questions
                  for map_name in (COMPAT, TLSRPT)]
        with ThreadPoolExecutor(len(wanted)) as pool:
            got = list(pool.map(lambda w: self.world.postfix.ask(w[0].key, w[1]), wanted))
        found = not_found = 0
        for (question, map_name), postmap in zip(wanted, got):
            with self.subTest(key=question.key, map=map_name):
                answer = question.answer(map_name)
                if answer == TEMPORARY:
                    self.assertEqual((postmap.code, postmap.value), (1, ""))
                    self.assertIn("socketmap server temporary error: ", postmap.errors)
                    continue
                self.assertEqual(postmap.errors, "")
                if answer is NOT_FOUND:
                    self.assertEqual((postmap.code, postmap.value), (1, ""))
                    not_found += 1
                else:
                    self.assertEqual(postmap.code, 0)
                    self.assertEqual(reply.parse_policy(postmap.value), reply.parse_policy(answer))
                    found += 1
        self.note(f"{len(wanted)} questions, {found} found, {not_found} not found")

    def test_other_names_of_the_maps(self):
        """the demo: QUERY and QUERYwithTLSRPT are the same maps; other names are compat"""
        question = DEMO[0].questions[0]
        for alias, map_name in (("QUERY", COMPAT), ("QUERYwithTLSRPT", TLSRPT),
                                ("anything", COMPAT)):
            with self.subTest(alias):
                self.assert_answer(question.key, question.answer(map_name), alias)
