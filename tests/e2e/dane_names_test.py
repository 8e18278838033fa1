"""Which names the DANE gate asks for, and which TLSA records it takes (RFC 7672 2.2, RFC 6698)."""

from world.dane import QUICK, DaneTest, asked, enforcing, own_host
from world.domains import MAIL, Domain
from world.tlsa import DIGEST, DIGEST_512, PUBLIC_KEY, USABLE, tlsa

ADDRESS = f"A {MAIL}"
ADDRESS_6 = "AAAA 2001:db8::25"

USABLE_SETS = {
    "ee": (f"3 1 1 {DIGEST}",),
    "ta": (f"2 0 1 {DIGEST}",),
    "sha512": (f"3 0 2 {DIGEST_512}",),
    "full": (f"3 1 0 {PUBLIC_KEY}",),
    "beside": (f"1 1 1 {DIGEST}", f"3 1 1 {DIGEST[2:]}", f"3 1 1 {DIGEST}"),
}
UNUSABLE_SETS = {
    "pkix": (f"0 0 1 {DIGEST}", f"1 1 1 {DIGEST}"),
    "short": (f"3 1 1 {DIGEST[2:]}",),
    "long": (f"2 1 1 {DIGEST}ab",),
    "mixedup": (f"3 1 2 {DIGEST}", f"3 1 1 {DIGEST_512}"),
    "usage": (f"4 1 1 {DIGEST}", f"255 1 1 {DIGEST}"),
    "selector": (f"3 2 1 {DIGEST}", f"3 255 1 {DIGEST}"),
    "matching": (f"3 1 3 {DIGEST}", f"3 1 255 {DIGEST}"),
}
GARBAGE = (f"3 1 0 {DIGEST}", f"2 0 0 {DIGEST}")  # in full, but neither a key nor a certificate


def with_set(word: str, records: tuple[str, ...]) -> Domain:
    return enforcing(f"tlsa-{word}.test", records=tuple(tlsa("mx", data) for data in records))


def aliased(name: str, target: str, *records: str, **more) -> Domain:
    """A signed domain whose MX host is an alias."""
    return enforcing(name, records=(f"mx CNAME {target}.", *records), **more)


DOMAINS = (
    Domain("ends.test", txt=(), signed=True, bogus=("bogus.ends.test A",),
           records=("with " + ADDRESS, tlsa("with"), "bare " + ADDRESS, "bogus " + ADDRESS,
                    f"record TLSA {USABLE}", "pkix " + ADDRESS,
                    tlsa("pkix", f"1 1 1 {DIGEST}"))),
    # Its hosts have TLSA records, but it is not signed.
    Domain("loose.test", txt=(),
           records=("with " + ADDRESS, tlsa("with"), "onward CNAME with.ends.test.",
                    f"record TLSA {USABLE}")),
    # As some large providers: unsigned, and SERVFAIL for what it does not know.
    Domain("provider-servfail.test", txt=(), records=("mx " + ADDRESS,),
           servfail=("mx.provider-servfail.test AAAA", "_25._tcp.mx.provider-servfail.test TLSA")),

    enforcing("at-provider.test", "mx.provider-servfail.test"),
    enforcing("aaaa-servfail.test", records=(tlsa("mx"),),
              servfail=("mx.aaaa-servfail.test AAAA",)),
    enforcing("aaaa-servfail-bare.test", servfail=("mx.aaaa-servfail-bare.test AAAA",)),
    enforcing("a-servfail.test", records=("mx " + ADDRESS, "mx " + ADDRESS_6, tlsa("mx")),
              servfail=("mx.a-servfail.test A",)),
    enforcing("only-aaaa.test", records=("mx " + ADDRESS_6, tlsa("mx"))),
    enforcing("a-servfail-alone.test", records=(tlsa("mx"),),
              servfail=("mx.a-servfail-alone.test A",)),

    aliased("alias-expanded.test", "with.ends.test"),
    aliased("alias-original.test", "bare.ends.test", tlsa("mx")),
    aliased("alias-both.test", "with.ends.test", tlsa("mx", f"1 1 1 {DIGEST}")),
    aliased("alias-unusable.test", "pkix.ends.test", tlsa("mx")),
    aliased("alias-leaves.test", "with.loose.test", tlsa("mx")),
    aliased("alias-leaves-bare.test", "with.loose.test"),
    aliased("alias-returns.test", "onward.loose.test"),
    enforcing("alias-loose.test", "onward.loose.test"),
    aliased("alias-bogus.test", "bogus.ends.test", tlsa("mx")),
    aliased("alias-nowhere.test", "nothing.ends.test"),

    enforcing("tlsa-alias.test", records=("_25._tcp.mx CNAME record.ends.test.",)),
    enforcing("tlsa-alias-loose.test", records=("_25._tcp.mx CNAME record.loose.test.",)),
    enforcing("tlsa-port.test", records=(tlsa("mx", port=587),)),
    own_host("relay-tlsa.test", "[relay-tlsa.test]:587", records=(tlsa("", port=587),)),
    own_host("relay-25.test", "[relay-25.test]:587", mx=("mx.relay-25.test",),
             records=(tlsa(""), tlsa("mx"))),

    *(with_set(word, records) for word, records in {**USABLE_SETS, **UNUSABLE_SETS}.items()),
    with_set("garbage", GARBAGE),
)


class Addresses(DaneTest):
    """D5: A and AAAA come first; where no address is secure, no TLSA record is asked for."""

    config = QUICK

    def test_insecure_address(self):
        """D5: an unsigned MX host, AAAA and TLSA SERVFAIL: MTA-STS, no TLSA query"""
        with self.dns_queries() as queries:
            self.assert_sts("at-provider.test")
        self.assertIn(("mx.provider-servfail.test", "A"), queries)
        self.assertEqual(asked(queries, "TLSA"), [])

    def test_one_family(self):
        """D5: one secure address family is enough, whatever is wrong with the other"""
        for name in ("aaaa-servfail.test", "a-servfail.test", "only-aaaa.test"):
            with self.subTest(name):
                with self.dns_queries() as queries:
                    self.assert_dane_only(name)
                kinds = [kind for host, kind in queries if host.endswith("mx." + name)]
                self.assertEqual(kinds[-1], "TLSA")
                self.assertIn("A", kinds[:-1])

    def test_one_family_bare(self):
        """D5: AAAA SERVFAIL, A secure, TLSA securely denied: MTA-STS, no error"""
        self.assert_sts("aaaa-servfail-bare.test")

    def test_no_family(self):
        """D12: A SERVFAIL and no AAAA: the host is in error, TEMP names it; no TLSA query"""
        with self.dns_queries() as queries:
            self.assert_temp("a-servfail-alone.test", "mx.a-servfail-alone.test", "A")
        self.assertEqual(asked(queries, "TLSA"), [])


class Aliases(DaneTest):
    """D3, D6: MX hosts that are aliases."""

    config = QUICK

    def test_expanded(self):
        """D6: the whole chain is secure: TLSA records at its end count"""
        with self.dns_queries() as queries:
            self.assert_dane_only("alias-expanded.test")
        self.assertEqual(asked(queries, "TLSA")[:1], ["_25._tcp.with.ends.test"])

    def test_original(self):
        """D6: the whole chain is secure, none at its end: TLSA records at the MX name count"""
        with self.dns_queries() as queries:
            self.assert_dane_only("alias-original.test")
        self.assertEqual(asked(queries, "TLSA"),
                         ["_25._tcp.bare.ends.test", "_25._tcp.mx.alias-original.test"])

    def test_expanded_first(self):
        """D6: TLSA records at both names: those at the end count, usable or not"""
        self.assert_dane_only("alias-both.test")
        self.assert_sts("alias-unusable.test")

    def test_leaves(self):
        """D6: a secure alias of an unsigned name: only TLSA records at the MX name count"""
        for name, check in (("alias-leaves.test", self.assert_dane_only),
                            ("alias-leaves-bare.test", self.assert_sts)):
            with self.subTest(name):
                with self.dns_queries() as queries:
                    check(name)
                self.assertEqual(asked(queries, "TLSA"), ["_25._tcp.mx." + name])

    def test_returns(self):
        """D3: signed, unsigned, signed: insecure, the TLSA records at the end do not count"""
        with self.dns_queries() as queries:
            self.assert_sts("alias-returns.test")
        self.assertNotIn("_25._tcp.with.ends.test", asked(queries, "TLSA"))

    def test_insecure_alias(self):
        """D6: an unsigned alias of a signed name: MTA-STS, no TLSA query"""
        with self.dns_queries() as queries:
            self.assert_sts("alias-loose.test")
        self.assertEqual(asked(queries, "TLSA"), [])

    def test_failure_in_chain(self):
        """D3: a failure within the chain is a failure: TEMP names the host"""
        self.assert_temp("alias-bogus.test", "mx.alias-bogus.test")

    def test_nowhere(self):
        """D12: an alias of nothing has no address: no error"""
        self.assert_sts("alias-nowhere.test")


class Ports(DaneTest):
    def test_relay(self):
        """D7: [relay]:587 asks for _587._tcp.relay, no MX; other ports' records do not count"""
        with self.dns_queries() as queries:
            self.assert_dane_only("[relay-tlsa.test]:587")
            self.assert_dane_only("[relay-tlsa.test]:submission")
        self.assertEqual(asked(queries, "TLSA"), ["_587._tcp.relay-tlsa.test"])
        self.assertEqual(asked(queries, "MX"), [])
        with self.dns_queries() as queries:
            self.assert_sts("[relay-25.test]:587")
        self.assertEqual(asked(queries, "TLSA"), ["_587._tcp.relay-25.test"])
        with self.dns_queries() as queries:
            self.assert_dane_only("[relay-25.test]")
        self.assertEqual(asked(queries, "TLSA"), ["_25._tcp.relay-25.test"])

    def test_port(self):
        """D7: DOMAIN:587 asks for _587._tcp of each MX host; what was found for 25 is not taken"""
        with self.dns_queries() as queries:
            self.assert_sts("tlsa-port.test")
            self.assert_dane_only("tlsa-port.test:587")
        self.assertEqual(asked(queries, "TLSA"),
                         ["_25._tcp.mx.tlsa-port.test", "_587._tcp.mx.tlsa-port.test"])


class Records(DaneTest):
    def test_alias(self):
        """D7: a TLSA record may be an alias, if all of it is secure"""
        self.assert_dane_only("tlsa-alias.test")
        self.assert_sts("tlsa-alias-loose.test")

    def test_usable(self):
        """D8: usable TLSA records, also beside unusable ones: dane-only"""
        for word in USABLE_SETS:
            with self.subTest(word):
                self.assert_dane_only(f"tlsa-{word}.test")

    def test_unusable(self):
        """D8, D10: usages 0 and 1, wrong lengths, unknown numbers only: MTA-STS"""
        for word in UNUSABLE_SETS:
            with self.subTest(word):
                self.assert_sts(f"tlsa-{word}.test")

    def test_garbage(self):
        """D8: a key or certificate in full that is none is not usable (so OpenSSL has it)"""
        self.assert_sts("tlsa-garbage.test")
