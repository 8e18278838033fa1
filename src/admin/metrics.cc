#include "admin/metrics.h"

namespace tlspolicyd::admin {

std::string metrics_text(const Sources&, const Census&) { return ""; }

}  // namespace tlspolicyd::admin
