#pragma once

#include <string>

#include "base/domain_name.h"
#include "base/log.h"
#include "sts/lifecycle.h"

/// The log lines of a policy's life, for postmasters (RFC 8461 3.3, 10.2; RFC 8460 4.3).
namespace tlspolicyd::service {

/// A policy was fetched; `before` is what it replaces, nullptr if nothing. A warning if its max_age
/// is so short that a day of trouble ends it, said once for each id.
void log_fetched(const base::Log& log, const base::DomainName& domain,
                 const sts::StoredPolicy* before, const sts::StoredPolicy& policy, bool recovered);

/// A policy was taken up that another node of the fleet fetched; `before` as above. Of a mere
/// refresh only debug.
void log_adopted(const base::Log& log, const base::DomainName& domain,
                 const sts::StoredPolicy* before, const sts::StoredPolicy& policy);

/// The policy for `id` could not be fetched. Where one is still applied, says for how long; where
/// that one asks for nothing it is no warning.
void log_not_fetched(const base::Log& log, const base::DomainName& domain, const std::string& id,
                     const base::Error& why, const sts::Entry& entry, base::WallTime now);

/// A policy nears its end while its refreshes fail. REQUIRES: entry.stored.
void log_expiring(const base::Log& log, const std::string& domain, const sts::Entry& entry,
                  base::WallTime now);

/// An enforce policy has expired after failed refreshes. REQUIRES: entry.stored.
void log_expired(const base::Log& log, const std::string& domain, const sts::Entry& entry);

}  // namespace tlspolicyd::service
