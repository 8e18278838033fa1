#include "service/book.h"

#include <doctest/doctest.h>

#include <set>

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::seconds;

namespace {

base::DomainName domain(const std::string& text) { return base::DomainName::parse(text).value(); }
/// Each has a registered domain of its own.
base::DomainName name(int n) { return domain("d" + std::to_string(n) + ".test"); }
std::string text(int n) { return name(n).text(); }
constexpr base::WallTime kNow{seconds{1'000'000'000}};

sts::Policy policy(sts::Mode mode = sts::Mode::enforce, seconds max_age = seconds{86400}) {
  sts::Policy made;
  made.mode = mode;
  made.max_age = max_age;
  return made;
}

/// What happens to a policy that was fetched: a place is found, and it enters.
Book::Place fetched(Book& book, const base::DomainName& who, const sts::Policy& what = policy(),
                    base::WallTime now = kNow) {
  auto place = book.admit(who, what, now);
  book.advance(who,
               sts::PolicyFetched{std::make_shared<const sts::StoredPolicy>(
                   sts::renewal(book.open(who).entry, "1", what, now))},
               now);
  return place;
}

/// The domains that had to leave for a newcomer.
std::vector<std::string> displaced_by(const Book::Place& place) {
  std::vector<std::string> names;
  for (const auto& left : place.displaced) names.push_back(left.domain);
  return names;
}
using Names = std::vector<std::string>;

void absent(Book& book, const base::DomainName& who) {
  book.advance(who, sts::TxtAbsent{sts::Absence::no_record, seconds{300}}, kNow);
}

}  // namespace

TEST_CASE("decisions 19: negatives are bounded and never push out a policy") {
  Book book({.policies = 10, .negatives = 5});
  fetched(book, name(0));
  for (int n = 1; n <= 1000; ++n) absent(book, name(n));
  CHECK(book.policies() == 1);
  CHECK(book.negatives() == 5);
  REQUIRE(book.find(text(0)));
  CHECK(book.find(text(0))->entry.is_valid(kNow));
  CHECK(book.find(text(995)) == nullptr);
  CHECK(book.find(text(1000)) != nullptr);
}

TEST_CASE("the least recently used negative goes first") {
  Book book({.policies = 10, .negatives = 2});
  book.open(name(1));
  book.open(name(2));
  book.use(text(1));
  book.find(text(2));  // no use
  book.open(name(3));
  CHECK(book.find(text(1)) != nullptr);
  CHECK(book.find(text(2)) == nullptr);
}

TEST_CASE("a record keeps its address when it becomes a policy") {
  Book book({.policies = 10, .negatives = 10});
  const auto* before = &book.open(name(1));
  fetched(book, name(1));
  CHECK(book.find(text(1)) == before);
  CHECK(book.policies() == 1);
  CHECK(book.negatives() == 0);
}

TEST_CASE("A-12 the hard cap: an unexpired enforce policy makes room for nobody") {
  Book book({.policies = 2, .negatives = 10});
  CHECK(fetched(book, name(1)).kept);
  CHECK(fetched(book, name(2)).kept);
  for (const auto mode : {sts::Mode::enforce, sts::Mode::testing, sts::Mode::none}) {
    const auto place = fetched(book, name(3), policy(mode));
    CHECK_FALSE(place.kept);
    CHECK(place.displaced.empty());
  }
  CHECK(book.policies() == 2);
  CHECK(book.is_placed(text(1)));
  CHECK(book.is_placed(text(2)));
  // The newcomer is known as long as it lasts among the negatives.
  CHECK_FALSE(book.is_placed(text(3)));
  REQUIRE(book.find(text(3)));
  CHECK(book.find(text(3))->entry.is_valid(kNow));
}

TEST_CASE("A-12 what does not enforce makes room, the least recently used first") {
  Book book({.policies = 3, .negatives = 10});
  fetched(book, name(1), policy(sts::Mode::testing));
  fetched(book, name(2));
  fetched(book, name(3), policy(sts::Mode::none));
  book.use(text(1));
  const auto place = fetched(book, name(4));
  CHECK(place.kept);
  CHECK(displaced_by(place) == Names{text(3)});
  CHECK(book.find(text(3)) == nullptr);
  CHECK(displaced_by(fetched(book, name(5), policy(sts::Mode::testing))) == Names{text(1)});
  CHECK(displaced_by(fetched(book, name(6))) == Names{text(5)});
  CHECK_FALSE(fetched(book, name(7)).kept);
}

TEST_CASE("A-12 what has expired makes room before what is still applied") {
  Book book({.policies = 3, .negatives = 10});
  fetched(book, name(1), policy(sts::Mode::testing));
  fetched(book, name(2), policy(sts::Mode::enforce, seconds{3600}));
  fetched(book, name(3));
  const auto later = kNow + seconds{7200};
  book.reconsider(text(2), later);
  CHECK(displaced_by(fetched(book, name(4), policy(), later)) == Names{text(2)});
  CHECK(displaced_by(fetched(book, name(5), policy(), later)) == Names{text(1)});
  CHECK_FALSE(fetched(book, name(6), policy(), later).kept);
}

TEST_CASE(
    "B-4 an expiry that a corrected clock undid makes room no more, also before it was seen") {
  Book book({.policies = 1, .negatives = 10});
  fetched(book, name(1));
  book.reconsider(text(1), kNow + seconds{86400 * 365});
  CHECK_FALSE(fetched(book, name(2), policy(), kNow).kept);
  CHECK(book.is_placed(text(1)));
}

TEST_CASE("F16 decisions 29: as long as there is room nobody is refused") {
  Book book({});
  for (int n = 0; n < 10'000; ++n)
    REQUIRE(fetched(book, domain("n" + std::to_string(n) + ".hoster.test")).kept);
  CHECK(book.policies() == 10'000);
  CHECK(book.unplaced() == 0);
}

TEST_CASE(
    "F16 decisions 29: where there is none the largest registered domain gives its longest "
    "unused") {
  Book book({.policies = 12, .negatives = 100});
  for (const char first : std::string("abcdefghij"))
    REQUIRE(fetched(book, domain(std::string(1, first) + ".big.co.uk")).kept);
  for (const char* who : {"one.test", "two.test"}) REQUIRE(fetched(book, domain(who)).kept);
  book.use("a.big.co.uk");
  book.find("b.big.co.uk");  // no use
  const auto place = fetched(book, domain("three.test"));
  CHECK(place.kept);
  REQUIRE(displaced_by(place) == Names{"b.big.co.uk"});
  CHECK(place.displaced.front().enforced);
  // Its own newcomers displace nobody: they are known as long as they last in memory.
  CHECK_FALSE(fetched(book, domain("k.big.co.uk")).kept);
  // Nor is what gave way forgotten.
  CHECK(book.unplaced() == 2);
  for (const char* who : {"b.big.co.uk", "k.big.co.uk"}) {
    REQUIRE(book.find(who));
    CHECK(book.find(who)->entry.is_valid(kNow));
    CHECK_FALSE(book.is_placed(who));
  }
  CHECK(book.has_row("b.big.co.uk"));
  CHECK_FALSE(book.has_row("k.big.co.uk"));
  // Nor does what does not enforce.
  for (const auto mode : {sts::Mode::testing, sts::Mode::none})
    CHECK_FALSE(fetched(book, domain("four.test"), policy(mode)).kept);
  CHECK(displaced_by(fetched(book, domain("four.test"))) == Names{"c.big.co.uk"});
  // Now it has no more than its share.
  CHECK_FALSE(fetched(book, domain("five.test")).kept);
  CHECK(book.policies() == 12);
  // Once there is room again it gets its place back.
  CHECK_FALSE(book.settle("b.big.co.uk", kNow).kept);
  book.forget("one.test");
  CHECK(book.settle("b.big.co.uk", kNow).kept);
  CHECK(book.is_placed("b.big.co.uk"));
  CHECK(book.policies() == 12);
}

TEST_CASE("A-12 a registered domain within its share gives nothing up, though it is the largest") {
  Book book({.policies = 12, .negatives = 100});
  for (std::size_t n = 0; n < Book::kFairShare; ++n)
    fetched(book, domain("n" + std::to_string(n) + ".victim.test"));
  for (int n = 0; n < 100; ++n) CHECK(fetched(book, name(n)).displaced.empty());
  CHECK(book.policies() == 12);
  for (std::size_t n = 0; n < Book::kFairShare; ++n)
    CHECK(book.is_placed("n" + std::to_string(n) + ".victim.test"));
}

TEST_CASE("A-12 what gave way is not pushed off the shelf by what never had a place") {
  Book book({.policies = 20, .negatives = 100, .unplaced = 5});
  for (int n = 0; n < 20; ++n) fetched(book, domain("n" + std::to_string(n) + ".big.test"));
  const auto gone = displaced_by(fetched(book, name(0)));
  REQUIRE(gone.size() == 1);
  for (int n = 0; n < 100; ++n) fetched(book, domain("x" + std::to_string(n) + ".big.test"));
  CHECK(book.unplaced() == 5);
  REQUIRE(book.find(gone.front()));
  CHECK(book.find(gone.front())->entry.is_valid(kNow));
  CHECK(book.take_left().empty());
  // Others that had one push it off: whoever keeps the rows hears of it, once.
  for (int n = 1; n <= 5; ++n) REQUIRE(fetched(book, name(n)).kept);
  CHECK(book.find(gone.front()) == nullptr);
  CHECK(book.take_left() == gone);
  CHECK(book.take_left().empty());
}

TEST_CASE("what has no place is met by its own walk, and so is what expired there with a row") {
  Book book({.policies = 20, .negatives = 100});
  for (int n = 0; n < 20; ++n) fetched(book, domain("n" + std::to_string(n) + ".big.test"));
  const auto gone = displaced_by(fetched(book, name(0))).front();
  fetched(book, domain("late.big.test"));
  fetched(book, domain("tests.test"), policy(sts::Mode::testing));
  absent(book, domain("absent.test"));
  const auto met = [&book] {
    std::set<std::string> all;
    book.walk_unplaced(0, 1, [&](const std::string& who, Record&) { all.insert(who); });
    return all;
  };
  CHECK(met() == std::set<std::string>{gone, "late.big.test"});
  const auto later = kNow + seconds{86400 * 2};
  for (const auto& who : {gone, std::string("late.big.test")}) book.reconsider(who, later);
  CHECK(book.unplaced() == 0);
  CHECK(met() == std::set<std::string>{gone});
  // A corrected clock.
  book.reconsider(gone, kNow);
  CHECK(book.unplaced() == 1);
}

TEST_CASE("decisions 29: two registered domains of one size do not displace each other by turns") {
  Book book({.policies = 30, .negatives = 100});
  for (int n = 0; n < 30; ++n) fetched(book, domain("n" + std::to_string(n) + ".big.test"));
  int left = 0;
  for (const char* who : {".other.test", ".big.test", ".other.test"})
    for (int n = 0; n < 100; ++n)
      left +=
          static_cast<int>(fetched(book, domain("n" + std::to_string(n) + who)).displaced.size());
  CHECK(left == 15);
}

TEST_CASE(
    "decisions 29: what does not protect leaves first, the largest registered domain's before "
    "others") {
  Book book({.policies = 4, .negatives = 100});
  fetched(book, name(1), policy(sts::Mode::testing));
  fetched(book, domain("a.big.test"));
  fetched(book, domain("b.big.test"), policy(sts::Mode::testing));
  fetched(book, domain("c.big.test"), policy(sts::Mode::enforce, seconds{3600}));
  const auto later = kNow + seconds{7200};
  book.reconsider("c.big.test", later);
  std::set<std::string> left;
  for (int n = 2; n < 5; ++n)
    for (const auto& gone : displaced_by(fetched(book, name(n), policy(), later)))
      left.insert(gone);
  CHECK(left == std::set<std::string>{"b.big.test", "c.big.test", text(1)});
  CHECK(book.is_placed("a.big.test"));
}

TEST_CASE("A-12 a hundred registered domains that fill the book lock nobody out") {
  Book book({.policies = 1000, .negatives = 100});
  for (int n = 0; n < 1000; ++n)
    fetched(book,
            domain("n" + std::to_string(n) + ".attacker" + std::to_string(n % 100) + ".test"));
  REQUIRE(book.policies() == 1000);
  for (int n = 0; n < 100; ++n) CHECK(fetched(book, name(n)).kept);
  // And once they are in, the attackers' newcomers do not push them out.
  for (int n = 1000; n < 5000; ++n)
    fetched(book,
            domain("n" + std::to_string(n) + ".attacker" + std::to_string(n % 100) + ".test"));
  for (int n = 0; n < 100; ++n) CHECK(book.is_placed(text(n)));
}

TEST_CASE("A-12 enforce policies without a place are not pushed out by negatives") {
  Book book({.policies = 1, .negatives = 50, .unplaced = 3});
  fetched(book, name(0));
  for (int n = 1; n <= 3; ++n) fetched(book, name(n));
  for (int n = 100; n < 1000; ++n) absent(book, name(n));
  CHECK(book.unplaced() == 3);
  CHECK(book.negatives() == 50);
  for (int n = 1; n <= 3; ++n) {
    REQUIRE(book.find(text(n)));
    CHECK(book.find(text(n))->entry.is_valid(kNow));
  }
  // Of these the longest unused leaves.
  book.use(text(1));
  fetched(book, name(4));
  CHECK(book.find(text(1)) != nullptr);
  CHECK(book.find(text(2)) == nullptr);
  // With a place it is one of the policies again.
  book.forget(text(0));
  CHECK(fetched(book, name(3)).kept);
  CHECK(book.unplaced() == 2);
}

TEST_CASE("A-12 negatives: the largest registered domain gives way once all places are taken") {
  Book book({.policies = 10, .negatives = 100, .negatives_per_registered_domain = 5});
  absent(book, domain("other.test"));
  for (int n = 0; n < 1000; ++n) absent(book, domain("n" + std::to_string(n) + ".attacker.test"));
  CHECK(book.negatives() == 100);
  CHECK(book.find("other.test") != nullptr);
  CHECK(book.find("n0.attacker.test") == nullptr);
  CHECK(book.find("n999.attacker.test") != nullptr);
}

TEST_CASE("a policy from an earlier life is taken up whatever the limits") {
  Book book({.policies = 1, .negatives = 10});
  for (int n = 0; n < 20; ++n) {
    const auto who = domain("n" + std::to_string(n) + ".one.test");
    const auto stored = sts::renewal({}, "1", policy(), kNow);
    book.restore(who, std::make_shared<const sts::StoredPolicy>(stored), {.used_at = kNow}, kNow);
  }
  CHECK(book.policies() == 20);
  CHECK(book.find("n4.one.test")->entry.is_valid(kNow));
  CHECK(book.find("n4.one.test")->entry.is_due(kNow));
  // A newcomer of another registered domain gets a place, and the book does not grow for it.
  CHECK(displaced_by(fetched(book, name(1))).size() == 1);
  CHECK(book.policies() == 20);
}

TEST_CASE("a walk meets every policy, in parts") {
  Book book({.policies = 1000, .negatives = 1000});
  for (int n = 0; n < 300; ++n) fetched(book, name(n));
  for (int n = 300; n < 400; ++n) absent(book, name(n));
  for (const double share : {1.0, 1.0 / 12, 0.01}) {
    std::set<std::string> met;
    std::size_t from = 0;
    int parts = 0;
    do {
      from = book.walk(from, share,
                       [&](const std::string& who, Record&) { CHECK(met.insert(who).second); });
      ++parts;
    } while (from != 0);
    CHECK(met.size() == 300);
    CHECK(parts >= static_cast<int>(1 / share) / 2);
  }
}

TEST_CASE("kept replies go when the entry changes") {
  Book book({.policies = 1, .negatives = 10});
  book.open(name(1)).replies.push_back({{}, Decision::Kind::secure, kNow, {}, "x"});
  fetched(book, name(1));
  CHECK(book.find(text(1))->replies.empty());
}

TEST_CASE("D1 answers of all domains are forgotten at once, and nothing else of them") {
  Book book({});
  fetched(book, name(1));
  absent(book, name(2));
  const auto answer = [&](int n) {
    auto& record = book.open(name(n));
    record.replies = {{{}, Decision::Kind::secure, kNow + seconds{60}, {}, "wire"}};
    record.mx = std::make_shared<const MxHosts>(
        MxHosts{.names = {"mx.test"}, .until = base::SteadyTime{seconds{60}}});
  };
  const auto is_answered = [&](int n, bool wanted) {
    CAPTURE(n);
    CHECK(book.find(text(n))->replies.empty() != wanted);
    const auto& mx = book.find(text(n))->mx;
    CHECK((mx && mx->until > base::SteadyTime{}) == wanted);
  };
  for (const int n : {1, 2}) answer(n);
  for (const int n : {1, 2}) is_answered(n, true);
  book.forget_answers();
  for (const int n : {1, 2}) is_answered(n, false);
  // decisions.md 27: the names of the last day stay known where there is a policy.
  CHECK(book.find(text(1))->mx->names == std::vector<std::string>{"mx.test"});
  CHECK_FALSE(book.find(text(2))->mx);
  CHECK(book.find(text(1))->entry.is_valid(kNow));
  CHECK(book.find(text(2))->entry.absence == sts::Absence::no_record);
  for (const int n : {1, 2, 3}) answer(n);  // the third is new
  for (const int n : {1, 2, 3}) is_answered(n, true);
}

TEST_CASE("MX hosts stay when the entry changes, kept replies do not") {
  Book book({});
  fetched(book, name(1));
  auto& record = *book.find(text(1));
  record.replies.push_back({{}, Decision::Kind::secure, kNow + seconds{60}, {}, "wire"});
  record.mx = std::make_shared<const MxHosts>();
  absent(book, name(1));
  CHECK(record.replies.empty());
  CHECK(record.mx);
}

TEST_CASE("smaller limits are for newcomers: no policy leaves, negatives do") {
  Book book({.policies = 10, .negatives = 10});
  for (int n = 0; n < 10; ++n) fetched(book, name(n));
  for (int n = 10; n < 20; ++n) absent(book, name(n));
  book.set_limits({.policies = 3, .negatives = 4});
  CHECK(book.policies() == 10);
  CHECK(book.negatives() == 4);
  CHECK_FALSE(fetched(book, name(30)).kept);
  for (int n = 0; n < 10; ++n) CHECK(book.find(text(n))->entry.is_valid(kNow));
  book.set_limits({.policies = 12, .negatives = 4});
  CHECK(fetched(book, name(31)).kept);
}

TEST_CASE("failures are forgotten where the operator says so, and nothing else") {
  Book book({.policies = 10, .negatives = 10});
  const auto failed = name(1);
  book.advance(failed, sts::TxtFound{"1", seconds{3600}}, kNow);
  book.advance(failed, sts::FetchBegun{}, kNow);
  book.advance(failed, sts::FetchFailed{"1", {base::Fault::certificate, "expired"}}, kNow);
  absent(book, name(2));
  fetched(book, name(3));
  book.advance(name(3), sts::TxtFound{"1", seconds{3600}}, kNow);
  REQUIRE_FALSE(book.find(text(1))->entry.is_due(kNow));
  REQUIRE_FALSE(book.find(text(1))->entry.may_fetch("1", kNow));
  book.forget_failures();
  CHECK(book.find(text(1))->entry.is_due(kNow));
  CHECK(book.find(text(1))->entry.may_fetch("1", kNow));
  CHECK_FALSE(book.find(text(2))->entry.is_due(kNow));
  CHECK_FALSE(book.find(text(3))->entry.is_due(kNow));
  // A TXT record that was seen since hides a failure, and does not undo it.
  book.advance(name(4), sts::TxtFound{"1", seconds{60}}, kNow);
  book.advance(name(4), sts::FetchFailed{"1", {base::Fault::certificate, "expired"}}, kNow);
  book.advance(name(4), sts::TxtAbsent{sts::Absence::no_record, seconds{3600}}, kNow);
  book.advance(name(3), sts::FetchFailed{"1", {base::Fault::certificate, "expired"}}, kNow);
  book.advance(name(3), sts::TxtFound{"1", seconds{3600}}, kNow);
  REQUIRE_FALSE(book.find(text(4))->entry.may_fetch("1", kNow));
  REQUIRE(book.find(text(3))->entry.refresh_at > kNow);
  book.forget_failures();
  CHECK(book.find(text(4))->entry.may_fetch("1", kNow));
  CHECK_FALSE(book.find(text(4))->entry.is_due(kNow));
  CHECK(book.find(text(3))->entry.may_fetch("1", kNow));
  CHECK(book.find(text(3))->entry.refresh_at <= kNow);
  CHECK_FALSE(book.find(text(3))->entry.is_due(kNow));
  // Once: what fails again waits again.
  book.advance(failed, sts::FetchFailed{"1", {base::Fault::certificate, "expired"}}, kNow);
  CHECK_FALSE(book.find(text(1))->entry.may_fetch("1", kNow));
}
