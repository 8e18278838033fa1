#include "base/result.h"

namespace tlspolicyd::base {

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::invalid: return "invalid";
    case Fault::dns_failed: return "dns-failed";
    case Fault::dns_timeout: return "dns-timeout";
    case Fault::dns_unreachable: return "dns-unreachable";
    case Fault::no_address: return "no-address";
    case Fault::address_refused: return "address-refused";
    case Fault::connect: return "connect";
    case Fault::tls: return "tls";
    case Fault::certificate: return "certificate";
    case Fault::http: return "http";
    case Fault::http_status: return "http-status";
    case Fault::media_type: return "media-type";
    case Fault::too_large: return "too-large";
    case Fault::deadline: return "deadline";
    case Fault::overloaded: return "overloaded";
    case Fault::system: return "system";
  }
  return "unknown";
}

bool is_own_trouble(Fault fault) {
  return fault == Fault::dns_unreachable || fault == Fault::overloaded || fault == Fault::system;
}

}  // namespace tlspolicyd::base
