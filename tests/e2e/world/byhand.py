"""The world of the mail tests by hand: it stays up until it is taken down.

  up      brings it up: the domains, a daemon, a Postfix of each release, in namespaces of their own
  send    sends a mail to each ADDRESS by each Postfix, and shows what became of it and why; without
          an address, to each domain that the tests write to
  down    ends what "up" started
"""

import argparse
import os
import select
import signal
import socket
import struct
import sys
import traceback

from . import Failed, debian13, namespace
from .daemon import built_daemon
from .postoffice import PostOffice

# Where the world that is up listens; made before it has a /run of its own.
CONTROL = os.environ.get("TLSPOLICYD_WORLD", "/run/tlspolicyd-world")
PATIENCE = 120
_END = "\0"  # begins the last line, which has the exit code


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/e2e/mail", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("up", "send", "down"))
    parser.add_argument("address", nargs="*")
    options = parser.parse_args()
    try:
        return up() if options.command == "up" else tell(options.command, *options.address)
    except (Failed, OSError) as trouble:
        print(f"{parser.prog}: {trouble}", file=sys.stderr)
        return 69


def up() -> int:
    """Shows what the world says until it is up; that goes on as a process of its own."""
    program = built_daemon()
    with socket.socket(socket.AF_UNIX) as wire:
        if wire.connect_ex(CONTROL) == 0:
            raise Failed("it is up already; tests/e2e/mail down ends it")
    try:
        folder = debian13.prepare()
    except debian13.Unavailable as reason:
        folder = None
        print(f"Without Postfix of {debian13.NAME}: {reason}.")
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    if os.fork() == 0:
        ours.close()
        os.setsid()
        for stream in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        os._exit(_be_up(theirs, program, folder))
    theirs.close()
    return _show(ours)


def tell(*words: str) -> int:
    """Asks the world that is up, and shows its answer."""
    with socket.socket(socket.AF_UNIX) as wire:
        if wire.connect_ex(CONTROL) != 0:
            raise Failed("it is not up; tests/e2e/mail up brings it up")
        number = struct.unpack("3i", wire.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        process = os.pidfd_open(number)  # the first one: all others end with it
        wire.sendall("\n".join(words).encode())
        wire.shutdown(socket.SHUT_WR)
        wire.settimeout(PATIENCE)
        try:
            code = _show(wire)
        except TimeoutError:
            if words[0] != "down":
                raise
            signal.pidfd_send_signal(process, signal.SIGKILL)
            code = 70
    if words[0] == "down":
        select.select([process], [], [])
        os.unlink(CONTROL)
    return code


def _show(wire: socket.socket) -> int:
    with wire.makefile(encoding="utf-8") as answer:
        for line in answer:
            if line.startswith(_END):
                return int(line[1:])
            print(line, end="", flush=True)
    return 70


def _be_up(caller: socket.socket, program, folder) -> int:
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(CONTROL):
        os.unlink(CONTROL)  # of one that was killed
    listener.bind(CONTROL)
    os.chmod(CONTROL, 0o600)
    listener.listen()
    root = f"/proc/{os.getpid()}/root"
    try:
        namespace.enter()
        office = PostOffice(program, folder)
    except (Failed, namespace.Refused) as trouble:
        _say(caller, [str(trouble)], 69)
        return 69
    except Exception:
        _say(caller, [traceback.format_exc()], 70)
        return 70
    _say(caller, office.describe(root), 0)
    command = ""
    try:
        while command != "down":
            connection, _ = listener.accept()
            with connection.makefile(encoding="utf-8") as request:
                command, *addresses = request.read().split("\n")
            if command == "send":
                _say(connection, office.send(*addresses), 0)
    finally:
        office.close()
    _say(connection, [], 0)
    return 0


def _say(wire: socket.socket, lines, code: int) -> None:
    """All of it, and that it is all; whoever does not listen to the end misses it."""
    try:
        with wire:
            try:
                for line in lines:
                    wire.sendall(f"{line}\n".encode())
            except (Failed, RuntimeError) as trouble:
                wire.sendall(f"{trouble}\n".encode())
                code = 70
            wire.sendall(f"{_END}{code}\n".encode())
    except OSError:
        pass


if __name__ == "__main__":
    sys.exit(main())
