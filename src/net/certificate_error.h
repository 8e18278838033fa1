#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace tlspolicyd::net {

/// What the text of an error contains whose cause is the clock of this machine.
inline constexpr std::string_view kWrongClock = "the clock of this machine is wrong";

/// The error for a certificate that OpenSSL refused with `verdict` (X509_V_ERR_...) while this
/// machine's clock said `now`: Fault::certificate with the cause as
/// X509_verify_cert_error_string(3) has it.
///
/// Fault::system where a certificate is not yet valid and the clock is behind the release of this
/// program: such a clock (no battery, no NTP yet) refuses every certificate, which must defer mail
/// and not send it unprotected.
base::Error certificate_error(long verdict, base::WallTime now);

}  // namespace tlspolicyd::net
