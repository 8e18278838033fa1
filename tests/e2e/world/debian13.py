"""Postfix of Debian 13, in a folder that debootstrap fills from this machine's own mirror, once.

The folder is kept in $TLSPOLICYD_CACHE, else ~/.cache/tlspolicyd, named after the suite and the
version of the package; whoever wants a newer one removes it.
"""

import fcntl
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from . import namespace
from .domains import TLSRPT
from .postfix import Release

NAME = "Debian 13"
SUITE = "trixie"
PLACE = Path("/run/debian13")
OLDEST = (3, 10, 5)  # enforces the patterns of MTA-STS policies
DEFAULT_MIRROR = "http://deb.debian.org/debian"
_PACKAGES = "postfix,ca-certificates"


class Unavailable(Exception):
    """It cannot be had; the text says why."""


def prepare() -> Path:
    """The folder, made if there is none yet; to be called while there still is a network."""
    cache = _cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
            return _find(cache) or _make(cache)
    except OSError as trouble:
        raise Unavailable(f"{cache}: {trouble}") from None


def mount(folder: Path) -> Release:
    """Shows the folder, read-only, with the world's files and devices; inside only, once."""
    PLACE.mkdir()
    namespace.mount(str(folder), str(PLACE), "none", namespace.MS_BIND)
    namespace.mount("none", str(PLACE), "none",
                    namespace.MS_BIND | namespace.MS_REMOUNT | namespace.MS_RDONLY)
    for path in ("/run", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
        namespace.mount(path, f"{PLACE}{path}", "none", namespace.MS_BIND)
    namespace.mount("proc", f"{PLACE}/proc", "proc")
    namespace.mount("tmpfs", f"{PLACE}/dev", "tmpfs", 0, "mode=0755")
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(PLACE / "dev" / name, stat.S_IFCHR, os.makedev(1, minor))
        (PLACE / "dev" / name).chmod(0o666)
    return Release(NAME, TLSRPT, PLACE)


def _cache() -> Path:
    wanted = os.environ.get("TLSPOLICYD_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(wanted) if wanted else Path(home) / "tlspolicyd"


def _find(cache: Path) -> Path | None:
    folders = sorted(cache.glob(f"debian-{SUITE}-postfix-*"), key=lambda path: path.stat().st_mtime)
    return folders[-1] if folders else None


def _make(cache: Path) -> Path:
    if not shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin"):
        raise Unavailable("debootstrap is not installed")
    for left in cache.glob("making-*"):  # by a run that was killed
        shutil.rmtree(left)
    mirror, proxy = _mirror()
    print(f"  Fetching Postfix of {NAME} from {mirror} into {cache}, once.", flush=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=cache))
    making.chmod(0o755)
    try:
        # What it mounts there is gone when it ends, in whatever way.
        done = subprocess.run(
            ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={_PACKAGES}",
             SUITE, str(making), mirror], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=1200,
            env={**os.environ, **proxy, "DEBIAN_FRONTEND": "noninteractive",
                 "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if done.returncode != 0:
            words = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise Unavailable(f"debootstrap from {mirror}: {' '.join(words)}")
        version = subprocess.run(
            ["chroot", str(making), "dpkg-query", "-W", "-f", "${Version}", "postfix"],
            capture_output=True, text=True, check=True).stdout
        if tuple(map(int, re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups())) < OLDEST:
            raise Unavailable(f"{mirror} has Postfix {version}, which is too old")
        shutil.rmtree(making / "var/cache/apt", ignore_errors=True)
        (making / "etc/resolv.conf").touch()
        folder = cache / f"debian-{SUITE}-postfix-{version}"
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
