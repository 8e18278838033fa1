"""Mail sent at a steady pace by several Postfixes, and how long each message took."""

import re
import time
from dataclasses import dataclass, field

from .sender import Sender, Submission

# A line about one attempt; `delay` counts from the message's arrival in the queue.
_ATTEMPT = re.compile(r": (\w+): to=<[^>]*>.*, delay=([\d.]+), .*status=(\w+) \(")


@dataclass(frozen=True)
class Figures:
    """The result of a flow."""

    mails: int
    deferred: int   # messages that were deferred at least once
    waiting: int    # messages that are still in the queue
    longest: float  # seconds from submission to delivery, or until now for what still waits

    def __str__(self) -> str:
        text = (f"{self.mails} mails, {self.deferred} deferred, "
                f"longest delay {self.longest:.1f} s")
        return text + (f", {self.waiting} not delivered yet" if self.waiting else "")


@dataclass
class Flow:
    """The mail of one Postfix to one domain."""

    sender: Sender
    domain: str
    submitted: dict[str, float] = field(default_factory=dict)  # queue id: when

    def send(self, submission: Submission) -> None:
        number = len(self.submitted) + 1
        queue_id = submission.send(f"bob@{self.domain}", subject=f"{number} to {self.domain}")
        self.submitted[queue_id] = time.monotonic()

    def figures(self) -> Figures:
        deferred: set[str] = set()
        delays: dict[str, float] = {}
        for line in self.sender.log_text().splitlines():
            match = _ATTEMPT.search(line)
            if not match or match[1] not in self.submitted:
                continue
            if match[3] == "sent":
                delays[match[1]] = float(match[2])
            else:
                deferred.add(match[1])
        now = time.monotonic()
        waiting = [now - since for queue_id, since in self.submitted.items()
                   if queue_id not in delays]
        return Figures(len(self.submitted), len(deferred), len(waiting),
                       max([*delays.values(), *waiting], default=0.0))


def send_steadily(flows: list[Flow], seconds: float) -> None:
    """One message of each flow every second; each sender gets its messages over one connection."""
    senders = list({id(flow.sender): flow.sender for flow in flows}.values())
    open_connections = {id(sender): sender.submission() for sender in senders}
    try:
        due = time.monotonic()
        end = due + seconds
        while due < end:
            for flow in flows:
                flow.send(open_connections[id(flow.sender)])
            due += 1
            time.sleep(max(0.0, due - time.monotonic()))
    finally:
        for submission in open_connections.values():
            submission.__exit__()
