"""What contrib/try shows: the demo world, the daemon on its defaults, and what Postfix is told."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/e2e"))

from world import COMPAT, DEMO, NOT_FOUND, TLSRPT, Failed, Question, World, namespace, reply  # noqa: E402

FURTHER = (
    (Question("ENFORCE.Test", DEMO[0].questions[0].compat, None), "another spelling"),
    (Question(".enforce.test", NOT_FOUND, NOT_FOUND), "how Postfix asks for a parent domain"),
    (Question("[192.0.2.1]", NOT_FOUND, NOT_FOUND), "an address has no policy"),
)


def same(answer: str | None, wanted: str | None) -> bool:
    """Equal in meaning: the order of the attributes is free."""
    if answer is None or wanted is None:
        return answer is wanted
    try:
        return reply.parse_policy(answer) == reply.parse_policy(wanted)
    except reply.NotInVocabulary:
        return False


class Demo:
    def __init__(self, world: World):
        self._world = world
        self.unexpected = 0

    def ask(self, question: Question, map_name: str = COMPAT) -> tuple[str, float]:
        """What is to be printed, and the seconds it took."""
        begun = time.monotonic()
        try:
            answer = self._world.postfix.ask(question.key, map_name).answer
            text = "(not found)" if answer is None else answer
            good = same(answer, question.answer(map_name))
        except LookupError as trouble:
            text, good = str(trouble).strip(), False
        if not good:
            self.unexpected += 1
            text += f"\n    UNEXPECTED, should be: {question.answer(map_name) or '(not found)'}"
        return text, time.monotonic() - begun

    def show_compat(self) -> None:
        rows = [(question, domain.shows) for domain in DEMO for question in domain.questions
                if not domain.slow]
        slow = [(question, domain.shows) for domain in DEMO for question in domain.questions
                if domain.slow]
        with ThreadPoolExecutor(len(slow)) as pool:
            # These take as long as the daemon has patience; they begin first and are shown last.
            waiting = [(row, pool.submit(self.ask, row[0])) for row in slow]
            print(f"{'KEY':<18} {'WHAT IT SHOWS':<50} ANSWER")
            for question, shows in [*rows, *FURTHER]:
                text, _ = self.ask(question)
                print(f"{question.key:<18} {shows:<50} {text}", flush=True)
            for (question, shows), answer in waiting:
                if not answer.done():
                    print(f"{question.key:<18} {shows:<50} ...", end="", flush=True)
                    answer.result()
                    print("\r", end="")
                text, seconds = answer.result()
                print(f"{question.key:<18} {shows:<50} {text}, after {seconds:.0f} s; nobody else "
                      "had to wait")

    def show_tlsrpt(self) -> None:
        for name in ("wildcard.test", "testing.test"):
            question = self._world.domain(name).questions[0]
            text, _ = self.ask(question, TLSRPT)
            print(f"{name}: {text}")


def main() -> int:
    try:
        namespace.enter()
        begun = time.monotonic()
        world = World()
        up = time.monotonic()
        world.start_daemon(os.path.abspath(sys.argv[1]))
        ready = time.monotonic()
    except (Failed, namespace.Refused) as trouble:
        print(f"contrib/try: {trouble}", file=sys.stderr)
        return 69
    demo = Demo(world)
    print(f"""
A private network with {len(DEMO)} domains is up after {up - begun:.1f} s: nsd, unbound, nginx.
tlspolicyd, without any configuration, was ready {1000 * (ready - up):.0f} ms after its start.

This is what Postfix is told, asked as Postfix asks:
    postmap -q KEY socketmap:inet:127.0.0.1:8461:{COMPAT}
"(not found)" means: no enforce policy, Postfix goes on with its smtp_tls_security_level.
""")
    demo.show_compat()
    print(f"""
Postfix 3.10 and later also enforce the MX names themselves and report (RFC 8460), with the map
    postmap -q KEY socketmap:inet:127.0.0.1:8461:{TLSRPT}
""")
    demo.show_tlsrpt()
    world.close()
    if demo.unexpected:
        print(f"\n{demo.unexpected} answers are not what they should be.")
        return 1
    print("""
Now a real domain, over this machine's own network:
    contrib/try gmail.com
All tests:
    tests/run""")
    return 0


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
