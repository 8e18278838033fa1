"""The Debians that the package is installed in: what each has, and the package for it."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from world import debian_root

HERE = Path(__file__).resolve().parent.parent
TOP = HERE.parents[1]
BUILT = TOP / "build-packages"

_BOOTED = "systemd,systemd-sysv,dbus,ca-certificates,postfix,openssl,publicsuffix"
_BUILDING = ("build-essential,debhelper,meson,pkgconf,systemd-dev,libcli11-dev,libevent-dev,"
             "libfmt-dev,libhiredis-dev,libidn2-dev,libldns-dev,libpsl-dev,libsqlite3-dev,libssl-dev,"
             "libyaml-cpp-dev,nlohmann-json3-dev")


@dataclass(frozen=True)
class Release:
    name: str
    suite: str
    packages: str          # in its folder
    builds_here: bool      # its package is this machine's, else built in that folder

    def folder(self) -> Path:
        """With systemd, Postfix and what the package depends on. debian_root.Unavailable."""
        mark = hashlib.sha256(self.packages.encode()).hexdigest()[:8]
        name = f"debian-{self.suite}-booted-{mark}"
        return debian_root.prepare(name, self.suite, self.packages, f"{self.name} to boot",
                                   lambda making: name)

    def package(self, folder: Path | None = None) -> Path:
        """Built from these sources, unless that has been done. RuntimeError says why not; where nothing can
        be built in a folder, debian_root.Unavailable."""
        place = BUILT / self.suite
        sources, stamp = _digest_of_sources(), place / "sources"
        if stamp.exists() and stamp.read_text() == sources:
            return next(place.glob("tlspolicyd_*.deb"))
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if self.builds_here:
            _build(place)
        else:
            _build_in(folder, place)
        stamp.write_text(sources)
        return next(place.glob("tlspolicyd_*.deb"))



def _build(place: Path) -> None:
    _run([HERE / "build_deb", place])


def _build_in(folder: Path, place: Path) -> None:
    """In a copy-on-write view of the folder, which stays as it is; the view ends with the build. In memory
    (40 MB), since an overlay does not write to another one, as a container's file system is."""
    with tempfile.TemporaryDirectory(dir=BUILT, prefix="making-") as scratch:
        _run(["unshare", "--mount", "sh", "-ec", _BUILD_IN, "sh", scratch, folder,
              HERE / "build_deb", place])


_UNMOUNTABLE = 77
_BUILD_IN = f"""
cd "$1"
mount -t tmpfs -o mode=0755 tmpfs . && cd "$1" && mkdir upper work root &&
    mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay root &&
    mount -t tmpfs tmpfs /run || exit {_UNMOUNTABLE}
"$3" "$1/root/build" "$1/root"
cp root/build/*.deb "$4"
"""


def _run(command: list) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == _UNMOUNTABLE:
        raise debian_root.Unavailable(f"no overlay to build in: {' '.join(done.stderr.split())}")
    if done.returncode != 0:
        raise RuntimeError(f"the package does not build:\n{done.stdout}{done.stderr}")


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for name in ("contrib", "man", "meson.build", "meson_options.txt", "packaging", "src",
                 "LICENSE", "README.md"):
        path = TOP / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"{file.relative_to(TOP)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


DEBIAN_12 = Release("Debian 12", "bookworm", _BOOTED + ",libevent-core-2.1-7,libldns3,"
                    "libyaml-cpp0.7,libidn2-0,libpsl5,libfmt9,libsqlite3-0,"
                    "libhiredis0.14", True)
DEBIAN_13 = Release("Debian 13", "trixie", f"{_BOOTED},{_BUILDING}", False)


def main() -> int:
    """What the other tests want: Debian 12's package or folder, or to have all soon."""
    if sys.argv[1:] == ["package"]:
        print(DEBIAN_12.package())
    elif sys.argv[1:] == ["folder"]:
        print(DEBIAN_12.folder())
    elif sys.argv[1:] == ["packages"]:
        DEBIAN_12.package()
        DEBIAN_13.package(DEBIAN_13.folder())
    else:
        for release in (DEBIAN_12, DEBIAN_13):
            release.folder()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, debian_root.Unavailable) as trouble:
        sys.exit(str(trouble))
