#include <doctest/doctest.h>
#include <fmt/format.h>
#include <malloc.h>

#include <memory>

#include "base/registered_domain.h"
#include "service/book.h"

#if defined(__SANITIZE_ADDRESS__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // g++ 12 has no header for it
#endif

using namespace tlspolicyd;
using namespace tlspolicyd::service;
using base::seconds;
using Part = Book::Part;

namespace {

constexpr base::WallTime kNow{seconds{1'000'000'000}};
constexpr std::size_t kMiB = std::size_t{1} << 20;

base::DomainName domain(const std::string& text) { return base::DomainName::parse(text).value(); }

/// A policy of `count` mx lines, each of about 120 octets.
sts::Policy policy(int count, sts::Mode mode = sts::Mode::enforce) {
  sts::Policy made;
  made.mode = mode;
  made.max_age = seconds{86400};
  made.line_order = "vm" + std::string(static_cast<std::size_t>(count), 'x') + "a";
  for (int n = 0; n < count; ++n)
    made.mx.push_back(
        sts::MxPattern::parse(fmt::format("{0:a>50}{1}.{0:b>50}.example", "", n)).value());
  return made;
}

Book::Place fetched(Book& book, const base::DomainName& who, const sts::Policy& what) {
  auto place = book.admit(who, what, kNow);
  book.advance(who,
               sts::PolicyFetched{std::make_shared<const sts::StoredPolicy>(
                   sts::renewal(book.open(who).entry, "1", what, kNow))},
               kNow);
  return place;
}

#if defined(__SANITIZE_ADDRESS__)
// Its allocator is not the one that mallinfo2() knows.
std::size_t heap_in_use() { return __sanitizer_get_current_allocated_bytes(); }
#else
std::size_t heap_in_use() { return ::mallinfo2().uordblks; }
#endif

bool is_bounded(const Book& book) {
  for (const auto part : Book::kParts)
    if (book.bytes(part) > book.limit_of(part)) return false;
  return true;
}

}  // namespace

TEST_CASE("F20 maximal policies: what is counted stays below the limit, and so does the heap") {
  const auto before = heap_in_use();
  Book book({.memory = 16 * kMiB});
  const auto largest = policy(510);
  for (int n = 0; n < 1000; ++n) {
    fetched(book, domain(fmt::format("d{}.test", n)), largest);
    REQUIRE(is_bounded(book));
  }
  const auto taken = heap_in_use() - before;
  MESSAGE("1000 policies of 510 mx: ", book.policies(), " placed, ", book.unplaced(),
          " without a place, ", book.bytes() / 1024, " KiB counted, ", taken / 1024,
          " KiB of heap");
  CHECK(book.policies() > 50);
  CHECK(book.unplaced() > 5);
  CHECK(taken <= 16 * kMiB);
  CHECK(taken <= book.bytes() + kMiB / 4);
  // Not far from it either.
  CHECK(taken * 10 >= book.bytes() * 8);
}

TEST_CASE("F20 ordinary policies and negatives cost what is counted for them") {
  constexpr std::size_t kCount = 5000;
  const auto measured = [](const std::string& what, const Book& book, std::size_t before) {
    const auto taken = heap_in_use() - before;
    MESSAGE(what, ": ", book.bytes() / kCount, " bytes counted, ", taken / kCount,
            " bytes of heap");
    CHECK(taken <= book.bytes());
    CHECK(taken * 10 >= book.bytes() * 7);
  };
  {
    const auto before = heap_in_use();
    Book book({});
    for (std::size_t n = 0; n < kCount; ++n) {
      auto ordinary = policy(0);
      ordinary.line_order = "vmxxa";
      for (const int host : {1, 2})
        ordinary.mx.push_back(
            sts::MxPattern::parse(fmt::format("mx{}.domain{}.test", host, n)).value());
      fetched(book, domain(fmt::format("domain{}.test", n)), ordinary);
    }
    measured("a policy with two MX patterns", book, before);
  }
  const auto before = heap_in_use();
  Book book({});
  for (std::size_t n = 0; n < kCount; ++n) book.open(domain(fmt::format("other{}.test", n)));
  measured("a negative", book, before);
}

TEST_CASE("F20 policies that grow beyond the memory lose their places, and are still applied") {
  Book book({.memory = kMiB});
  for (int n = 0; n < 100; ++n)
    REQUIRE(fetched(book, domain(fmt::format("d{}.test", n)), policy(1)).kept);
  int placed = 0;
  for (int n = 0; n < 100; ++n) {
    const auto who = domain(fmt::format("d{}.test", n));
    const bool is_kept = fetched(book, who, policy(500)).kept;
    placed += static_cast<int>(is_kept);
    CHECK(book.is_placed(who.text()) == is_kept);
    REQUIRE(is_bounded(book));
    const auto* record = book.find(who.text());
    REQUIRE(record != nullptr);
    CHECK(record->entry.is_valid(kNow));
  }
  CHECK(placed > 2);
  CHECK(placed < 10);
  // The same size again needs no more room.
  REQUIRE(book.is_placed("d0.test"));
  const auto before = book.bytes(Part::policies);
  CHECK(fetched(book, domain("d0.test"), policy(500)).kept);
  CHECK(book.bytes(Part::policies) == before);
}

TEST_CASE("B-2 F20 a full cache: a policy that grows when it is refreshed keeps its place") {
  Book book({.memory = 4 * kMiB});
  int count = 0;
  while (fetched(book, domain(fmt::format("d{}.test", count)), policy(2)).kept) ++count;
  REQUIRE(count > 1000);
  // Nobody has more than its share: newcomers find no place, and what is there grows.
  CHECK_FALSE(fetched(book, domain("newcomer.test"), policy(1)).kept);
  for (int n = 0; n < 100; ++n) {
    const auto place = fetched(book, domain(fmt::format("d{}.test", n)), policy(5));
    CHECK(place.kept);
    CHECK(place.displaced.empty());
    REQUIRE(is_bounded(book));
  }
  CHECK(book.policies() == static_cast<std::size_t>(count));
  // What was left for growth is not for newcomers, even by way of small ones that grow.
  CHECK_FALSE(fetched(book, domain("newcomer.test"), policy(1)).kept);
  for (int n = 100; n < 200; ++n) {
    fetched(book, domain(fmt::format("d{}.test", n)), policy(500));
    REQUIRE(is_bounded(book));
    CHECK(book.find(fmt::format("d{}.test", n))->entry.is_valid(kNow));
  }
  // Those that took it give it back to whoever stays within the share.
  for (int n = 0; n < 100; ++n)
    CHECK(fetched(book, domain(fmt::format("d{}.test", n)), policy(8)).kept);
}

TEST_CASE("A-12c registered domains with one large policy each shut nobody out") {
  Book book({.memory = 16 * kMiB});
  for (int n = 0; n < 100; ++n)
    REQUIRE(fetched(book, domain(fmt::format("old{}.test", n)), policy(1)).kept);
  int large = 0;
  while (fetched(book, domain(fmt::format("large{}.test", large)), policy(510)).kept) ++large;
  REQUIRE(large > 50);
  int small = 0;
  while (fetched(book, domain(fmt::format("gap{}.test", small)), policy(1)).displaced.empty() &&
         small < 1000)
    ++small;
  CHECK(small < 1000);
  for (int n = 0; n < 1000; ++n) {
    const auto place = fetched(book, domain(fmt::format("new{}.test", n)), policy(2));
    CHECK(place.kept);
    CHECK(place.displaced.size() <= 1);
  }
  for (int n = 0; n < 100; ++n)
    CHECK(fetched(book, domain(fmt::format("old{}.test", n)), policy(2)).kept);
  // And the large ones do not come back by turns.
  for (int n = 0; n < 2 * large; ++n)
    fetched(book, domain(fmt::format("large{}.test", n)), policy(510));
  for (int n = 0; n < 1000; ++n) CHECK(book.is_placed(fmt::format("new{}.test", n)));
  CHECK(is_bounded(book));
}

TEST_CASE("A-12c one newcomer displaces few policies, or none if they are not enough") {
  Book book({.memory = 4 * kMiB});
  int count = 0;
  while (fetched(book, domain(fmt::format("c{}.hoster.test", count)), policy(2)).kept) ++count;
  for (int n = 0; n < 20; ++n)
    CHECK(fetched(book, domain(fmt::format("d{}.test", n)), policy(510)).displaced.empty());
  CHECK(book.policies() == static_cast<std::size_t>(count));
  const auto place = fetched(book, domain("within.share.test"), policy(20));
  CHECK(place.kept);
  CHECK(place.displaced.size() > 1);
  CHECK(place.displaced.size() <= Book::kMostGivingWay);
  for (const auto& left : place.displaced) {
    CHECK(left.enforced);
    REQUIRE(book.find(left.domain));
    CHECK(book.find(left.domain)->entry.is_valid(kNow));
  }
}

TEST_CASE("F20 what the DNS said is counted, also where it is long") {
  constexpr std::size_t kCount = 5000;
  const auto before = heap_in_use();
  Book book({});
  for (std::size_t n = 0; n < kCount; ++n)
    book.advance(domain(fmt::format("d{}.test", n)),
                 sts::TxtFailed{base::Error{base::Fault::dns_failed, std::string(300, 'x')}}, kNow);
  const auto taken = heap_in_use() - before;
  MESSAGE("a negative with 300 octets of the DNS: ", book.bytes() / kCount, " bytes counted, ",
          taken / kCount, " bytes of heap");
  CHECK(book.negatives() == kCount);
  CHECK(taken * 100 <= book.bytes() * 101);
}

TEST_CASE("F20 decisions 29: the largest registered domain gives way by its bytes") {
  Book book({.memory = 4 * kMiB});
  for (int n = 0; n < 100; ++n)
    fetched(book, domain(fmt::format("n{}.large.test", n)), policy(500));
  const auto placed = book.policies();
  REQUIRE(placed < 30);
  // Room for 200 ordinary policies of others.
  for (int n = 0; n < 200; ++n)
    CHECK(fetched(book, domain(fmt::format("d{}.test", n)), policy(2)).kept);
  CHECK(book.policies() > 200);
  CHECK(is_bounded(book));
}

TEST_CASE("F20 decisions 29: nobody leaves for a policy that finds no room all the same") {
  Book book({.memory = kMiB});
  int n = 0;
  while (fetched(book, domain(fmt::format("n{}.big.test", n)), policy(2)).kept) ++n;
  // Larger than what the registered domain has in excess.
  const auto before = book.policies();
  for (int m = 0; m < 20; ++m) fetched(book, domain(fmt::format("d{}.test", m)), policy(500));
  // It keeps as much as each of the others has.
  CHECK(before > 400);
  CHECK(book.policies() > 80);
  const auto settled = book.policies();
  for (int m = 20; m < 40; ++m) {
    const auto place = fetched(book, domain(fmt::format("d{}.test", m)), policy(500));
    CHECK_FALSE(place.kept);
    CHECK(place.displaced.empty());
  }
  CHECK(book.policies() == settled);
}

TEST_CASE("F20 kept replies are counted, and the oldest leave") {
  Book book({.memory = kMiB});
  const std::string wire(4000, 'x');
  for (int n = 0; n < 100; ++n) {
    const auto who = domain(fmt::format("d{}.test", n));
    fetched(book, who, policy(1));
    auto& record = *book.find(who.text());
    record.replies.push_back({{}, Decision::Kind::secure, kNow + seconds{60}, {}, wire});
    book.account(record);
    REQUIRE(is_bounded(book));
    CHECK(record.replies.size() == 1);
  }
  CHECK(book.policies() == 100);
  CHECK(book.find("d0.test")->replies.empty());
  CHECK(book.bytes(Part::answers) > book.limit_of(Part::answers) / 2);
}

TEST_CASE("F20 what has ended is dropped: replies at once, MX hosts a day later") {
  Book book({});
  const base::SteadyTime steady{seconds{1000}};
  fetched(book, domain("a.test"), policy(1));
  auto& record = *book.find("a.test");
  record.replies.push_back(
      {{}, Decision::Kind::secure, kNow + seconds{60}, steady + seconds{60}, "wire"});
  record.mx = std::make_shared<const MxHosts>(
      MxHosts{.names = {"mx.a.test"}, .seen = steady, .until = steady + seconds{60}});
  book.account(record);
  CHECK(book.bytes(Part::answers) > 0);
  book.drop_ended_answers(record, kNow, steady);
  CHECK(record.replies.size() == 1);
  book.drop_ended_answers(record, kNow + seconds{60}, steady + seconds{60});
  CHECK(record.replies.empty());
  CHECK(record.mx != nullptr);
  book.drop_ended_answers(record, kNow + seconds{86400}, steady + seconds{86400});
  CHECK(record.mx == nullptr);
  CHECK(book.bytes(Part::answers) == 0);
}

TEST_CASE("F20 less memory: negatives, answers and what has no place leave at once") {
  Book book({.policies = 50, .memory = 16 * kMiB});
  for (int n = 0; n < 100; ++n) fetched(book, domain(fmt::format("d{}.test", n)), policy(20));
  for (int n = 0; n < 1000; ++n) book.open(domain(fmt::format("n{}.test", n)));
  REQUIRE(book.unplaced() == 50);
  book.set_limits({.policies = 50, .memory = kMiB});
  CHECK(book.policies() == 50);
  CHECK(book.unplaced() < 50);
  CHECK(book.negatives() < 1000);
  CHECK(book.bytes(Part::negatives) <= book.limit_of(Part::negatives));
  CHECK(book.bytes(Part::unplaced) <= book.limit_of(Part::unplaced));
}

TEST_CASE("F20 a file with more than the memory can hold is not loaded whole") {
  Book book({.memory = 4 * kMiB});
  int kept = 0;
  for (int n = 0; n < 1000; ++n) {
    const auto who = domain(fmt::format("n{}.large.test", n));
    const auto stored =
        std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "1", policy(500), kNow));
    kept += static_cast<int>(book.restore(who, stored, {}, kNow).kept);
  }
  CHECK(is_bounded(book));
  CHECK(kept == static_cast<int>(book.policies()));
  CHECK(book.negatives() == 0);
  // Whoever comes after a large registered domain in the file is not shut out by it.
  const auto small =
      std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "1", policy(1), kNow));
  CHECK(book.restore(domain("small.test"), small, {}, kNow).kept);
}

TEST_CASE("what is forgotten is counted no more") {
  Book book({});
  for (int n = 0; n < 50; ++n) {
    fetched(book, domain(fmt::format("d{}.test", n)), policy(n % 7 + 1));
    book.open(domain(fmt::format("x{}.d.test", n)));
  }
  for (int n = 0; n < 50; ++n) {
    book.forget(fmt::format("d{}.test", n));
    book.forget(fmt::format("x{}.d.test", n));
  }
  CHECK(book.bytes() == 0);
  CHECK(book.policies() + book.negatives() == 0);
}

TEST_CASE("libpsl has a list: without one no quota of a registered domain would bind") {
  CHECK(base::has_public_suffix_list());
}
