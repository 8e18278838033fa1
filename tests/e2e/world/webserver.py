"""The policy hosts: nginx, one virtual host each, told apart by SNI."""

import socket
from pathlib import Path

from . import domains
from .authority import Authority
from .domains import Domain
from .processes import Process

_HEAD = """
daemon off;
user www-data;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
events {{ worker_connections 4096; }}
http {{
  types {{ }}
  server_tokens off;
  log_format world '$ssl_server_name|$host|$request|$status|$ssl_protocol|$http_user_agent';
  access_log {directory}/access.log world;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  server {{ listen unix:{directory}/status; location / {{ stub_status; access_log off; }} }}
"""

# Who names no host, or an unknown one, gets no handshake (RFC 8461 7.1 wants SNI).
_STRANGERS = "  server {{ listen {address}:443 ssl default_server; ssl_reject_handshake on; }}\n"

# OpenSSL 3 speaks TLS 1.1 at security level 0 only.
_OLD = "    ssl_protocols TLSv1.1;\n    ssl_ciphers DEFAULT@SECLEVEL=0;\n"

_HOST = """  server {{
    listen {address}:443 ssl;
    server_name {name};
    ssl_certificate {certificate};
{protocols}{locations}    location / {{ return 404; }}
  }}
"""

_POLICY = """    location = /.well-known/mta-sts.txt {{
      default_type {content_type};
{answer}    }}
"""


class Hit:
    """One request that came to a policy host."""

    def __init__(self, line: str):
        self.sni, self.host, self.request, self.status, self.tls, self.agent = line.split("|", 5)


class Webserver:
    def __init__(self, directory: Path, wanted: list[Domain], authority: Authority):
        directory.mkdir()
        self._directory = directory
        self._access_log = directory / "access.log"
        self._forgotten = 0
        self._asked = 0
        hosts = [domain for domain in wanted if domain.certificate()]
        config = _HEAD.format(directory=directory, key=authority.key)
        for address in (domains.WEB, domains.LOOPBACK):
            config += _STRANGERS.format(address=address)
        for domain in hosts:
            config += self._host(domain, authority)
        (directory / "nginx.conf").write_text(config + "}\n")
        self.start()

    def start(self) -> None:
        """Again after `stop()`."""
        log = self._directory / "error.log"
        self._process = Process("nginx", ["nginx", "-e", str(log), "-p", str(self._directory), "-c",
                                          str(self._directory / "nginx.conf")], log)

    def publish(self, domain: Domain, policy: str) -> None:
        """Another policy from now on."""
        (self._directory / f"{domain.name}.txt").write_text(policy)

    def _host(self, domain: Domain, authority: Authority) -> str:
        address = domain.host.address
        return _HOST.format(address=address, name=domain.policy_host,
                            certificate=authority.file(domain.certificate()),
                            protocols=_OLD if address == domains.OLD_TLS else "",
                            locations=domain.host.nginx or self._policy(domain))

    def _policy(self, domain: Domain) -> str:
        host = domain.host
        body = host.body.encode() if isinstance(host.body, str) else host.body
        file = self._directory / f"{domain.name}.txt"
        file.write_bytes(body)
        answer = "".join(f'      add_header {name} "{value}" always;\n'
                         for name, value in host.headers if name != "Location")
        location = dict(host.headers).get("Location")
        if location:
            answer += f"      return {host.status} {location};\n"
        elif host.status != 200:
            # A good policy beside the wrong status: it is the status that is judged.
            answer += f"      return {host.status} '{body.decode()}';\n"
        else:
            answer += f"      alias {file};\n"
        return _POLICY.format(content_type=host.content_type or '""', answer=answer)

    def wait(self) -> None:
        self._process.wait_until(lambda: self._status() is not None)

    def stop(self) -> None:
        self._process.stop()

    def forget_hits(self) -> None:
        """Begins to count anew."""
        self._forgotten = self._access_log.stat().st_size

    def hits(self, host: str) -> list[Hit]:
        """The requests for one policy host since the count began."""
        log = self._access_log.read_bytes()[self._forgotten:].decode(errors="replace")
        return [hit for hit in map(Hit, log.splitlines()) if hit.host == host or hit.sni == host]

    def connections(self) -> int:
        """TCP connections accepted since the world began, without those of this question."""
        accepted = self._status()
        self._asked += 1
        return accepted - self._asked

    def _status(self) -> int | None:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(2)
            try:
                wire.connect(str(self._directory / "status"))
                wire.sendall(b"GET / HTTP/1.0\r\n\r\n")
                reply = b""
                while chunk := wire.recv(4096):
                    reply += chunk
            except OSError:
                return None
        return int(reply.split(b"requests\n")[1].split()[0])
