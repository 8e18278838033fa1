"""Real servers for very many domains below one zone: nsd, unbound and nginx, one file each."""

import signal
import socket
import subprocess
from collections import Counter
from pathlib import Path

from . import dns
from .processes import Process

# 192.31.196.0/24 is registered as globally reachable (AS112, RFC 7535), so that a policy host may
# have it; here it exists on the loopback interface of the private namespace only.
NAME_SERVER = "192.31.196.253"
RESOLVER = "127.0.0.1"

_NSD = """
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

_UNBOUND = """
server:
  interface: {resolver}
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: "{directory}/unbound.pid"
  use-syslog: no
  do-daemonize: no
  local-zone: "test." nodefault
  extended-statistics: yes
  {anchor}
stub-zone:
  name: {zone}
  stub-addr: {name_server}
remote-control:
  control-enable: yes
  control-interface: "{directory}/{control}"
"""
_CONTROL = "unbound.control"
_OF_TYPE = "num.query.type."

_NGINX = """
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
  {maps}
  server {{
    {listen}
    ssl_protocols TLSv1.2 TLSv1.3;
    {policies}
  }}
}}
"""


def add_addresses(*addresses: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in addresses:
        subprocess.run(["ip", "address", "replace", address + "/32", "dev", "lo"], check=True)


class Servers:
    """The zone's contents are those of the file `zone` in `directory`.

    `policies` is what nginx's server block says of certificates and policies, `maps` what stands
    before it; `$mail_domain` is the policy domain that was asked for. `web` is where it listens.
    `anchor` is a file with the zone's key, if the zone is signed and the resolver is to validate.
    """

    def __init__(self, directory: Path, zone: str, web: list[str], policies: str, maps: str = "",
                 anchor: Path | None = None):
        self._directory = directory
        self._zone = zone
        self._web = web
        self._processes: list[Process] = []
        self._places = {"directory": directory, "zone": zone, "name_server": NAME_SERVER,
                        "resolver": RESOLVER, "control": _CONTROL, "policies": policies,
                        "maps": maps,
                        "anchor": f'trust-anchor-file: "{anchor}"' if anchor else "",
                        "listen": " ".join(f"listen {address}:443 ssl;" for address in web)}
        add_addresses(*web, NAME_SERVER)

    def start(self, response_rate_limit: bool) -> None:
        """Starts the servers anew. With the limit nsd has its default: 200 answers a second of one
        kind to one network, what is more is dropped or, every second one, truncated."""
        self.stop()
        self._places["limit"] = "" if response_rate_limit else "rrl-ratelimit: 0"
        for name, text in (("nsd", _NSD), ("unbound", _UNBOUND), ("nginx", _NGINX)):
            (self._directory / f"{name}.conf").write_text(text.format(**self._places))
        self._begin("nsd", "nsd", "-d", "-c")
        self._processes[-1].wait_until(lambda: self._is_served_by(NAME_SERVER))
        self._begin("unbound", "unbound", "-d", "-c")
        self._resolver = self._processes[-1]
        self._resolver.wait_until(lambda: self._is_served_by(RESOLVER))
        self._begin("nginx", "nginx", "-c")
        self._processes[-1].wait_until(lambda: _connects(self._web[-1]))

    def reload_zone(self, is_new) -> None:
        """Lets nsd read the zone again, and waits until `is_new()` is true."""
        nsd = self._processes[0]
        nsd.send_signal(signal.SIGHUP)
        nsd.wait_until(is_new)

    @property
    def resolver_pid(self) -> int:
        return self._resolver.pid

    def queries(self) -> Counter[str]:
        """How many queries of each type the resolver got since it was started."""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(self._directory / _CONTROL))
            wire.sendall(b"UBCT1 stats_noreset\n")
            text = b"".join(iter(lambda: wire.recv(65536), b"")).decode()
        # num.query.type.TLSA=12
        values = dict(line.split("=", 1) for line in text.splitlines())
        return Counter({name.removeprefix(_OF_TYPE): int(value) for name, value in values.items()
                        if name.startswith(_OF_TYPE)})

    def _is_served_by(self, server: str) -> bool:
        reply = dns.ask(server, self._zone, "SOA", 0.2)
        return reply is not None and reply.is_one_record

    def _begin(self, name: str, *command: str) -> None:
        config = str(self._directory / f"{name}.conf")
        log = self._directory / f"{name}.log"
        self._processes.append(Process(name, [*command, config], log))

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.stop()
        self._processes.clear()


def _connects(address: str) -> bool:
    try:
        socket.create_connection((address, 443), 1).close()
        return True
    except OSError:
        return False
