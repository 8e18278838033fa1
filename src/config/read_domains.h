#pragma once

#include "config/config.h"
#include "config/section.h"

namespace tlspolicyd::config {

/// The operator's word for single domains (domains:): off, pinned, {policy:} or {dane:}.
void read_domains(Section& top, Config& config);

}  // namespace tlspolicyd::config
