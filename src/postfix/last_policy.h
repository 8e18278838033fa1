#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "service/decision.h"

namespace tlspolicyd::postfix {

/// What a connection was last told of a policy, and so by what the delivery is made that follows:
/// smtp(8) makes one at a time, and asks the delivery status filter on the same connection.
///
/// It does not say for which delivery it asks. Once it has, for what may be several recipients of
/// one message, the memory lasts for kAfterUse: the next delivery may be made by an entry of the
/// administrator's own, of which we are told nothing.
class LastPolicy {
 public:
  static constexpr base::milliseconds kAfterUse{2000};

  /// What an answer required.
  struct Required {
    std::shared_ptr<const sts::StoredPolicy> policy;  ///< nullptr if not known
    std::vector<std::string> names;  ///< of the compat profile: that a certificate may be valid for
    std::shared_ptr<const std::vector<std::string>> elsewhere;  ///< as service::Decision has it
  };

  /// An answer leaves. `reason` of one that is temporary. Allocates nothing once it has room.
  void answered(std::string_view domain, const service::Terms& terms, service::Decision::Kind kind,
                std::string_view reason) {
    domain_ = domain;
    terms_ = terms;
    kind_ = kind;
    reason_ = reason;
    required_.reset();
    used_ = {};
  }
  /// What the last answer required: said with the answer where it was made for it, found out when
  /// it is needed where it was known before.
  void set_required(Required required) { required_ = std::move(required); }
  const std::optional<Required>& required() const { return required_; }

  void forget() { kind_ = service::Decision::Kind::no_policy; }

  /// Called before it is used at `now`: whether it still tells of the present delivery.
  bool holds(base::SteadyTime now) {
    if (kind_ == service::Decision::Kind::no_policy) return false;
    if (used_ == base::SteadyTime{}) used_ = now;
    return now - used_ <= kAfterUse;
  }

  const std::string& domain() const { return domain_; }
  const service::Terms& terms() const { return terms_; }
  service::Decision::Kind kind() const { return kind_; }
  const std::string& reason() const { return reason_; }

 private:
  std::string domain_;
  service::Terms terms_;
  service::Decision::Kind kind_ = service::Decision::Kind::no_policy;
  std::string reason_;
  std::optional<Required> required_;
  base::SteadyTime used_{};  ///< when it was first used for a delivery status
};

}  // namespace tlspolicyd::postfix
