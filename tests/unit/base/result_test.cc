#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

namespace tlspolicyd::base {
namespace {

constexpr Fault kFaults[] = {
    Fault::invalid,     Fault::dns_failed, Fault::dns_timeout, Fault::dns_unreachable,
    Fault::no_address,  Fault::connect,    Fault::tls,         Fault::address_refused,
    Fault::certificate, Fault::http,       Fault::http_status, Fault::media_type,
    Fault::too_large,   Fault::deadline,   Fault::overloaded,  Fault::system};

TEST_CASE("Every fault has a word of its own for logs and metrics") {
  std::set<std::string_view> words;
  for (auto fault : kFaults) {
    const auto word = name_of(fault);
    CAPTURE(word);
    CHECK(word != "unknown");
    CHECK(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
    CHECK(words.insert(word).second);
  }
  CHECK(name_of(Fault::dns_timeout) == "dns-timeout");
}

TEST_CASE("Decision 11 only an unreachable resolver, our limits and our system are own trouble") {
  for (auto fault : kFaults) {
    CAPTURE(name_of(fault));
    const bool own =
        fault == Fault::dns_unreachable || fault == Fault::overloaded || fault == Fault::system;
    CHECK(is_own_trouble(fault) == own);
  }
}

TEST_CASE("A result holds a value or an error") {
  const Result<std::string> good = std::string("value");
  CHECK(good.ok());
  CHECK(static_cast<bool>(good));
  CHECK(*good == "value");
  CHECK(good->size() == 5);
  const Result<std::string> bad = Error{Fault::tls, "handshake failed"};
  CHECK_FALSE(bad.ok());
  CHECK(bad.error() == Error{Fault::tls, "handshake failed"});
}

TEST_CASE("A result's value can be moved out, also one that does not copy") {
  Result<std::unique_ptr<int>> held = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(held);
  CHECK(*taken == 7);
}

TEST_CASE("A result copies like what it holds and can change sides") {
  Result<int> result = Error{Fault::http, "a"};
  const auto copy = result;
  result = 3;
  CHECK(result.value() == 3);
  CHECK(copy.error().fault == Fault::http);
}

}  // namespace
}  // namespace tlspolicyd::base
