#include "dane/verdict.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace tlspolicyd::dane;

namespace {

/// One letter a host: u usable, n none, x no address, e error.
std::vector<HostFinding> hosts(const std::string& letters) {
  const std::map<char, HostState> states{{'u', HostState::usable},
                                         {'n', HostState::none},
                                         {'x', HostState::no_address},
                                         {'e', HostState::error}};
  std::vector<HostFinding> made;
  for (const char letter : letters) {
    const auto name = "mx" + std::to_string(made.size()) + ".test";
    made.push_back({name, states.at(letter),
                    letter == 'e' ? "SERVFAIL for TLSA _25._tcp." + name : std::string()});
  }
  return made;
}

}  // namespace

TEST_CASE("the gate's table: a secure MX RRset") {
  using enum Verdict::Kind;
  const struct {
    const char* name;
    const char* hosts;
    Verdict::Kind kind;
    Verdict::Kind with_mixed_sts;
  } rows[] = {
      {"D9 every host has usable TLSA", "uuu", dane, dane},
      {"D9 one host", "u", dane, dane},
      {"D17 mixed", "un", dane, sts},
      {"D17 mixed, the other order", "nnu", dane, sts},
      {"D11 one host in error beside a usable one", "ue", dane, dane},
      {"D11 D12 a broken backup MX first", "eu", dane, dane},
      {"D17 D11 mixed and in error", "une", dane, sts},
      {"D12 a host without address beside a usable one", "xu", dane, dane},
      {"D11 nobody usable, one in error", "ne", temporary, temporary},
      {"D11 all in error", "ee", temporary, temporary},
      {"D12 no address and an error", "xe", temporary, temporary},
      {"D10 only unusable or none", "nn", sts, sts},
      {"D12 no address among them", "xn", sts, sts},
      {"no host has an address", "xx", sts, sts},
      {"D22 null MX: no host at all", "", sts, sts},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.name));
    const auto found = hosts(row.hosts);
    CHECK(judge(found, Mixed::dane_only).kind == row.kind);
    CHECK(judge(found, Mixed::sts).kind == row.with_mixed_sts);
  }
}

TEST_CASE("D11 TEMP names the host and the record") {
  CHECK(judge(hosts("nee"), Mixed::dane_only).reason ==
        "MX host mx1.test: SERVFAIL for TLSA _25._tcp.mx1.test");
}

TEST_CASE("I11 every set of up to six hosts: never STS where a host has usable TLSA") {
  const std::string letters = "unxe";
  std::vector<std::string> sets{""};
  for (std::size_t at = 0; at < sets.size(); ++at) {
    const auto set = sets[at];
    const auto verdict = judge(hosts(set), Mixed::dane_only);
    CAPTURE(set);
    CHECK((verdict.kind == Verdict::Kind::dane) == (set.find('u') != std::string::npos));
    CHECK((verdict.kind == Verdict::Kind::temporary) ==
          (set.find('u') == std::string::npos && set.find('e') != std::string::npos));
    if (set.size() < 6)
      for (const char letter : letters) sets.push_back(set + letter);
  }
}

TEST_CASE("D5 D12 addresses: what A and AAAA say together") {
  using enum Outcome;
  using Verdict = AddressVerdict;
  const struct {
    Outcome a;
    Outcome aaaa;
    Verdict verdict;
  } rows[] = {
      {secure, secure, Verdict::secure},
      {secure, insecure, Verdict::secure},
      {secure, denial_secure, Verdict::secure},
      {secure, denial_insecure, Verdict::secure},
      {secure, error, Verdict::secure},
      {insecure, insecure, Verdict::insecure},
      {insecure, denial_secure, Verdict::insecure},
      {insecure, denial_insecure, Verdict::insecure},
      {insecure, error, Verdict::insecure},
      {denial_secure, denial_secure, Verdict::no_address},
      {denial_secure, denial_insecure, Verdict::no_address},
      {denial_insecure, denial_insecure, Verdict::no_address},
      {denial_secure, error, Verdict::error},
      // The zone is not signed: no TLSA record in it could be secure.
      {denial_insecure, error, Verdict::insecure},
      {error, error, Verdict::error},
  };
  for (const auto& row : rows) {
    CAPTURE(static_cast<int>(row.a));
    CAPTURE(static_cast<int>(row.aaaa));
    CHECK(address_verdict(row.a, row.aaaa) == row.verdict);
    CHECK(address_verdict(row.aaaa, row.a) == row.verdict);
  }
}

TEST_CASE("decisions 5 always: DANE where every host that can be used has usable TLSA") {
  for (const char* set : {"u", "uu", "ux", "xu"}) CHECK(all_usable(hosts(set)));
  for (const char* set : {"", "x", "n", "un", "ue", "e", "xn"}) CHECK_FALSE(all_usable(hosts(set)));
}
