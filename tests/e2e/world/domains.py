"""What a domain of the world is, and the table of the demo's domains.

A domain is described once: its DNS, its policy host, and what Postfix must be told about it. The
zones, the certificates, the web server, the demo and the tests are made from this.
"""

import gzip
from dataclasses import dataclass, field

from .authority import Certificate
from .tlsa import DIGEST, tlsa

# 192.31.196.0/24 is registered as globally reachable (AS112, RFC 7535), so that a policy host may
# have it; here it exists on the loopback interface of the private namespace only.
WEB = "192.31.196.1"         # nginx, every ordinary policy host
OLD_TLS = "192.31.196.2"     # nginx, TLS 1.1 and nothing newer
SILENT = "192.31.196.3"      # accepts connections, never answers
CLOSED = "192.31.196.4"      # nothing listens
MAIL = "192.31.196.25"       # where the MX names point
LOOPBACK = "127.0.0.1"       # nginx listens here too: only the address filter keeps us from it
SERVED = (WEB, OLD_TLS, LOOPBACK)

SOUND_SERVER, FAULTY_SERVER = "ns.demo.invalid.", "ns.faulty.invalid."  # of zones

COMPAT, TLSRPT = "postfix", "postfix-tlsrpt"  # the map names

NOT_FOUND = None
TEMPORARY = "TEMP"  # a lookup error: Postfix keeps the mail and asks again
DANE_ONLY = "dane-only"
UNMATCHABLE = "no-mx-matches-policy.invalid"


def policy(*patterns: str, mode: str = "enforce", max_age: int = 604800) -> str:
    """A policy file (RFC 8461 3.2)."""
    lines = ["version: STSv1", "mode: " + mode, *("mx: " + p for p in patterns),
             f"max_age: {max_age}"]
    return "".join(line + "\r\n" for line in lines)


@dataclass(frozen=True)
class PolicyHost:
    """`mta-sts.DOMAIN` and what it serves below /.well-known/mta-sts.txt."""

    body: bytes | str = ""
    status: int = 200
    content_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()
    nginx: str = ""  # directives of its server block, instead of those that serve `body`
    certificate: Certificate | None = None  # default: a good one
    address: str = WEB
    alias: str = ""  # a CNAME instead of the address


@dataclass(frozen=True)
class Question:
    """A key as Postfix sends it, and the answer in each map.

    That is the reply's data, or NOT_FOUND, or TEMPORARY.
    """

    key: str
    compat: str | None
    tlsrpt: str | None

    def answer(self, map_name: str) -> str | None:
        return self.compat if map_name == COMPAT else self.tlsrpt


@dataclass(frozen=True)
class Domain:
    """One zone. `questions` may be empty for domains that only serve others.

    MX names within it get an address, unless `records` have something for them. What is bogus or
    has a fault is written "NAME TYPE", without final dot.
    """

    name: str                       # A-labels
    shows: str = ""                 # for people, a few words
    txt: tuple[str, ...] = ("v=STSv1; id=20260101000000;",)
    txt_alias: str = ""             # a CNAME instead of the TXT
    mx: tuple[str, ...] = ()        # exchanges in order; "." is the null MX
    host: PolicyHost | None = None
    records: tuple[str, ...] = ()   # further lines of the zone
    questions: tuple[Question, ...] = field(default=(), compare=False)
    ttl: int = 300
    signed: bool = False            # DNSSEC
    ds: str = "right"               # what the parent has for a signed zone; or "wrong", "none"
    bogus: tuple[str, ...] = ()     # these have wrong signatures
    servfail: tuple[str, ...] = ()  # for these the zone's name server says SERVFAIL
    silent: tuple[str, ...] = ()    # and for these, nothing
    slow: bool = False              # the answer takes as long as the daemon waits

    @property
    def policy_host(self) -> str:
        return "mta-sts." + self.name

    @property
    def has_faults(self) -> bool:
        return bool(self.servfail or self.silent)

    @property
    def server(self) -> str:
        """The name server that the parent names."""
        return FAULTY_SERVER if self.has_faults else SOUND_SERVER

    def certificate(self) -> Certificate | None:
        """What nginx shows for this domain; None where nginx is not its policy host."""
        if self.host is None or self.host.address not in SERVED:
            return None
        return self.host.certificate or Certificate((self.policy_host,))

    def zone(self, serial: int = 1) -> str:
        """The zone file."""
        lines = [f"$ORIGIN {self.name}.", f"$TTL {self.ttl}",
                 f"@ SOA {self.server} hostmaster.demo.invalid. {serial} 3600 600 604800 300",
                 f"@ NS {self.server}"]
        described = {record.split()[0] for record in self.records}
        if "@" not in described:
            lines.append(f"@ A {MAIL}")
        if self.txt_alias:
            lines.append(f"_mta-sts CNAME {self.txt_alias}.")
        else:
            lines += [f"_mta-sts TXT {_quoted(text)}" for text in self.txt]
        for number, exchange in enumerate(self.mx):
            lines.append(f"@ MX {number * 10} {exchange.rstrip('.')}.")
            own = exchange.endswith("." + self.name)
            if own and exchange.removesuffix("." + self.name) not in described:
                lines.append(f"{exchange}. A {MAIL}")
        if self.host is not None:
            lines.append(f"mta-sts CNAME {self.host.alias}." if self.host.alias
                         else f"mta-sts A {self.host.address}")
        return "\n".join(lines + list(self.records)) + "\n"


def _quoted(text: str) -> str:
    # Character-strings of at most 255 bytes; a vertical bar tells where to cut.
    parts = [part[i:i + 255] for part in text.split("|") for i in range(0, len(part), 255)]
    return " ".join('"' + part.replace('"', '\\"') + '"' for part in parts)


def secure(*names: str) -> str:
    """What the compat profile says for enforce."""
    return f"secure match={':'.join(names)} servername=hostname"


def secure_tlsrpt(domain: str, *patterns: str, mode: str = "enforce",
                  max_age: int = 604800) -> str:
    """What the tlsrpt profile says for a policy made by `policy()` that is enforced."""
    match = ":".join(p.removeprefix("*") for p in patterns)
    lines = policy(*patterns, mode=mode, max_age=max_age).splitlines()
    strings = " ".join("{ policy_string = " + line + " }" for line in lines)
    hosts = " ".join("mx_host_pattern=" + p for p in patterns)
    return (f"secure match={match} servername=hostname policy_type=sts policy_domain={domain} "
            f"{strings} {hosts}")


def with_dane(name: str, shows: str, answer: str | None = None, **more) -> Domain:
    """Signed, with an enforce policy; by default MTA-STS is what counts for it in the end."""
    mx = ("mx1." + name, "mx2." + name)
    question = Question(name, answer or secure(*mx), answer or secure_tlsrpt(name, *mx))
    return Domain(name, shows, mx=mx, host=PolicyHost(policy(*mx)), questions=(question,),
                  signed=True, **more)


def unprotected(name: str, shows: str, host: PolicyHost | None = None, **more) -> Domain:
    """A domain for which Postfix is told nothing."""
    mx = more.pop("mx", ("mx." + name,))
    return Domain(name, shows, mx=mx, host=host, questions=(Question(name, NOT_FOUND, NOT_FOUND),),
                  **more)


def broken_host(name: str, shows: str, **host) -> Domain:
    """Everything is right with this domain, but for what `host` says."""
    host.setdefault("body", policy("mx." + name))
    slow = host.get("address") == SILENT
    return unprotected(name, shows, PolicyHost(**host), slow=slow)


def padded(name: str, size: int) -> str:
    """A valid policy of exactly `size` bytes, thanks to lines that everybody ignores."""
    text = policy("mx." + name)
    line = "filler: " + "x" * 990 + "\r\n"
    text += line * ((size - len(text) - 20) // len(line))
    return text + "filler: " + "x" * (size - len(text) - 10) + "\r\n"


IDN = "xn--bcher-kva.test"
_idn_answers = (secure("mx." + IDN), secure_tlsrpt(IDN, "mx." + IDN))

DEMO: tuple[Domain, ...] = (
    Domain("enforce.test", "enforce, two named MX hosts",
           mx=("mx1.enforce.test", "mx2.enforce.test"),
           host=PolicyHost(policy("mx1.enforce.test", "mx2.enforce.test")),
           questions=(Question("enforce.test", secure("mx1.enforce.test", "mx2.enforce.test"),
                               secure_tlsrpt("enforce.test", "mx1.enforce.test",
                                             "mx2.enforce.test")),)),
    Domain("wildcard.test", "enforce, mx: *.mail.wildcard.test",
           mx=("a.mail.wildcard.test", "deep.b.mail.wildcard.test"),
           host=PolicyHost(policy("*.mail.wildcard.test")),
           questions=(Question("wildcard.test", secure("a.mail.wildcard.test"),
                               secure_tlsrpt("wildcard.test", "*.mail.wildcard.test")),)),
    Domain("nomatch.test", "enforce, but the MX names are not in the policy",
           mx=("mx.elsewhere.test",), host=PolicyHost(policy("mx.nomatch.test")),
           questions=(Question("nomatch.test", secure(UNMATCHABLE),
                               secure_tlsrpt("nomatch.test", "mx.nomatch.test")),)),
    Domain("implicit.test", "enforce, no MX: the domain is its own mail host",
           host=PolicyHost(policy("implicit.test")),
           questions=(Question("implicit.test", secure("implicit.test"),
                               secure_tlsrpt("implicit.test", "implicit.test")),)),
    Domain("relay.test", "enforce, asked for as a smart host", mx=("mx.relay.test",),
           host=PolicyHost(policy("relay.test")),
           questions=(Question("[relay.test]:587", secure("relay.test"),
                               secure_tlsrpt("relay.test", "relay.test")),)),
    Domain("delegated.test", "enforce, delegated to a provider by CNAMEs",
           txt_alias="_mta-sts.provider.test", mx=("mx.provider.test",),
           host=PolicyHost(policy("mx.provider.test"), alias="mta-sts.provider.test"),
           questions=(Question("delegated.test", secure("mx.provider.test"),
                               secure_tlsrpt("delegated.test", "mx.provider.test")),)),
    Domain(IDN, "enforce, an internationalised domain", mx=("mx." + IDN,),
           host=PolicyHost(policy("mx." + IDN)),
           questions=(Question("bücher.test", *_idn_answers), Question(IDN, *_idn_answers))),
    Domain("nullmx.test", "accepts no mail (null MX), and has a policy", mx=(".",),
           host=PolicyHost(policy("mx.nullmx.test")),
           questions=(Question("nullmx.test", secure(UNMATCHABLE),
                               secure_tlsrpt("nullmx.test", "mx.nullmx.test")),)),

    # The DANE gate.
    with_dane("dane.test", "enforce, and DANE at both MX hosts", DANE_ONLY,
              records=(tlsa("mx1"), tlsa("mx2"))),
    with_dane("dane-partly.test", "enforce, and DANE at one of two MX hosts", DANE_ONLY,
              records=(tlsa("mx1"),)),
    with_dane("dane-unusable.test", "enforce, TLSA records that nobody can use",
              records=(tlsa("mx1", f"1 1 1 {DIGEST}"),)),
    with_dane("dane-broken.test", "enforce, the TLSA records' signature is wrong", TEMPORARY,
              records=(tlsa("mx1"),), bogus=("_25._tcp.mx1.dane-broken.test TLSA",)),

    unprotected("testing.test", "mode testing",
                PolicyHost(policy("mx.testing.test", mode="testing"))),
    unprotected("optout.test", "mode none", PolicyHost(policy(mode="none"))),
    unprotected("norecord.test", "no MTA-STS at all", txt=()),
    unprotected("sub.enforce.test", "a subdomain: the parent's policy is not its own", txt=()),
    unprotected("brokentxt.test", "the record's id has a dash",
                PolicyHost(policy("mx.brokentxt.test")), txt=("v=STSv1; id=2026-01-01;",)),
    unprotected("twotxt.test", "two records", PolicyHost(policy("mx.twotxt.test")),
                txt=("v=STSv1; id=1;", "v=STSv1; id=2;")),

    broken_host("wrongcert.test", "certificate for another name",
                certificate=Certificate(("mta-sts.other.test",))),
    broken_host("selfsigned.test", "certificate signed by itself",
                certificate=Certificate(("mta-sts.selfsigned.test",), signed_by="itself")),
    broken_host("expired.test", "certificate expired",
                certificate=Certificate(("mta-sts.expired.test",), valid="past")),
    broken_host("cnonly.test", "host name in the certificate's subject only",
                certificate=Certificate(("mta-sts.cnonly.test",), san=False)),
    broken_host("redirect.test", "the policy is behind a redirect", status=301,
                headers=(("Location", "https://mta-sts.redirected.test/.well-known/mta-sts.txt"),)),
    broken_host("oversized.test", "the policy is one byte over 64 KiB",
                body=padded("oversized.test", 65537)),
    broken_host("html.test", "the policy is text/html", content_type="text/html"),
    broken_host("gzip.test", "the policy is compressed",
                body=gzip.compress(policy("mx.gzip.test").encode()),
                headers=(("Content-Encoding", "gzip"),)),
    broken_host("notfound.test", "404, no such policy", status=404),
    broken_host("private.test", "policy host at 127.0.0.1", address=LOOPBACK),
    broken_host("slow.test", "policy host accepts and never answers", address=SILENT),

    # These only serve the others.
    Domain("provider.test", mx=("mx.provider.test",), host=PolicyHost(policy("mx.provider.test"))),
    Domain("elsewhere.test", txt=(), mx=("mx.elsewhere.test",)),
    Domain("redirected.test", txt=(), host=PolicyHost(
        policy("mx.redirect.test"), certificate=Certificate(("mta-sts.redirected.test",
                                                             "mta-sts.redirect.test")))),
)
