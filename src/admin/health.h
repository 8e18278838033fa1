#pragma once

#include <string>
#include <vector>

#include "admin/sources.h"

namespace tlspolicyd::admin {

/// Whether the daemon does what it is for. Names no domain.
struct Health {
  bool well = true;
  std::vector<std::string> troubles;  ///< for people, one line each; may be there though it is well
};

Health health_of(const Sources& sources);

}  // namespace tlspolicyd::admin
