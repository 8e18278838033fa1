"""Receives what Postfix 3.10 reports of each TLS connection (TLSRPT_README), through libtlsrpt."""

import json
import os
import socket
from pathlib import Path

# Policy types as libtlsrpt writes them.
TLSA, STS, NO_POLICY_FOUND = 1, 2, 9


class Collector:
    """A datagram socket at `path`; Postfix may write to it as soon as it is made."""

    def __init__(self, path: Path):
        path.parent.mkdir(exist_ok=True)
        self._wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._wire.bind(str(path))
        os.chmod(path, 0o666)

    def reports(self, seconds: float = 0.0) -> list[dict]:
        """What came since the last question; waits so long for a first one."""
        found = []
        self._wire.settimeout(seconds or 0.0)
        try:
            while True:
                found.append(json.loads(self._wire.recv(65536)))
                self._wire.settimeout(0.0)
        except (BlockingIOError, TimeoutError):
            return found

    def close(self) -> None:
        self._wire.close()
