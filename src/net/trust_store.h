#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/tls_context.h"
#include "net/trust_stamp.h"

namespace tlspolicyd::net {

/// A trust store that has been read, and what it was read from.
struct TrustStore {
  std::string ca_file;  ///< as for TlsContext, "" for the system's
  /// The state of its files before they were read; nothing if they had just changed.
  std::optional<TrustStamp> stamp;
  std::shared_ptr<const TlsContext> context;

  /// Reads it, which takes tens of milliseconds. From any thread. Throws std::runtime_error like
  /// TlsContext.
  static TrustStore load(const std::string& ca_file);

  /// True if reading that of `wanted` would give the same.
  bool is_current(const std::string& wanted) const;
};

}  // namespace tlspolicyd::net
