#include "gate_table.h"

#include <algorithm>
#include <array>

namespace tlspolicyd::property {

Says says(const base::Result<net::DnsAnswer>& answer) {
  if (!answer) return Says::error;
  if (answer->kind == net::DnsAnswer::Kind::records)
    return answer->authenticated ? Says::secure : Says::insecure;
  return answer->authenticated ? Says::denied : Says::denied_insecurely;
}

Addresses addresses(Says a, Says aaaa) {
  using enum Addresses;
  // One secure family suffices; an insecure answer shows an unsigned zone, whatever the other does.
  constexpr std::array<std::array<Addresses, 5>, 5> kTable{{
      // AAAA: secure, insecure, denied,   denied insecurely, error
      {secure, secure, secure, secure, secure},          // A: secure
      {secure, insecure, insecure, insecure, insecure},  //    insecure
      {secure, insecure, absent, absent, error},         //    denied
      {secure, insecure, absent, absent, insecure},      //    denied insecurely
      {secure, insecure, error, insecure, error},        //    error
  }};
  return kTable[static_cast<std::size_t>(a)][static_cast<std::size_t>(aaaa)];
}

bool is_usable(const net::TlsaRecord& record) {
  struct Row {
    int usage;
    int matching;
    std::size_t length;
  };
  constexpr std::array<Row, 4> kUsable{{{2, 1, 32}, {2, 2, 64}, {3, 1, 32}, {3, 2, 64}}};
  return record.selector <= 1 && std::any_of(kUsable.begin(), kUsable.end(), [&](const Row& row) {
           return record.usage == row.usage && record.matching_type == row.matching &&
                  record.data.size() == row.length;
         });
}

Base tlsa(Says says, bool has_usable) {
  switch (says) {
    case Says::secure: return has_usable ? Base::usable : Base::none;  // D9, D10
    case Says::insecure: return Base::next;                            // D7
    case Says::denied: return Base::next;
    case Says::denied_insecurely: return Base::next;
    case Says::error: return Base::error;  // D11
  }
  return Base::error;
}

Governs gate(const std::vector<HostIs>& hosts) {
  const auto some = [&](HostIs state) {
    return std::find(hosts.begin(), hosts.end(), state) != hosts.end();
  };
  if (some(HostIs::usable)) return Governs::dane_only;  // D9, D17: whatever the others are
  if (some(HostIs::error)) return Governs::temporary;   // D11, D12
  return Governs::sts;                                  // D10, D12, D22: none, absent, no host
}

}  // namespace tlspolicyd::property
