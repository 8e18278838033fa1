"""Real servers for many domains: nsd, unbound and nginx in the private namespace."""

import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from world import dns, namespace
from world.bulk import NAME_SERVER, RESOLVER, Servers, add_addresses
from world.processes import Failed

# Of the private namespace only; see world/bulk.py.
WEB = [f"192.31.196.{n}" for n in range(1, 17)]
MAIL = "192.31.196.25"
SILENT = "192.31.196.200"  # accepts connections, never answers
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

POLICIES = """
    ssl_certificate {certificates}/$ssl_server_name.crt;
    ssl_certificate_key {certificates}/host.key;
    location = /.well-known/mta-sts.txt {{
      default_type text/plain;
      return 200 "version: STSv1\\r\\nmode: enforce\\r\\nmx: {mx}\\r\\nmax_age: 604800\\r\\n";
    }}
"""


class Farm:
    """`count` domains that enforce, `count` without a policy, and one whose policy host is silent,
    all below `zone`.

    The constructor makes zone, certificates and addresses; `start` begins with empty caches.
    """

    def __init__(self, directory: Path, zone: str, count: int, certificates: Path):
        self._directory = directory
        self.certificates = directory / "certificates"
        self._zone = zone
        self.enforcing = [f"d{n:04}.{zone}" for n in range(count)]
        self.without_policy = [f"n{n:04}.{zone}" for n in range(count)]
        self.silent = f"slow.{zone}"
        policies = POLICIES.format(certificates=self.certificates, mx="mx.$mail_domain")
        self._servers = Servers(directory, zone, WEB, policies)
        add_addresses(MAIL, SILENT)
        self._silent = socket.create_server((SILENT, 443), backlog=1024)
        self._write_zone()
        self._make_certificates(certificates)
        namespace.replace_file("/etc/resolv.conf", f"nameserver {RESOLVER}\n".encode(), directory)
        own = (self.certificates / "ca.crt").read_bytes()
        namespace.replace_file(BUNDLE, Path(BUNDLE).read_bytes() + own, directory)

    def _write_zone(self) -> None:
        lines = ["$TTL 3600", f"$ORIGIN {self._zone}.",
                 "@ SOA ns hostmaster 1 3600 900 604800 3600", "@ NS ns", f"ns A {NAME_SERVER}"]

        def publish(label: str, web: str) -> None:
            lines.append(f'_mta-sts.{label} TXT "v=STSv1; id=20260101000000;"')
            lines.append(f"mta-sts.{label} A {web}")

        def receive_mail(label: str) -> None:
            lines.append(f"{label} MX 10 mx.{label}")
            lines.append(f"mx.{label} A {MAIL}")

        for n, name in enumerate(self.enforcing):
            publish(_label(name), self.web_address(n))
        publish(_label(self.silent), SILENT)
        for name in [*self.enforcing, *self.without_policy, self.silent]:
            receive_mail(_label(name))
        (self._directory / "zone").write_text("\n".join(lines) + "\n")

    def _make_certificates(self, program: Path) -> None:
        self.certificates.mkdir()
        hosts = "".join(f"mta-sts.{name}\n" for name in self.enforcing)
        subprocess.run([program, self.certificates], input=hosts, text=True, check=True)

    def web_address(self, n: int) -> str:
        """Of the policy host of the n-th enforcing domain."""
        return WEB[n % len(WEB)]

    def start(self, response_rate_limit: bool) -> None:
        """Starts the servers anew, with nsd's default limit or without."""
        self._servers.start(response_rate_limit)

    def stop(self) -> None:
        self._servers.stop()

    def check(self) -> None:
        """Every TXT record through the resolver, and a policy of each web address over HTTPS."""
        with ThreadPoolExecutor(50) as pool:
            present = pool.map(lambda name: _answers("_mta-sts." + name, "TXT"), self.enforcing)
            absent = pool.map(lambda name: _answers("_mta-sts." + name, "TXT"), self.without_policy)
            sample = list(enumerate(self.enforcing))[:: max(1, len(self.enforcing) // 100)]
            policies = list(pool.map(lambda s: _fetch(s[1], self.web_address(s[0])), sample))
            right = (list(present).count((0, 1)), list(absent).count((3, 0)))
        count = len(self.enforcing)
        if right != (count, count):
            raise Failed(f"of {count} domains {right[0]} have their record, and {right[1]} none")
        if not all(policies):
            raise Failed(f"{policies.count(False)} of {len(policies)} policies cannot be fetched")


def _label(name: str) -> str:
    return name.split(".", 1)[0]


def _answers(name: str, kind: str) -> tuple[int, int] | None:
    """(RCODE, how many records)."""
    for _ in range(3):
        answer = dns.ask(RESOLVER, name, kind)
        if answer is not None and answer[0] != 2:
            return answer[:2]
    return None


def _fetch(domain: str, address: str) -> bool:
    host = "mta-sts." + domain
    context = ssl.create_default_context(cafile=BUNDLE)
    with socket.create_connection((address, 443), 10) as plain:
        with context.wrap_socket(plain, server_hostname=host) as wire:
            request = f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\n"
            wire.sendall((request + "Connection: close\r\n\r\n").encode())
            reply = b"".join(iter(lambda: wire.recv(4096), b""))
    return reply.startswith(b"HTTP/1.1 200") and f"mx: mx.{domain}\r\n".encode() in reply
