#pragma once

#include <string>

#include "base/result.h"

namespace tlspolicyd::store {

/// Where the file of this name is, with all symbolic links of its directory resolved (systemd's
/// StateDirectory may be one). The directory is made, mode 0700 as are its missing parents; one
/// that exists is left as it is, and refused if anybody but root and the effective user could
/// change what is in it (threat C-5). Error: Fault::system, a text that says what to do.
base::Result<std::string> path_in_safe_directory(const std::string& path);

/// Makes new and changed names in the directory of this file durable, as far as that can be had.
void sync_directory_of(const std::string& path);

}  // namespace tlspolicyd::store
