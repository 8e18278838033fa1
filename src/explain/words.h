#pragma once

#include <string>
#include <string_view>

#include "dane/verdict.h"
#include "net/dns.h"
#include "sts/txt_record.h"

namespace tlspolicyd::explain {

/// "ok", "none", "invalid", "several".
std::string_view word_of(sts::TxtSelection::Verdict verdict);

/// What is known of an MX host, for people.
std::string_view describe(dane::HostState state);

/// A TLSA record as zone files write it, its data cut after 16 octets: "3 1 1 0123...".
std::string text_of(const net::TlsaRecord& record);

/// Whether it counts for DANE.
bool is_usable(const net::TlsaRecord& record);

}  // namespace tlspolicyd::explain
