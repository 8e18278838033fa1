"""The world's certification authority, openssl underneath."""

import base64
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .tlsa import PUBLIC_KEY

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[ca]
default_ca = authority
[authority]
database = {directory}/index.txt
rand_serial = yes
unique_subject = no
new_certs_dir = {directory}
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


@dataclass(frozen=True)
class Certificate:
    """What a server shows: its names are in the SAN, but with `san=False` only in the subject."""

    names: tuple[str, ...]
    signed_by: str = "authority"  # or "itself"
    valid: str = "now"  # or "past", "future"
    san: bool = True


class Authority:
    """Makes certificates in `directory`.

    All hosts share one key, whose public half tlsa.py knows: nobody here has a secret.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        directory.mkdir()
        self._config = directory / "openssl.cnf"
        self._config.write_text(_CONFIG.format(directory=directory))
        (directory / "index.txt").touch()
        self.key = directory / "key.pem"
        self.root = directory / "root.pem"
        self._made: dict[Certificate, Path] = {}
        self._database = threading.Lock()
        self.key.write_text(_private_key())
        self._openssl("req", "-x509", "-new", "-key", str(self.key), "-days", "30",
                      "-subj", "/CN=Demo world root", "-out", str(self.root),
                      "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                      "-addext", "subjectKeyIdentifier=hash")

    def make(self, wanted: set[Certificate]) -> None:
        """Makes many at once."""
        new = sorted(wanted - self._made.keys(), key=repr)
        with ThreadPoolExecutor(4) as pool:
            for certificate, path in zip(new, pool.map(self._make, range(len(self._made), 1 << 30),
                                                       new)):
                self._made[certificate] = path

    def file(self, certificate: Certificate) -> Path:
        """The certificate in PEM; its key is `key`."""
        self.make({certificate})
        return self._made[certificate]

    def _make(self, number: int, certificate: Certificate) -> Path:
        path = self._directory / f"{number}.pem"
        extensions = ["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"]
        if certificate.san:
            names = ",".join("DNS:" + name for name in certificate.names)
            extensions.append("subjectAltName=" + names)
        subject = "/CN=" + certificate.names[0][:64]
        request = ["req", "-new", "-key", str(self.key), "-subj", subject]
        for extension in extensions:
            request += ["-addext", extension]
        sign = ["-CA", str(self.root), "-CAkey", str(self.key)]
        if certificate.signed_by == "itself":
            sign = []
        if certificate.valid == "now":
            self._openssl(*request, "-x509", "-days", "30", *sign, "-out", str(path))
            return path
        start, end = {"past": ("20200101000000Z", "20210101000000Z"),
                      "future": ("20900101000000Z", "20910101000000Z")}[certificate.valid]
        wish = path.with_suffix(".csr")
        self._openssl(*request, "-out", str(wish))
        with self._database:
            self._openssl("ca", "-batch", "-notext", "-in", str(wish), "-out", str(path),
                          "-cert", str(self.root), "-keyfile", str(self.key),
                          "-startdate", start, "-enddate", end)
        return path

    def _openssl(self, command: str, *arguments: str) -> None:
        config = ["-config", str(self._config)] if command in ("req", "ca") else []
        result = subprocess.run(["openssl", command, *config, *arguments], capture_output=True)
        if result.returncode != 0:
            raise RuntimeError(f"openssl {command}: {result.stderr.decode(errors='replace')}")


def _private_key() -> str:
    """In PEM (RFC 5915): the number 1, for the public key is the curve's generator."""
    point = PUBLIC_KEY[-130:]
    der = bytes.fromhex(f"30770201010420{1:064x}a00a06082a8648ce3d030107a144034200{point}")
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"
