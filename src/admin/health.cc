#include "admin/health.h"

namespace tlspolicyd::admin {

Health health_of(const Sources&) { return {}; }

}  // namespace tlspolicyd::admin
