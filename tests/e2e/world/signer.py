"""DNSSEC: signs zones, ldns underneath. All zones share one key: nobody here has a secret."""

import base64
import hashlib
import shutil
import subprocess
import time
from pathlib import Path

_DAY = 86400


class Signer:
    def __init__(self, directory: Path):
        directory.mkdir()
        self._directory = directory
        made = _run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", ".", cwd=directory).strip()
        self._private = directory / (made + ".private")
        # . IN DNSKEY 257 3 13 AAAA... ;{id = 40735 (ksk), size = 256b}
        self._dnskey = (directory / (made + ".key")).read_text().split(";")[0].split()[3:]
        self._tag = int(made.rsplit("+", 1)[1])

    def sign(self, zone: str, text: str, bogus: tuple[str, ...] = ()) -> str:
        """The zone file of `zone` (with final dot), signed; the signatures over `bogus` are wrong.

        These are written "NAME TYPE", names without final dot.
        """
        file = self._directory / ((zone.rstrip(".") or "root") + ".zone")
        file.write_text(text)
        file.with_suffix(".key").write_text(f"{zone} 3600 IN DNSKEY {' '.join(self._dnskey)}\n")
        shutil.copy(self._private, file.with_suffix(".private"))
        signed = file.with_suffix(".signed")
        _run("ldns-signzone", "-i", str(int(time.time()) - _DAY), "-o", zone, "-f", str(signed),
             str(file), str(file.with_suffix("")))
        lines = signed.read_text().splitlines()
        for what in bogus:
            _break_signature(lines, *what.split())
        return "\n".join(lines) + "\n"

    def ds(self, zone: str, right: bool = True) -> str:
        """The DS record for the parent; a wrong one is of a key that the zone does not have."""
        name = b"".join(bytes([len(label)]) + label.encode()
                        for label in zone.rstrip(".").split(".") if label) + b"\0"
        digest = hashlib.sha256(name + self._dnskey_bytes()).hexdigest()
        if not right:
            digest = digest[::-1]
        return f"{zone} DS {self._tag} 13 2 {digest}\n"

    def anchor(self) -> str:
        """The root's, as resolvers read it."""
        return f". 3600 IN DNSKEY {' '.join(self._dnskey)}\n"

    def _dnskey_bytes(self) -> bytes:
        flags, protocol, algorithm = map(int, self._dnskey[:3])
        return (flags.to_bytes(2, "big") + bytes([protocol, algorithm])
                + base64.b64decode(self._dnskey[3]))


def _break_signature(lines: list[str], name: str, kind: str) -> None:
    for number, line in enumerate(lines):
        words = line.split("\t")
        if words[0] == name + "." and words[3:4] == ["RRSIG"] and words[4].startswith(kind + " "):
            signature = words[4].rsplit(" ", 1)[1]
            other = "A" if signature[0] != "A" else "B"
            lines[number] = line.replace(" " + signature, " " + other + signature[1:])
            return
    raise ValueError(f"there is no signature over {name} {kind}")


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout
