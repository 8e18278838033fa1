#pragma once

#include <string>

#include "base/domain_name.h"

namespace tlspolicyd::base {

/// The registered domain of a name by the Public Suffix List: "a.b.example.co.uk" gives
/// "example.co.uk". What shares it shares an owner, and so a quota. A name that is itself a public
/// suffix is returned whole.
std::string registered_domain(const DomainName& name);

/// False if libpsl was built without a list: then every name is a registered domain of its own, and
/// no quota binds.
bool has_public_suffix_list();

}  // namespace tlspolicyd::base
