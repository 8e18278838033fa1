"""The domains that the tests of real mail write to, and the hosts of their mail."""

from .domains import Domain, PolicyHost, policy
from .receiver import DEEP, EXPIRED, GOOD, OTHER, PKIX, PLAIN, SELF_SIGNED, Listener
from .tlsa import MATCHING, tlsa

IDN, IDN_READABLE = "xn--mnchen-3ya.test", "münchen.test"


def host(name: str, listener: Listener) -> str:
    """A line of the zone of `name`'s domain."""
    return f"{name} A {listener.address}"


def correspondent(name: str, *mx: str, patterns: tuple[str, ...] = (), mode: str = "enforce",
                  **more) -> Domain:
    """A domain with a policy, by default of exactly its MX hosts."""
    return Domain(name, mx=mx, host=PolicyHost(policy(*(patterns or mx), mode=mode)), **more)


HOSTS = (
    Domain("mailhosts.test", txt=(), records=(
        host("good", GOOD), host("good2", GOOD), host("other", OTHER), host("plain", PLAIN),
        host("self-signed", SELF_SIGNED), host("expired", EXPIRED), host("spare", PKIX))),
    Domain("signedhosts.test", txt=(), signed=True, records=(
        host("tlsa", SELF_SIGNED), tlsa("tlsa", MATCHING), host("pkix", PKIX), tlsa("pkix"))),
    Domain("shared.test", txt=(), records=(host("mx", DEEP),)),
    Domain("attacker.test", txt=(), records=(host("mx", DEEP), host("mx2", GOOD))),
)

CORRESPONDENTS = (
    correspondent("good.test", "good.mailhosts.test"),
    correspondent("mismatch.test", "other.mailhosts.test"),
    correspondent("plaintext.test", "plain.mailhosts.test"),
    correspondent("homemade.test", "self-signed.mailhosts.test"),
    correspondent("outdated.test", "expired.mailhosts.test"),
    correspondent("deeper.test", "mx.shared.test", patterns=("*.shared.test",)),
    correspondent("next-host.test", "spare.mailhosts.test", "good.mailhosts.test",
                  patterns=("good.mailhosts.test",)),
    correspondent("outside.test", "spare.mailhosts.test", patterns=("good.mailhosts.test",)),
    correspondent("trying.test", "other.mailhosts.test", mode="testing"),
    Domain("declining.test", mx=("other.mailhosts.test",), host=PolicyHost(policy(mode="none"))),
    Domain("indifferent.test", txt=(), mx=("other.mailhosts.test",)),
    Domain("bare.test", txt=(), mx=("plain.mailhosts.test",)),
    correspondent("tlsa-good.test", "tlsa.signedhosts.test", signed=True),
    correspondent("tlsa-mismatch.test", "pkix.signedhosts.test", signed=True),
    correspondent("unsigned.test", "pkix.signedhosts.test"),
    correspondent(IDN, "mx." + IDN, records=(host("mx", GOOD),)),
    Domain("relay-good.test", host=PolicyHost(policy("relay-good.test")),
           records=(host("@", GOOD),)),
    Domain("relay-bad.test", host=PolicyHost(policy("relay-bad.test")),
           records=(host("@", OTHER),)),
)
