"""Real servers for many domains: nsd, unbound and nginx in the private namespace."""

import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from world import dns, namespace
from world.processes import Failed, Process

# 192.31.196.0/24 is registered as globally reachable (AS112, RFC 7535), so that a policy host may
# have it; here it exists on the loopback interface of the private namespace only.
WEB = [f"192.31.196.{n}" for n in range(1, 17)]
MAIL = "192.31.196.25"
SILENT = "192.31.196.200"  # accepts connections, never answers
NAME_SERVER = "192.31.196.253"
RESOLVER = "127.0.0.1"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

NSD = """
server:
  ip-address: {name_server}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{directory}"
  zonelistfile: "{directory}/zone.list"
  pidfile: "{directory}/nsd.pid"
  xfrdfile: "{directory}/xfrd.state"
  {limit}
remote-control:
  control-enable: no
zone:
  name: {zone}
  zonefile: zone
"""

UNBOUND = """
server:
  interface: {resolver}
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{directory}/unbound.pid"
  use-syslog: no
  do-daemonize: no
  local-zone: "test." nodefault
stub-zone:
  name: {zone}
  stub-addr: {name_server}
"""

NGINX = """
user root;
worker_processes auto;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.error warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {directory}/tmp;
  proxy_temp_path {directory}/tmp;
  fastcgi_temp_path {directory}/tmp;
  uwsgi_temp_path {directory}/tmp;
  scgi_temp_path {directory}/tmp;
  map $host $mail_domain {{ "~^mta-sts\\.(?<domain>.+)$" $domain; }}
  server {{
    {listen}
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {certificates}/$ssl_server_name.crt;
    ssl_certificate_key {certificates}/host.key;
    location = /.well-known/mta-sts.txt {{
      default_type text/plain;
      return 200 "version: STSv1\\r\\nmode: enforce\\r\\nmx: mx.$mail_domain\\r\\nmax_age: 604800\\r\\n";
    }}
  }}
}}
"""


class Farm:
    """`count` domains that enforce, `count` without a policy, and one whose policy host is silent,
    all below `zone`.

    The constructor makes zone, certificates and addresses; `start` begins with empty caches.
    """

    def __init__(self, directory: Path, zone: str, count: int, certificates: Path):
        self._directory = directory
        self._certificates = directory / "certificates"
        self._processes: list[Process] = []
        self._zone = zone
        self.enforcing = [f"d{n:04}.{zone}" for n in range(count)]
        self.without_policy = [f"n{n:04}.{zone}" for n in range(count)]
        self.silent = f"slow.{zone}"
        for address in [*WEB, MAIL, SILENT, NAME_SERVER]:
            subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self._silent = socket.create_server((SILENT, 443), backlog=1024)
        self._write_zone()
        self._make_certificates(certificates)
        namespace.replace_file("/etc/resolv.conf", f"nameserver {RESOLVER}\n".encode(), directory)
        own = (self._certificates / "ca.crt").read_bytes()
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
        self._certificates.mkdir()
        hosts = "".join(f"mta-sts.{name}\n" for name in self.enforcing)
        subprocess.run([program, self._certificates], input=hosts, text=True, check=True)

    def web_address(self, n: int) -> str:
        """Of the policy host of the n-th enforcing domain."""
        return WEB[n % len(WEB)]

    def start(self, response_rate_limit: bool) -> None:
        """Starts the servers anew. With the limit nsd has its default: 200 answers a second of one
        kind to one network, what is more is dropped or, every second one, truncated."""
        self.stop()
        limit = "" if response_rate_limit else "rrl-ratelimit: 0"
        places = {"directory": self._directory, "zone": self._zone, "name_server": NAME_SERVER,
                  "resolver": RESOLVER, "certificates": self._certificates, "limit": limit,
                  "listen": " ".join(f"listen {address}:443 ssl;" for address in WEB)}
        for name, text in (("nsd", NSD), ("unbound", UNBOUND), ("nginx", NGINX)):
            (self._directory / f"{name}.conf").write_text(text.format(**places))
        self._begin("nsd", "nsd", "-d", "-c")
        self._processes[-1].wait_until(lambda: self._is_served_by(NAME_SERVER))
        self._begin("unbound", "unbound", "-d", "-c")
        self._processes[-1].wait_until(lambda: self._is_served_by(RESOLVER))
        self._begin("nginx", "nginx", "-c")
        self._processes[-1].wait_until(lambda: _connects(WEB[-1]))

    def _is_served_by(self, server: str) -> bool:
        return dns.ask(server, self._zone, "SOA", 0.2) == (0, 1)

    def _begin(self, name: str, *command: str) -> None:
        config = str(self._directory / f"{name}.conf")
        log = self._directory / f"{name}.log"
        self._processes.append(Process(name, [*command, config], log))

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.stop()
        self._processes.clear()

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


def _connects(address: str) -> bool:
    try:
        socket.create_connection((address, 443), 1).close()
        return True
    except OSError:
        return False


def _answers(name: str, kind: str):
    for _ in range(3):
        answer = dns.ask(RESOLVER, name, kind)
        if answer is not None and answer[0] != 2:
            return answer
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
