"""Folders with a Debian in them, each filled by debootstrap from this machine's own mirror, once.

They are kept in $TLSPOLICYD_CACHE, else ~/.cache/tlspolicyd; whoever wants a newer one removes it.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

DEFAULT_MIRROR = "http://deb.debian.org/debian"


class Unavailable(Exception):
    """It cannot be had; the text says why."""


def prepare(find: str, suite: str, packages: str, contents: str,
            name: Callable[[Path], str]) -> Path:
    """The newest folder whose name matches `find`, made if there is none; needs the network then.

    `contents` is for people. `name` is given the new folder: how to call it, or Unavailable.
    """
    cache = _cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
            return _find(cache, find) or _make(cache, suite, packages, contents, name)
    except OSError as trouble:
        raise Unavailable(f"{cache}: {trouble}") from None


def _cache() -> Path:
    wanted = os.environ.get("TLSPOLICYD_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(wanted) if wanted else Path(home) / "tlspolicyd"


def _find(cache: Path, pattern: str) -> Path | None:
    folders = sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime)
    return folders[-1] if folders else None


def _make(cache: Path, suite: str, packages: str, contents: str,
          name: Callable[[Path], str]) -> Path:
    if not shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin"):
        raise Unavailable("debootstrap is not installed")
    for left in cache.glob("making-*"):  # by a run that was killed
        shutil.rmtree(left)
    mirror, proxy = _mirror()
    print(f"  Fetching {contents} from {mirror} into {cache}, once.", flush=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=cache))
    making.chmod(0o755)
    try:
        # What it mounts there is gone when it ends, in whatever way.
        done = subprocess.run(
            ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={packages}",
             suite, str(making), mirror], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=1200,
            env={**os.environ, **proxy, "DEBIAN_FRONTEND": "noninteractive",
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if done.returncode != 0:
            words = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise Unavailable(f"debootstrap from {mirror}: {' '.join(words)}")
        folder = cache / name(making)
        shutil.rmtree(making / "var/cache/apt", ignore_errors=True)
        (making / "etc/resolv.conf").touch()
        making.rename(folder)
        return folder
    except (subprocess.SubprocessError, AttributeError) as trouble:
        raise Unavailable(f"debootstrap from {mirror}: {trouble}") from None
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _mirror() -> tuple[str, dict[str, str]]:
    """That of Debian's main archive in this machine's sources, and the proxy's environment."""
    def ask(*command: str) -> list[str]:
        try:
            return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
        except OSError:
            return []

    addresses = ask("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    debian = [a for a in addresses if re.search(r"^https?://.*/debian(/|$)", a)]
    proxy = {}
    for line in ask("apt-config", "shell", "http_proxy", "Acquire::http::Proxy",
                    "https_proxy", "Acquire::https::Proxy"):
        name, _, value = line.partition("=")
        proxy[name] = value.strip("'")
    return (debian[0].rstrip("/") if debian else DEFAULT_MIRROR), proxy
