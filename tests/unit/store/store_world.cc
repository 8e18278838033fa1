#include "store_world.h"

#include <sqlite3.h>

namespace tlspolicyd::store {

bool sql(const std::string& path, const std::string& statements) {
  sqlite3* handle = nullptr;
  const bool went_well =
      sqlite3_open(path.c_str(), &handle) == SQLITE_OK &&
      sqlite3_exec(handle, statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(handle);
  return went_well;
}

}  // namespace tlspolicyd::store
