"""Postfix of Debian 13, in a folder that debootstrap fills from this machine's own mirror, once.

The folder is named after the suite and the version of the package.
"""

import os
import re
import stat
import subprocess
from pathlib import Path

from . import debian_root, namespace
from .debian_root import Unavailable
from .domains import TLSRPT
from .postfix import Release

__all__ = ["NAME", "PLACE", "SUITE", "Unavailable", "mount", "prepare"]

NAME = "Debian 13"
SUITE = "trixie"
PLACE = Path("/run/debian13")
OLDEST = (3, 10, 5)  # enforces the patterns of MTA-STS policies
_PACKAGES = "postfix,ca-certificates"


def prepare() -> Path:
    """The folder, made if there is none yet; to be called while there still is a network."""
    return debian_root.prepare(f"debian-{SUITE}-postfix-*", SUITE, _PACKAGES, f"Postfix of {NAME}",
                               _name)


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


def _name(making: Path) -> str:
    version = subprocess.run(
        ["chroot", str(making), "dpkg-query", "-W", "-f", "${Version}", "postfix"],
        capture_output=True, text=True, check=True).stdout
    if tuple(map(int, re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups())) < OLDEST:
        raise Unavailable(f"the mirror has Postfix {version}, which is too old")
    return f"debian-{SUITE}-postfix-{version}"
