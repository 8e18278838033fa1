"""The Postfix that receives: a listener for each certificate, every recipient is welcome."""

import email
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .authority import Authority, Certificate
from .postfix import Instance, Release


@dataclass(frozen=True)
class Listener:
    """At ports 25 and 587 of its address; without certificate it offers no STARTTLS."""

    name: str
    address: str
    certificate: Certificate | None


# The hosts of domains whose mail arrives share one certificate.
GOOD = Listener("good", "192.31.196.150", Certificate((
    "good.mailhosts.test", "good2.mailhosts.test", "relay-good.test", "mx.xn--mnchen-3ya.test")))
OTHER = Listener("other", "192.31.196.151", Certificate(("elsewhere.mailhosts.test",)))
DEEP = Listener("deep", "192.31.196.152", Certificate(("customer7.users.shared.test",)))
SELF_SIGNED = Listener("self-signed", "192.31.196.153", Certificate(
    ("self-signed.mailhosts.test", "tlsa.signedhosts.test"), signed_by="itself"))
EXPIRED = Listener("expired", "192.31.196.154", Certificate(
    ("expired.mailhosts.test",), valid="past"))
PLAIN = Listener("plain", "192.31.196.155", None)
PKIX = Listener("pkix", "192.31.196.156", Certificate(("pkix.signedhosts.test",)))
# A domain moves from one to the other.
OLD = Listener("old", "192.31.196.157", Certificate(("old.movers.test",)))
NEW = Listener("new", "192.31.196.158", Certificate(("new.movers.test",)))

LISTENERS = (GOOD, OTHER, DEEP, SELF_SIGNED, EXPIRED, PLAIN, PKIX, OLD, NEW)

_SERVICES = """
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Received:
    """One message as it came in."""

    recipient: str
    listener: str
    tls: bool
    subject: str
    text: str  # the whole message, every white space one blank


class Receiver(Instance):
    def __init__(self, release: Release, directory: Path, authority: Authority):
        authority.make({one.certificate for one in LISTENERS if one.certificate})
        services = [_service(one, port, authority) for one in LISTENERS for port in (25, 587)]
        mail = directory / "mail"
        super().__init__(release, directory, {
            "myhostname": "mailhosts.test",
            "inet_interfaces": ", ".join(one.address for one in LISTENERS),
            "mynetworks": "", "smtpd_relay_restrictions": "permit_auth_destination, reject",
            "smtpd_client_connection_count_limit": "0", "smtpd_tls_received_header": "yes",
            "virtual_mailbox_domains": "static:all", "virtual_mailbox_base": str(mail),
            "virtual_mailbox_maps": "static:all/", "virtual_uid_maps": "static:65534",
            "virtual_gid_maps": "static:65534", "local_transport": "error:nobody is local",
        }, "\n".join(services) + _SERVICES)
        mail.mkdir()
        shutil.chown(mail, 65534, 65534)
        self._new_mail = mail / "all/new"
        self._seen: dict[str, Received] = {}

    def received(self, domain: str = "") -> list[Received]:
        """Everything delivered so far, or what came for one domain (in any spelling)."""
        if self._new_mail.is_dir():
            for file in self._new_mail.iterdir():
                if file.name not in self._seen:
                    self._seen[file.name] = _read(file)
        return [one for one in self._seen.values()
                if not domain or one.recipient.rpartition("@")[2].lower() == domain]


def _service(listener: Listener, port: int, authority: Authority) -> str:
    options = f"-o myhostname={listener.name}.listener.test"
    if listener.certificate:
        options += (f" -o smtpd_tls_security_level=may -o smtpd_tls_chain_files="
                    f"{authority.key},{authority.file(listener.certificate)}")
    return f"{listener.address}:{port} inet n - n - - smtpd {options}"


def _read(file: Path) -> Received:
    message = email.message_from_bytes(file.read_bytes())
    # The hop between the two Postfixes; below it is the one of the submission.
    hop = " ".join(str(message.get_all("Received")[0]).split())
    by = re.search(r" by (\S+)\.listener\.test \(Postfix\) with (\w+)", hop)
    return Received(str(message["Delivered-To"]), by[1], by[2].endswith("SMTPS"),
                    " ".join(message["Subject"].split()), " ".join(file.read_text(errors="replace").split()))
