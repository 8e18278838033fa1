#include "service/book.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::service;

namespace {

base::DomainName name(int n) {
  return base::DomainName::parse("d" + std::to_string(n) + ".test").value();
}
std::string text(int n) { return name(n).text(); }
constexpr base::WallTime kNow{base::seconds{1'000'000'000}};

sts::PolicyFetched enforce() {
  sts::Policy policy;
  policy.mode = sts::Mode::enforce;
  policy.max_age = base::seconds{86400};
  return {"1", policy};
}

}  // namespace

TEST_CASE("decisions 19: negatives are bounded and never push out a policy") {
  Book book({.policies = 10, .negatives = 5});
  book.advance(name(0), enforce(), kNow);
  for (int n = 1; n <= 1000; ++n)
    book.advance(name(n), sts::TxtAbsent{sts::Absence::no_record, base::seconds{300}}, kNow);
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
  book.find(text(1));
  book.open(name(3));
  CHECK(book.find(text(1)) != nullptr);
  CHECK(book.find(text(2)) == nullptr);
}

TEST_CASE("a record keeps its address when it becomes a policy") {
  Book book({.policies = 10, .negatives = 10});
  const auto* before = &book.open(name(1));
  book.advance(name(1), enforce(), kNow);
  CHECK(book.find(text(1)) == before);
  CHECK(book.policies() == 1);
  CHECK(book.negatives() == 0);
}

TEST_CASE("at the limit of policies a newcomer is remembered among the negatives") {
  Book book({.policies = 1, .negatives = 10});
  book.advance(name(1), enforce(), kNow);
  book.advance(name(2), enforce(), kNow);
  CHECK(book.policies() == 1);
  REQUIRE(book.find(text(2)));
  CHECK(book.find(text(2))->entry.is_valid(kNow));
}

TEST_CASE("kept replies go when the entry changes") {
  Book book({.policies = 1, .negatives = 10});
  book.open(name(1)).replies.push_back({{}, kNow, "x"});
  book.advance(name(1), enforce(), kNow);
  CHECK(book.find(text(1))->replies.empty());
}
