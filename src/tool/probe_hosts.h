#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "explain/mx_probe.h"

namespace tlspolicyd::tool {

/// By what hosts are looked up and judged.
struct ProbeMeans {
  std::vector<base::Endpoint> name_servers;  ///< empty: the system's
  std::string ca_file;                       ///< "": the system's trust store
};

/// `tlspolicy explain --connect`: probes the MX hosts of the plan over this host's own network,
/// some at a time; those that it leaves out are there as not tried. Throws std::runtime_error if
/// the trust store cannot be used.
std::vector<explain::MxProbe> probe_hosts(const ProbeMeans& means, const explain::ProbePlan& plan);

}  // namespace tlspolicyd::tool
