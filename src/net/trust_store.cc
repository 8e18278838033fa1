#include "net/trust_store.h"

namespace tlspolicyd::net {

TrustStore TrustStore::load(const std::string& ca_file) {
  // The stamp first: what changes while it is read is then seen at the next look.
  auto before = TrustStamp::of(ca_file);
  return {ca_file, std::move(before), std::make_shared<const TlsContext>(ca_file)};
}

bool TrustStore::is_current(const std::string& wanted) const {
  const auto now = TrustStamp::of(wanted);
  return now && now == stamp;
}

}  // namespace tlspolicyd::net
