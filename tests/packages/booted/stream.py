"""Mail that flows while something happens."""

import threading
import time

from world.sender import Submission

from .expect import equal


class Stream:
    """Messages that a thread hands in, a dozen a second: some before the block, some after it, and 100
    at least."""

    COUNT, AROUND = 100, 25

    def __init__(self, life, subject: str):
        self._life, self._subject = life, f"{life.machine.name}: {subject}"
        self._queue_ids: list[str] = []
        self._last = 10_000
        self._trouble: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        while len(self._queue_ids) < self.AROUND and self._thread.is_alive():
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._during = len(self._queue_ids) - self.AROUND
        self._last = max(self.COUNT, len(self._queue_ids) + self.AROUND)
        self._thread.join()

    def assert_delivered(self, words: set[str]) -> str:
        """All, at the first attempt, over TLS; one of these is the log's word for each connection."""
        if self._trouble:
            raise self._trouble
        for queue_id in self._queue_ids:
            one = self._life.attempt(queue_id)
            equal((one.status, one.tls in words), ("sent", True), one.log)
        wanted = (len(self._queue_ids), {True})
        deadline = time.monotonic() + 30
        while (arrived := self._arrived()) != wanted and time.monotonic() < deadline:
            time.sleep(0.1)
        equal(arrived, wanted)
        return f"{len(self._queue_ids)} messages, {self._during} of them meanwhile"

    def _arrived(self) -> tuple[int, set[bool]]:
        ours = [one for one in self._life.receiver.received("good.test")
                if one.subject.startswith(f"{self._subject} ")]
        return len(ours), {one.tls for one in ours}

    def _run(self) -> None:
        try:
            with Submission(25) as wire:
                while len(self._queue_ids) < self._last:
                    subject = f"{self._subject} {len(self._queue_ids)}"
                    self._queue_ids.append(wire.send("bob@good.test", subject=subject))
                    time.sleep(0.07)
        except Exception as trouble:
            self._trouble = trouble
