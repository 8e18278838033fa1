#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/operation.h"
#include "service/dane_hosts.h"

namespace tlspolicyd::service {

/// What was found of the MX hosts of one domain, and how long all of it holds.
struct GateFindings {
  std::vector<dane::HostFinding> hosts;  ///< by preference
  base::seconds valid_for{0};
};

/// Looks at the MX hosts of one domain whose MX RRset is secure: the first kMostHosts by
/// preference, kAtOnce of them at a time. Hosts that are not done with after kPatience are in
/// error.
class DaneGate final : public base::Operation {
 public:
  static constexpr std::size_t kMostHosts = 32;
  static constexpr std::size_t kAtOnce = 8;
  static constexpr base::seconds kPatience{15};

  using Done = std::function<void(GateFindings)>;

  /// `names` as MxHosts has them. `hosts` and `timers` must outlive it.
  DaneGate(DaneHosts& hosts, base::Timers& timers, const std::vector<std::string>& names,
           std::uint16_t port, Done done);

 private:
  void look_at_next();
  void on_host(std::size_t at, const DaneHosts::Known& known);
  void note(std::size_t at, const DaneHosts::Known& known);
  void finish();

  DaneHosts& hosts_;
  std::uint16_t port_;
  Done done_;
  GateFindings findings_;
  std::vector<base::DomainName> names_;    ///< of findings_.hosts
  std::vector<base::OperationPtr> looks_;  ///< the same; empty where none is under way
  std::size_t next_ = 0;
  std::size_t under_way_ = 0;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::service
