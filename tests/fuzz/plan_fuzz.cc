#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "explain/plan_json.h"

using namespace tlspolicyd::explain;

/// What was taken for a plan is written as one that is read as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = nlohmann::json::parse(data, data + size, nullptr, false);
  const auto plan = plan_of(value);
  if (!plan) return 0;
  const auto written = json_of(*plan);
  const auto again = plan_of(written);
  if (!again || json_of(*again) != written) std::abort();
  return 0;
}
