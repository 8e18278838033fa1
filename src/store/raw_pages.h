#pragma once

#include <functional>
#include <string_view>

#include "store/record.h"

namespace tlspolicyd::store {

/// Calls `found` for each record of our table in the pages of a database file, whatever else of it
/// is damaged: neither the header nor the tree is needed. `image` is the whole file
/// (https://www.sqlite.org/fileformat2.html), of any content. The fields are as they were found,
/// their checksum not compared.
void for_each_record(std::string_view image, const std::function<void(const Record&)>& found);

}  // namespace tlspolicyd::store
