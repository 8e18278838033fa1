"""TLSA records (RFC 6698) as lines of a zone."""

import hashlib

DIGEST = "ab" * 32
DIGEST_512 = "ab" * 64
# The key of every host in full: the generator of the curve P-256 is a point like any other.
PUBLIC_KEY = ("3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563"
              "a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b"
              "315ececbb6406837bf51f5")
USABLE = f"3 1 1 {DIGEST}"  # and it matches nobody
MATCHING = f"3 1 1 {hashlib.sha256(bytes.fromhex(PUBLIC_KEY)).hexdigest()}"


def tlsa(host: str, data: str = USABLE, port: int = 25) -> str:
    """For `host`, a name relative to the zone ("" is the zone itself) or a whole one with dot."""
    return f"{owner(host, port)} TLSA {data}"


def owner(host: str, port: int = 25) -> str:
    return f"_{port}._tcp" + ("." + host if host else "")
