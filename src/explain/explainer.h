#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/operation.h"
#include "base/prefix.h"
#include "explain/explanation.h"
#include "explain/fresh_service.h"
#include "postfix/next_hop.h"
#include "postfix/overrides.h"

namespace tlspolicyd::explain {

/// Explains the answer for one next-hop: lets a service that knows nothing yet find it, in every
/// profile, and tells what was asked of the network on the way. Takes as long as the answers.
class Explainer final : public base::Operation {
 public:
  /// How long it waits to hear whether the resolver validates.
  static constexpr base::milliseconds kResolverPatience{2000};

  using Done = std::function<void(Explanation)>;

  /// What an explanation needs of the world; all must outlive the Explainer.
  struct Ports {
    net::Resolver& resolver;
    FreshService::MakeHttps make_https;
    base::Clock& clock;
    base::Timers& timers;
  };
  struct Settings {
    service::DaneRules dane;
    service::Inquiry::Settings inquiry;
    postfix::Overrides overrides{};
    bool observe = false;
    std::vector<base::Prefix> allow_addresses;  ///< of policy hosts
    bool wants_mx = false;                      ///< look the MX hosts up, whatever the answer
    // What a probe of the MX hosts needs beside the explanation:
    std::string ca_file{};                       ///< "" for the system's trust store
    std::vector<base::Endpoint> name_servers{};  ///< empty: the system's
  };

  Explainer(Ports ports, Settings settings, std::string key, Done done);

 private:
  void soon(void (Explainer::*what)());
  void on_noted();
  void ask();
  void ask_for_mx();
  void finish();

  void tell_txt();
  void tell_policy_host();
  void tell_mx();
  void tell_gate();
  void tell_withheld();
  void apply_override();
  bool has_failed(bool by_ourselves) const;
  Outcome outcome() const;

  Ports ports_;
  Settings settings_;
  Done done_;
  Explanation out_;
  std::optional<postfix::NextHop> next_hop_;
  service::Decision decision_;  ///< of the first map
  bool asked_ = false;
  std::size_t answered_ = 0;
  std::optional<FreshService> fresh_;
  base::OperationPtr next_;
  std::array<base::OperationPtr, 2> work_;
};

}  // namespace tlspolicyd::explain
