#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/domain_name.h"
#include "base/result.h"

namespace tlspolicyd::postfix {

/// The operator's word for single policy domains, before everything else (decisions.md 13).
class Overrides {
 public:
  /// "There is no policy", whatever the domain says.
  void set_off(const base::DomainName& domain);
  /// A TLS policy as smtp_tls_policy_maps has it, e.g. "secure match=mx.example.org". Error:
  /// Fault::invalid for what Postfix would not understand, of any version that has MTA-STS maps.
  base::Result<bool> set_policy(const base::DomainName& domain, const std::string& policy);

  /// The reply, as a netstring; "" if there is no word for the domain.
  std::string_view find(std::string_view domain) const {
    if (replies_.empty()) return {};
    const auto found = replies_.find(domain);
    return found == replies_.end() ? std::string_view() : std::string_view(found->second);
  }
  /// The words themselves by domain, "" for "off".
  std::map<std::string, std::string> policies() const;
  std::size_t size() const { return replies_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> replies_;
};

}  // namespace tlspolicyd::postfix
