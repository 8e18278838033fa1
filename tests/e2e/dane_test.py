"""The DANE gate (RFC 7672): before an enforce answer, whether DANE binds the sender."""

import time
from concurrent.futures import ThreadPoolExecutor

from world import COMPAT, TLSRPT
from world.dane import QUICK, DaneTest, asked, enforcing, own_host
from world.domains import (UNMATCHABLE, Domain, PolicyHost, Question, policy, secure,
                           secure_tlsrpt)
from world.tlsa import tlsa


def two(name: str, *records: str, **more) -> Domain:
    """Two MX hosts, mx1 and mx2."""
    return enforcing(name, "mx1." + name, "mx2." + name, records=records, **more)


MANY = "many-mx.test"
NULL_MX = "null-mx-signed.test"
WORST = ("MX", "A", "AAAA")  # at the domain itself

DOMAINS = (
    # Hosts for others: "with" has TLSA records, "without" has none, everything else is NXDOMAIN.
    Domain("mxhosts.test", txt=(), signed=True,
           records=("with A 192.31.196.25", "without A 192.31.196.25", tlsa("with"))),
    Domain("brokenhosts.test", txt=(), signed=True, ds="wrong",
           records=("mx A 192.31.196.25", tlsa("mx"))),
    Domain("silenthosts.test", txt=(), signed=True, records=("mx A 192.31.196.25", tlsa("mx")),
           silent=("mx.silenthosts.test A", "mx.silenthosts.test AAAA")),

    two("all-tlsa.test", tlsa("mx1"), tlsa("mx2")),
    two("mixed-tlsa.test", tlsa("mx2")),
    two("no-tlsa.test"),
    enforcing("unsigned-mx.test", "with.mxhosts.test", signed=False),
    enforcing("island-mx.test", "mx.island-mx.test", "with.mxhosts.test", ds="none",
              records=(tlsa("mx"),)),
    two("one-bogus.test", tlsa("mx1"), tlsa("mx2"), bogus=("_25._tcp.mx1.one-bogus.test TLSA",)),
    two("all-bogus.test", tlsa("mx1"), bogus=("_25._tcp.mx1.all-bogus.test TLSA",)),
    enforcing("tlsa-servfail.test", records=(tlsa("mx"),),
              servfail=("_25._tcp.mx.tlsa-servfail.test TLSA",)),
    enforcing("tlsa-silent.test", records=(tlsa("mx"),),
              silent=("_25._tcp.mx.tlsa-silent.test TLSA",)),
    enforcing("mx-gone.test", "nothing.mxhosts.test", "with.mxhosts.test"),
    enforcing("mx-gone-plain.test", "nothing.mxhosts.test", "without.mxhosts.test",
              "nothing.enforce.test"),
    enforcing("mx-all-gone.test", "nothing.mxhosts.test"),
    enforcing("backup-broken.test", "with.mxhosts.test", "mx.brokenhosts.test"),
    enforcing("main-broken.test", "mx.brokenhosts.test", "with.mxhosts.test"),
    enforcing("backup-silent.test", "with.mxhosts.test", "mx.silenthosts.test"),
    enforcing("nobody-decides.test", "without.mxhosts.test", "mx.brokenhosts.test"),
    enforcing("mx-bogus.test", records=(tlsa("mx"),), bogus=("mx-bogus.test MX",)),
    enforcing("mx-servfail.test", records=(tlsa("mx"),), servfail=("mx-servfail.test MX",)),
    enforcing("mx-silent.test", records=(tlsa("mx"),), silent=("mx-silent.test MX",)),
    own_host("implicit-signed.test", "implicit-signed.test", records=(tlsa(""),)),
    own_host("implicit-bare.test", "implicit-bare.test"),
    Domain("implicit-plain.test", host=PolicyHost(policy("implicit-plain.test")),
           records=(tlsa(""),), questions=(
               Question("implicit-plain.test", secure("implicit-plain.test"),
                        secure_tlsrpt("implicit-plain.test", "implicit-plain.test")),)),
    Domain(NULL_MX, mx=(".",), host=PolicyHost(policy("mx." + NULL_MX)), signed=True,
           questions=(Question(NULL_MX, secure(UNMATCHABLE),
                               secure_tlsrpt(NULL_MX, "mx." + NULL_MX)),)),
    enforcing(MANY, *(f"mx{n}.{MANY}" for n in range(40))),
    two("crowded-tlsa.test", tlsa("mx1"), tlsa("mx2")),

    # Without an enforce policy: whatever is wrong with these, nobody must look.
    Domain("worst.test", txt=(), mx=("mx.worst.test",), signed=True, records=(tlsa("mx"),),
           bogus=("worst.test MX", "worst.test A", "mx.worst.test A",
                  "_25._tcp.mx.worst.test TLSA")),
    Domain("worst-silent.test", txt=(), mx=("mx.worst-silent.test",), records=(tlsa("mx"),),
           silent=(*(f"worst-silent.test {kind}" for kind in WORST),
                   *(f"mx.worst-silent.test {kind}" for kind in ("A", "AAAA")),
                   "_25._tcp.mx.worst-silent.test TLSA")),
    Domain("worst-testing.test", mx=("mx.worst-testing.test",), signed=True, records=(tlsa("mx"),),
           host=PolicyHost(policy("mx.worst-testing.test", mode="testing")),
           bogus=("worst-testing.test MX", "mx.worst-testing.test A")),
    Domain("worst-none.test", mx=("mx.worst-none.test",), signed=True, records=(tlsa("mx"),),
           host=PolicyHost(policy(mode="none")),
           bogus=("worst-none.test MX", "mx.worst-none.test A")),
    Domain("worst-host.test", mx=("mx.worst-host.test",), signed=True, records=(tlsa("mx"),),
           host=PolicyHost(policy("mx.worst-host.test"), status=404),
           bogus=("worst-host.test MX", "mx.worst-host.test A")),
    Domain("worst-of-all.test", mx=("mx.worst-of-all.test",), signed=True, ds="wrong",
           host=PolicyHost(policy("mx.worst-of-all.test"))),
)


class Table(DaneTest):
    """The gate's table, on the defaults."""

    def test_every_host(self):
        """D9: every MX host has usable TLSA: dane-only in both maps, each host asked for once"""
        with self.dns_queries() as queries:
            self.assert_dane_only("all-tlsa.test")
        for name, kind in (("mx1.all-tlsa.test", "A"), ("_25._tcp.mx1.all-tlsa.test", "TLSA")):
            self.assertEqual(queries.count((name, kind)), 1, (name, kind))
        # And so is the domain, for both maps.
        self.assertEqual(queries.count(("all-tlsa.test", "MX")), 1)
        self.assertEqual(self.world.postfix.ask("all-tlsa.test").value, "dane-only")
        self.assertEqual(self.world.postfix.ask("all-tlsa.test", TLSRPT).value, "dane-only")
        self.assertNotIn("does not validate", self.daemon.log_text())

    def test_no_host(self):
        """D2, D9: TLSA records are denied securely: MTA-STS, having asked for those of each host"""
        with self.dns_queries() as queries:
            self.assert_sts("no-tlsa.test")
        self.assertEqual(sorted(asked(queries, "TLSA")),
                         ["_25._tcp.mx1.no-tlsa.test", "_25._tcp.mx2.no-tlsa.test"])

    def test_mixed(self):
        """D17: one of two MX hosts has TLSA records, the other securely none: dane-only"""
        self.assert_dane_only("mixed-tlsa.test")

    def test_unsigned(self):
        """D4: an unsigned MX record, whose host has TLSA records: MTA-STS, no TLSA query"""
        with self.dns_queries() as queries:
            self.assert_sts("unsigned-mx.test")
        self.assertIn(("unsigned-mx.test", "MX"), queries)
        self.assertEqual(asked(queries, "TLSA"), [])

    def test_insecure_delegation(self):
        """D4: signed, but no DS record leads to it: MTA-STS, no TLSA query"""
        with self.dns_queries() as queries:
            self.assert_sts("island-mx.test")
        self.assertEqual(asked(queries, "TLSA"), [])

    def test_implicit(self):
        """D14: MX denied securely: the domain is its own host; else MTA-STS, no TLSA query"""
        with self.dns_queries() as queries:
            self.assert_dane_only("implicit-signed.test")
        self.assertEqual(asked(queries, "TLSA"), ["_25._tcp.implicit-signed.test"])
        self.assert_sts("implicit-bare.test")
        with self.dns_queries() as queries:
            self.assert_sts("implicit-plain.test")
        self.assertEqual(asked(queries, "TLSA"), [])

    def test_null_mx(self):
        """D22: a null MX in a signed zone: MTA-STS, and nobody looks for its host"""
        with self.dns_queries() as queries:
            self.assert_sts(NULL_MX)
        self.assertLessEqual({name for name, _ in queries},
                             {"_mta-sts." + NULL_MX, "mta-sts." + NULL_MX, NULL_MX})
        self.assertEqual(asked(queries, "TLSA"), [])

    def test_many_hosts(self):
        """D9: of 40 MX hosts 32 are looked at"""
        with self.dns_queries() as queries:
            self.assert_sts(MANY)
        hosts = {name for name in asked(queries, "A") if name.startswith("mx")}
        self.assertEqual(len(hosts), 32)
        self.assertEqual(len(set(asked(queries, "TLSA"))), 32)

    def test_crowd(self):
        """decision 15: 40 clients at once share one look at the records"""
        with self.dns_queries() as queries, ThreadPoolExecutor(40) as pool:
            answers = set(pool.map(lambda n: self.ask("crowded-tlsa.test", (COMPAT, TLSRPT)[n % 2]),
                                   range(40)))
        self.assertEqual(answers, {"dane-only"})
        self.assertEqual(queries.count(("crowded-tlsa.test", "MX")), 1)
        for name in set(asked(queries, "TLSA")):
            self.assertEqual(queries.count((name, "TLSA")), 1)

    def test_one_servfail(self):
        """D11: a SERVFAIL for one record: TEMP naming it, and only that question is repeated"""
        with self.dns_queries() as queries:
            self.assert_temp("tlsa-servfail.test", "mx.tlsa-servfail.test", "TLSA")
        counts = {question: queries.count(question) for question in queries}
        repeated = {question: count for question, count in counts.items() if count > 1}
        self.note(f"asked for more than once: {repeated}")
        self.assertEqual(list(repeated), [("_25._tcp.mx.tlsa-servfail.test", "TLSA")])
        postmap = self.world.postfix.ask("tlsa-servfail.test")
        self.assertEqual((postmap.code, postmap.value), (1, ""))
        self.assertIn("socketmap server temporary error: ", postmap.errors)


class Errors(DaneTest):
    """The DNS fails for something that the gate asks for."""

    config = QUICK

    def test_bogus_tlsa(self):
        """D11: TLSA bogus at one of two hosts, the other is usable: dane-only"""
        self.assert_dane_only("one-bogus.test")

    def test_nobody_usable(self):
        """D11: TLSA bogus at one of two hosts, the other has none: TEMP, names host and record"""
        self.assert_temp("all-bogus.test", "mx1.all-bogus.test", "TLSA")

    def test_silent_tlsa(self):
        """D11: nobody answers for the TLSA record: TEMP, in time"""
        begun = time.monotonic()
        self.assert_temp("tlsa-silent.test", "mx.tlsa-silent.test", "TLSA")
        self.assertLess(time.monotonic() - begun, 15)

    def test_host_without_address(self):
        """D12: an MX host that does not exist is no error, whoever is beside it, or nobody"""
        self.assert_dane_only("mx-gone.test")
        self.assert_sts("mx-gone-plain.test")
        self.assert_sts("mx-all-gone.test")

    def test_broken_backup(self):
        """D12: one MX host's addresses cannot be looked up, another one is usable: dane-only"""
        self.assert_dane_only("backup-broken.test")
        self.assert_dane_only("main-broken.test")

    def test_silent_backup(self):
        """D12: nobody answers for one MX host's addresses, another one is usable: dane-only"""
        begun = time.monotonic()
        self.assert_dane_only("backup-silent.test")
        self.note(f"after {time.monotonic() - begun:.1f} s")
        self.assertLess(time.monotonic() - begun, 15)

    def test_nobody_decides(self):
        """D12: no address of one MX host can be looked up, no other has TLSA: TEMP"""
        self.assert_temp("nobody-decides.test", "mx.brokenhosts.test")
        self.assertRegex(self.ask("nobody-decides.test"), r"\b(A|AAAA)\b")

    def test_mx(self):
        """D13: the MX record is bogus, fails, or nobody answers for it: TEMP in both maps"""
        for name in ("mx-bogus.test", "mx-servfail.test", "mx-silent.test"):
            with self.subTest(name):
                self.assert_temp(name, name, "MX")


class WithoutEnforce(DaneTest):
    """No DNS but that of discovery can matter (tlspol #172, #177, #189)."""

    config = QUICK

    def test_worst(self):
        """decision 5: no enforce policy, the worst DNS: not found, nobody looks at MX or TLSA"""
        for name in ("worst.test", "worst-silent.test", "worst-testing.test", "worst-none.test",
                     "worst-host.test", "worst-of-all.test"):
            with self.subTest(name):
                with self.dns_queries() as queries:
                    self.assert_unprotected(name)
                self.assertLessEqual(set(queries), {
                    ("_mta-sts." + name, "TXT"), ("mta-sts." + name, "A"),
                    ("mta-sts." + name, "AAAA")})
