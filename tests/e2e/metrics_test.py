"""What Prometheus scrapes, and what a load balancer asks: counted beside what was really asked."""

import json
import re
import time
import urllib.error
import urllib.request

from world.case import WorldTest
from world.domains import Domain, PolicyHost, policy

PORT = 9461
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')


def good(name: str) -> Domain:
    return Domain(name, mx=("mx." + name,), host=PolicyHost(policy("mx." + name)))


DOMAINS = (good("counted.test"), Domain("refusing.test", mx=("mx.refusing.test",),
                                        host=PolicyHost(status=404)))


class MetricsTest(WorldTest):
    config = f"metrics: inet:127.0.0.1:{PORT}\n"

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, media type, body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=20) as reply:
                return reply.status, reply.headers["Content-Type"], reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def scrape(self) -> dict[str, float]:
        status, media_type, text = self.get("/metrics")
        self.assertEqual((status, media_type), (200, "text/plain; version=0.0.4; charset=utf-8"))
        samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            match = SAMPLE.fullmatch(line)
            self.assertTrue(match, line)
            samples[f"{match[1]}{{{match[2]}}}" if match[2] else match[1]] = float(match[3])
        return samples

    def assert_grown(self, before: dict, after: dict, name: str, by: int) -> None:
        self.assertEqual(after[name] - before[name], by, name)

    def test_counted(self):
        """answers, cache, TXT, fetches, DNS and HTTPS: as many as were asked"""
        before = self.scrape()
        for _ in range(3):
            self.assert_secure("counted.test", "mx.counted.test")
        self.assert_not_found("refusing.test")
        self.assert_not_found("nobody-at-all.test")
        time.sleep(1)  # for so long a count of the policies is good
        after = self.scrape()
        for name, by in (
                ('tlspolicyd_answers_total{map="postfix",answer="secure"}', 3),
                ('tlspolicyd_answers_total{map="postfix",answer="notfound"}', 2),
                ('tlspolicyd_cache_questions_total{result="hit"}', 2),
                ('tlspolicyd_cache_questions_total{result="miss"}', 3),
                ('tlspolicyd_live_answer_duration_seconds_count', 3),
                ('tlspolicyd_cached_answer_duration_seconds_count', 2),
                ('tlspolicyd_txt_lookups_total{outcome="found"}', 2),
                ('tlspolicyd_txt_lookups_total{outcome="no-record"}', 1),
                ('tlspolicyd_policy_fetches_total{kind="first",outcome="ok"}', 1),
                ('tlspolicyd_policy_fetches_total{kind="first",outcome="http-status"}', 1),
                ('tlspolicyd_https_requests_total{outcome="ok"}', 2),
                ('tlspolicyd_https_request_duration_seconds_count', 2),
                ('tlspolicyd_dns_questions_total{type="TXT",outcome="answer"}', 2),
                ('tlspolicyd_dns_questions_total{type="TXT",outcome="denial"}', 1),
                ('tlspolicyd_dns_questions_total{type="A",outcome="answer"}', 2),
                ('tlspolicyd_policies{mode="enforce"}', 1)):
            self.assert_grown(before, after, name, by)
        self.assertEqual(after['tlspolicyd_dane_gate{state="validates"}'], 1)
        self.assertEqual(after["tlspolicyd_lookups_in_flight"], 0)
        self.assertAlmostEqual(after["process_open_fds"], self.daemon.open_files(), delta=4)
        self.assertAlmostEqual(after["process_resident_memory_bytes"],
                               self.daemon.resident_bytes(), delta=8e6)

    def test_health(self):
        """/healthz: 503 while our own resolver is dead, and says which part is unwell"""
        status, _, body = self.get("/healthz")
        self.assertEqual(status, 200)
        self.assertEqual(set(json.loads(body)["parts"].values()), {"ok"})
        self.world.resolver.stop()
        try:
            self.ask("unknown-while-dead.test")
            status, _, body = self.get("/healthz")
            self.assertEqual(status, 503)
            told = json.loads(body)
            self.assertFalse(told["well"])
            self.assertEqual({name for name, state in told["parts"].items() if state != "ok"},
                             {"resolver"})
            self.assertEqual(self.scrape()['tlspolicyd_unwell{part="resolver"}'], 1)
        finally:
            self.world.resolver.start()
            self.world.resolver.wait()
        self.ask("known-again.test")
        self.assertEqual(self.get("/healthz")[0], 200)
