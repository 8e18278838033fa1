#include "net/certificate_error.h"

#include <fmt/chrono.h>
#include <openssl/x509_vfy.h>

#include "net/release_date.h"

namespace tlspolicyd::net {

base::Error certificate_error(long verdict, base::WallTime now) {
  const auto* const cause = X509_verify_cert_error_string(verdict);
  if (verdict != X509_V_ERR_CERT_NOT_YET_VALID || now >= kReleaseDate)
    return {base::Fault::certificate, cause};
  return {base::Fault::system, fmt::format("{}: {}: it shows {:%F}", cause, kWrongClock, now)};
}

}  // namespace tlspolicyd::net
