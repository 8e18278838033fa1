// Keys from whoever reaches the socket: a next-hop's domain is one that may be looked up and
// echoed, and the next-hop written anew reads the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/ascii.h"
#include "postfix/next_hop.h"

namespace {

using namespace tlspolicyd;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_domain(const base::DomainName& domain) {
  const auto& text = domain.text();
  require(!domain.is_single_label() && !base::Address::parse(text).ok());
  for (const char* special : {"localhost", "invalid", "onion", "local"})
    require(domain.top_level() != special);
  require(domain.below("_mta-sts").ok() && domain.below("mta-sts").ok());
  std::string_view rest = text;
  while (!rest.empty()) {
    auto label = std::string(rest.substr(0, rest.find('.')));
    rest.remove_prefix(std::min(label.size() + 1, rest.size()));
    std::replace(label.begin(), label.end(), '_', 'x');
    require(base::is_host_label(label));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view key(reinterpret_cast<const char*>(data), size);
  const auto next_hop = postfix::parse_next_hop(key);
  if (!next_hop.ok()) {
    const auto& text = next_hop.error().text;
    require(!text.empty() && text.size() <= 200 && base::is_printable(text));
    return 0;
  }
  check_domain(next_hop->domain);
  require(next_hop->port != 0);
  require(next_hop->bracketed == key.starts_with('['));
  const auto& host = next_hop->domain.text();
  const auto written =
      (next_hop->bracketed ? "[" + host + "]" : host) + ":" + std::to_string(next_hop->port);
  const auto again = postfix::parse_next_hop(written);
  require(again.ok() && *again == *next_hop);
  return 0;
}
