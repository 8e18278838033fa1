"""Clients that ask at a steady pace, as a busy Postfix does, and look at each answer."""

import threading
import time
from collections import Counter

from .socketmap import Connection, ProtocolError


class Pace:
    """`rate` questions a second over `clients` connections, each for the next of `wanted`: key and
    the set of payloads that are right. Runs from the beginning of a `with` to its end."""

    def __init__(self, wanted: dict[str, set[str]], rate: int = 1000, clients: int = 5):
        self.answered = 0
        self.wrong: Counter[tuple[str, str]] = Counter()
        self.dropped: list[str] = []
        self.slowest = 0.0
        self.seconds = 0.0
        self._questions = list(wanted.items())
        self._pause = clients / rate
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number,))
                         for number in range(clients)]

    def __enter__(self):
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self._begun

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def _ask(self, number: int) -> None:
        answered, slowest = 0, 0.0
        due = time.monotonic()
        try:
            with Connection() as connection:
                while not self._over.is_set():
                    key, right = self._questions[(answered + number) % len(self._questions)]
                    asked = time.monotonic()
                    payload = connection.ask(key)
                    slowest = max(slowest, time.monotonic() - asked)
                    answered += 1
                    if payload not in right:
                        with self._lock:
                            self.wrong[key, payload] += 1
                    due += self._pause
                    time.sleep(max(0.0, due - time.monotonic()))
        except (OSError, ProtocolError) as trouble:
            with self._lock:
                self.dropped.append(repr(trouble))
        with self._lock:
            self.answered += answered
            self.slowest = max(self.slowest, slowest)
