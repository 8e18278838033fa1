#pragma once

#include <string>

#include "store/database.h"

namespace tlspolicyd::store {

/// Reads what can be read of a damaged database of ours, from its pages and without its tree, and
/// changes nothing in it: every row whose fields are valid and whose checksum is right. Of rows
/// that turn up twice the one fetched last counts. `bad` names the records that were found but are
/// no rows; what lay in pages that are gone, nobody knows. Empty if there is nothing. REQUIRES: the
/// file is not open.
Reading salvage(const std::string& path);

}  // namespace tlspolicyd::store
