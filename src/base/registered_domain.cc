#include "base/registered_domain.h"

#include <libpsl.h>

namespace tlspolicyd::base {

std::string registered_domain(const DomainName& name) {
  // The built-in list is constant data of the library: no file is read, nothing is freed.
  const char* found = psl_registrable_domain(psl_builtin(), name.text().c_str());
  return found != nullptr ? found : name.text();
}

bool has_public_suffix_list() {
  return psl_builtin() != nullptr && psl_suffix_count(psl_builtin()) != 0;
}

}  // namespace tlspolicyd::base
