#pragma once

#include <cstddef>
#include <string>

#include "service/book.h"

/// What the parts of a book take of the memory, in bytes: by the sizes of the objects and by what
/// malloc(3) adds. They err on the large side.
namespace tlspolicyd::service {

/// The stored form of a policy, with room for the longest id.
std::size_t size_of(const sts::Policy& policy);

/// A domain with its record, but for replies and MX hosts; at least `policy_size` for its policy.
std::size_t size_of(const std::string& domain, const Record& record, std::size_t policy_size);

/// What is kept to answer at once: replies and MX hosts.
std::size_t size_of_answers(const Record& record);

}  // namespace tlspolicyd::service
