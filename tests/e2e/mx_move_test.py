"""A domain moves from one MX host to another while real mail goes to it, every second."""

import dataclasses
import time
from dataclasses import dataclass

from world import dns, nameserver, table
from world.case import WorldTest
from world.correspondents import host
from world.debian13 import NAME as DEBIAN_13
from world.domains import Domain, PolicyHost, policy
from world.mail_case import MailTest
from world.mail_flow import Flow, send_steadily
from world.receiver import NEW, OLD
from world.resolver import Resolver
from world.sender import Sender

OLD_HOST, NEW_HOST, FOREIGN_HOST = "old.movers.test", "new.movers.test", "mx.elsewhere.test"
BOTH, WILDCARD = (OLD_HOST, NEW_HOST), ("*.movers.test",)

# The resolver that smtp(8) asks: the daemon's, or one that has the new MX records earlier or later.
SAME, AHEAD, BEHIND = "same", "ahead", "behind"
RESOLVERS = {AHEAD: {"addresses": ("127.0.0.5",), "longest": 1},
             BEHIND: {"addresses": ("127.0.0.6",), "shortest": 30}}

# Seconds without mail, then with mail before and after the move. The shortest time between two
# fetches and between two TXT lookups, 60 s, ends before the move.
AGE, BEFORE, AFTER = 60, 6, 28
PATIENCE = 15  # for what is still in the queue at the end
A_RETRY = 8    # Postfix retries every 2 s; the rest is for a busy machine


@dataclass(frozen=True)
class Move:
    """One domain and how it moves; `after` is its policy then."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    ttl: int
    resolver: str = SAME
    new_id: bool = True

    @property
    def old(self) -> Domain:
        return Domain(self.name, ttl=self.ttl, mx=(OLD_HOST,),
                      host=PolicyHost(policy(*self.before)))

    @property
    def new(self) -> Domain:
        txt = ("v=STSv1; id=20260202000000;",) if self.changes and self.new_id else self.old.txt
        return dataclasses.replace(self.old, txt=txt, mx=(NEW_HOST,),
                                   records=("moved A 192.31.196.25",))

    @property
    def changes(self) -> bool:
        return self.before != self.after


LITERAL = Move("move-literal.test", BOTH, BOTH, 20)
LITERAL_AHEAD = Move("move-ahead.test", BOTH, BOTH, 30, AHEAD)
LITERAL_BEHIND = Move("move-behind.test", BOTH, BOTH, 5, BEHIND)
PATTERN = Move("move-wildcard.test", WILDCARD, WILDCARD, 20)
PATTERN_AHEAD = Move("move-wildcard-ahead.test", WILDCARD, WILDCARD, 30, AHEAD)
PATTERN_BEHIND = Move("move-wildcard-behind.test", WILDCARD, WILDCARD, 5, BEHIND)
RENEWED = Move("move-renewed.test", (OLD_HOST,), (NEW_HOST,), 20)
FORGOTTEN = Move("move-forgotten.test", (OLD_HOST,), (NEW_HOST,), 20, new_id=False)
MOVES = (LITERAL, LITERAL_AHEAD, LITERAL_BEHIND, PATTERN, PATTERN_AHEAD, PATTERN_BEHIND, RENEWED,
         FORGOTTEN)

ASKED = Move("move-asked.test", BOTH, BOTH, 300)
INTRUDER = Move("move-intruder.test", WILDCARD, WILDCARD, 1)

DOMAINS = (Domain("movers.test", txt=(), records=(host("old", OLD), host("new", NEW))),
           *(move.old for move in (*MOVES, ASKED, INTRUDER)))


def is_published(domain: Domain) -> bool:
    """True once the authoritative server has the zone of the time after the move."""
    reply = dns.ask(nameserver.ADDRESS, f"moved.{domain.name}", "A")
    return reply is not None and reply.is_one_record


class MxMove(WorldTest):
    """All domains move at the same time, once; each test judges one of them.

    The old host still takes mail afterwards, as hosts do until the TTL of their MX record ends.
    Postfix retries every 2 s, so that a delay shows how long mail could not be delivered.
    """

    release = DEBIAN_13  # wanted beside this machine's own
    settings = {"queue_run_delay": "1s", "minimal_backoff_time": "2s",
                "maximal_backoff_time": "2s"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.receiver = cls.world.mail.receiver
        cls.resolvers: dict[str, Resolver] = {}
        cls.senders: dict[tuple[str, str], Sender] = {}
        try:
            cls.start_servers()
            cls.flows = {(release, move.name): Flow(cls.senders[release, move.resolver], move.name)
                         for release in cls.world.mail.releases for move in MOVES}
            cls.move_all()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for server in (*cls.senders.values(), *cls.resolvers.values()):
            server.stop()
        super().tearDownClass()

    @classmethod
    def start_servers(cls) -> None:
        for name, options in RESOLVERS.items():
            cls.resolvers[name] = Resolver(cls.world.directory / f"resolver-{name}",
                                           cls.world.nameserver.anchor, **options)
        for release in cls.world.mail.releases:
            for name in (SAME, *RESOLVERS):
                address = RESOLVERS[name]["addresses"][0] if name in RESOLVERS else ""
                cls.senders[release, name] = cls.world.mail.sender(
                    release, policy_server=Sender.INET, settings=cls.settings, nameserver=address)
        for resolver in cls.resolvers.values():
            resolver.wait()
        for sender in cls.senders.values():
            sender.start()

    @classmethod
    def move_all(cls) -> None:
        flows = list(cls.flows.values())
        send_steadily(flows, 1)
        time.sleep(AGE)
        send_steadily(flows, BEFORE)
        for move in MOVES:
            if move.changes:
                cls.world.webserver.publish(move.old, policy(*move.after))
            cls.world.nameserver.publish(move.new)
        send_steadily(flows, AFTER)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and any(flow.figures().waiting for flow in flows):
            time.sleep(1)

    def figures(self, move: Move):
        """By release; each is noted and stands in the table."""
        found = {}
        for name, release in self.world.mail.releases.items():
            found[name] = self.flows[name, move.name].figures()
            self.note(f"Postfix {release.version}: {found[name]}")
            table.record(self.shortDescription(), f"{name}, Postfix {release.version}",
                         f"{found[name].deferred} deferred, {found[name].longest:.1f} s")
        for reason in MailTest.missing.values():
            self.note(reason)
        return found

    def assert_moved(self, move: Move) -> None:
        """The mail went to the old host first, to the new one then, and always by TLS."""
        arrived = self.receiver.received(move.name)
        self.assertEqual({one.listener for one in arrived}, {OLD.name, NEW.name})
        self.assertTrue(all(one.tls for one in arrived))
        if move.resolver != SAME:
            self.assertIn((move.name, "MX"), self.resolvers[move.resolver].queries())

    def assert_undisturbed(self, move: Move) -> None:
        """No message was deferred, not even for a second."""
        figures = self.figures(move)
        self.assert_moved(move)
        for release, found in figures.items():
            with self.subTest(release):
                self.assertEqual((found.deferred, found.waiting), (0, 0), found)

    def assert_delayed(self, move: Move, most: float) -> None:
        """All mail has arrived, and none took longer than so many seconds."""
        figures = self.figures(move)
        self.assert_moved(move)
        for release, found in figures.items():
            with self.subTest(release):
                self.assertEqual(found.waiting, 0, found)
                self.assertLessEqual(found.longest, most, found)

    def test_literal(self):
        """decision 27: the policy names both hosts: no mail is deferred"""
        self.assert_undisturbed(LITERAL)

    def test_literal_ahead(self):
        """F13: the policy names both hosts, Postfix sees the new one first: no mail is deferred"""
        self.assert_undisturbed(LITERAL_AHEAD)

    def test_literal_behind(self):
        """F13: the policy names both hosts, Postfix still sees the old one: no mail is deferred"""
        self.assert_undisturbed(LITERAL_BEHIND)

    def test_wildcard(self):
        """decision 27: a wildcard allows both hosts: no mail is deferred"""
        self.assert_undisturbed(PATTERN)

    def test_wildcard_ahead(self):
        """F13: a wildcard allows both, Postfix sees the new one first: sent within the TTL"""
        # Postfix 3.7 gets exact names, and only the old MX records tell which exist.
        self.assert_delayed(PATTERN_AHEAD, PATTERN_AHEAD.ttl + A_RETRY)

    def test_wildcard_behind(self):
        """F13: a wildcard allows both hosts, Postfix still sees the old one: no mail is deferred"""
        self.assert_undisturbed(PATTERN_BEHIND)

    def test_renewed(self):
        """decision 28: the policy names the new host only, with a new id: sent, after one retry"""
        self.assert_delayed(RENEWED, A_RETRY)

    def test_forgotten(self):
        """F8: the policy names the new host only, its id is the old one: sent, after one retry"""
        self.assert_delayed(FORGOTTEN, A_RETRY)


class AskedDuringMove(WorldTest):
    """What the daemon answers, without mail."""

    def names(self, move: Move) -> tuple[str, ...]:
        return self.ask(move.name).match

    def test_new_name(self):
        """F13: MX records with a TTL of 300 s change after 10 s: the new name is in the answer"""
        self.assertEqual(self.names(ASKED)[0], OLD_HOST)
        time.sleep(10)
        self.world.nameserver.publish(ASKED.new)
        self.eventually(lambda: is_published(ASKED.new))
        self.assertIn(NEW_HOST, self.names(ASKED))

    def test_intruder(self):
        """decision 27: an MX host that the policy does not allow never gets into the answer"""
        self.assertEqual(self.names(INTRUDER), (OLD_HOST,))
        moved = dataclasses.replace(INTRUDER.new, mx=(FOREIGN_HOST, NEW_HOST))
        self.world.nameserver.publish(moved)
        self.eventually(lambda: is_published(moved))
        self.eventually(lambda: NEW_HOST in self.names(INTRUDER), 15)
        self.assertNotIn(FOREIGN_HOST, self.names(INTRUDER))
