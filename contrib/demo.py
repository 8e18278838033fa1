"""What contrib/try shows: the demo world, the daemon on its defaults, and what Postfix is told."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/e2e"))

from world import COMPAT, DEMO, NOT_FOUND, TEMPORARY, TLSRPT, Failed, Question  # noqa: E402
from world import World  # noqa: E402
from world import namespace, reply, socketmap  # noqa: E402

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

    def ask(self, question: Question, map_name: str = COMPAT) -> str:
        """What is to be printed."""
        try:
            answer = self._world.postfix.ask(question.key, map_name).answer
            text = "(not found)" if answer is None else answer
            good = same(answer, question.answer(map_name))
        except LookupError as trouble:
            text = str(trouble).strip()
            _, good, reason = text.partition("socketmap server temporary error: ")
            if good:
                text = "TEMP " + reason.splitlines()[0]
            good = bool(good) and question.answer(map_name) == TEMPORARY
        if not good:
            self.unexpected += 1
            text += f"\n    UNEXPECTED, should be: {question.answer(map_name) or '(not found)'}"
        return text

    def show_compat(self) -> None:
        # This one takes as long as the daemon has patience; it is asked first and looked at last.
        slow = next(domain for domain in DEMO if domain.slow)
        rows = [*((question, domain.shows) for domain in DEMO if not domain.slow
                  for question in domain.questions), *FURTHER]
        # These take seconds: an error is one only when it has come again and again.
        patient = [row for row in rows if row[0].compat == TEMPORARY]
        begun = time.monotonic()
        with socketmap.Connection(timeout=0.1) as waiting, ThreadPoolExecutor(4) as pool:
            waiting.send(slow.name)
            errors = [pool.submit(self.ask, question) for question, _ in patient]
            print(_row("KEY", "WHAT IT SHOWS", "ANSWER"))
            for question, shows in rows:
                if question.compat != TEMPORARY:
                    print(_row(question.key, shows, self.ask(question)), flush=True)
            for (question, shows), error in zip(patient, errors):
                print(_row(question.key, shows, error.result()), flush=True)
            try:
                text = waiting.receive()
                self.unexpected += 1
            except TimeoutError:
                waited = time.monotonic() - begun
                text = f"(asked first, no answer after {waited:.1f} s; nobody else had to wait)"
            print(_row(slow.name, slow.shows, text))

    def show_tlsrpt(self) -> None:
        for name in ("wildcard.test", "testing.test"):
            question = self._world.domain(name).questions[0]
            print(f"{name}: {self.ask(question, TLSRPT)}")


def _row(key: str, shows: str, answer: str) -> str:
    return f"{key:<18} {shows:<49} {answer}"


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
"TEMP" means: whether DANE must be used cannot be found out now, Postfix keeps the mail for later.
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
