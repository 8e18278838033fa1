#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/sources.h"
#include "base/operation.h"

namespace tlspolicyd::admin {

/// A refresh that an operator asked for, and waits for. It goes on if nobody waits any more. What
/// is held of the domain's MX hosts and of their TLSA records is dropped (decisions.md 27).
class Refresh final : public base::Operation {
 public:
  /// {"domain":, "outcome": "fetched" | "failed" | "held-back" | "no-policy", "why": text}, and
  /// "policy" as in a list, if there is one now.
  using Done = std::function<void(const nlohmann::json&)>;

  /// nullptr if something is under way for the domain already. `service` and what `sources` refers
  /// to must outlive the look-ups.
  static std::unique_ptr<Refresh> begin(const Sources& sources, service::PolicyService& service,
                                        const base::DomainName& domain, Done done);
  ~Refresh() override { *done_ = nullptr; }

 private:
  explicit Refresh(std::shared_ptr<Done> done) : done_(std::move(done)) {}

  std::shared_ptr<Done> done_;
};

}  // namespace tlspolicyd::admin
