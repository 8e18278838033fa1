"""A place of its own: private network, mounts and process ids, gone without trace when it ends."""

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND, MS_RDONLY, MS_REMOUNT = 0x4000, 0x40000, 0x1000, 0x1, 0x20
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_inside = False


class Refused(Exception):
    """This machine does not let us have namespaces."""


def _call(what: str, *arguments) -> None:
    if getattr(_libc, what)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags),
          options.encode())


def enter() -> None:
    """Moves the rest of this program into fresh namespaces. Needs root and one thread.

    The program goes on in a child, process 1 of its own process-id namespace: when it ends, in
    whatever way, the kernel ends everything that it started, and the network, the mounts and the
    tmpfs on /run vanish with them. The original process only waits, passes signals on and ends
    with the child's exit code.
    """
    global _inside
    if os.geteuid() != 0:
        raise Refused("the demo world needs root, for its private network namespace")
    try:
        _call("unshare", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET)
    except OSError as trouble:
        raise Refused(f"no private network namespace here ({trouble}); in a container, it needs "
                      "--privileged") from None
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child != 0:
        _wait_for(child)
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        mount("none", "/", "none", MS_REC | MS_PRIVATE)
        mount("proc", "/proc", "proc")
        _keep_resolv_conf(lambda: mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"))
    except OSError as trouble:
        raise Refused(f"no private mounts here ({trouble}); in a container, it needs --privileged"
                      ) from None
    _inside = True


def inside() -> bool:
    return _inside


def replace_file(path: str, content: bytes, aside: Path) -> None:
    """Lets `path` have this content, inside only: a bind mount, whatever links lead to it."""
    if not _inside:
        raise RuntimeError("namespace.enter() comes first")
    real = Path(os.path.realpath(path))
    if real.is_relative_to("/run"):
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_bytes(content)
        return
    copy = aside / real.name
    copy.write_bytes(content)
    copy.chmod(0o644)
    mount(str(copy), str(real), "none", MS_BIND)


def _keep_resolv_conf(hide_run) -> None:
    # Where /etc/resolv.conf leads into /run, its target must go on to exist for replace_file().
    hide_run()
    real = Path(os.path.realpath("/etc/resolv.conf"))
    if real.is_relative_to("/run"):
        real.parent.mkdir(parents=True, exist_ok=True)
        real.touch()


def _leave(number, frame):
    raise SystemExit(128 + number)


def _wait_for(child: int):
    def pass_on(number, frame):
        os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    # Ctrl-C reaches the child by itself: it is of the same foreground group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            os._exit(os.WEXITSTATUS(status))
        if os.WIFSIGNALED(status):
            os._exit(128 + os.WTERMSIG(status))
