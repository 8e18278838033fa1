#pragma once

#include <string>

#include "store/database.h"

namespace tlspolicyd::store {

/// Reads what can be read of a damaged database of ours, and changes nothing in it: every row that
/// is still reachable, whose fields are valid and whose checksum is right. Of rows that turn up
/// twice the one fetched last counts. `bad` names the records that were reached but are no rows;
/// how many could not be reached, nobody knows.
/// Failure: not even its table can be found, or the file cannot be opened. `reading` then holds
/// nothing.
Failure salvage(const std::string& path, base::milliseconds patience, Reading& reading);

}  // namespace tlspolicyd::store
