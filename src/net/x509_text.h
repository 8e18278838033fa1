#pragma once

#include <openssl/types.h>

#include <string>

/// What a certificate says, as text. Not printable by itself: it is what its issuer wrote.
namespace tlspolicyd::net {

/// As RFC 2253 has it.
std::string one_line(const X509_NAME* name);

/// "Nov 28 16:27:43 2026 GMT".
std::string text_of(const ASN1_TIME* time);

}  // namespace tlspolicyd::net
