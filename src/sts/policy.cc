#include "sts/policy.h"

namespace tlspolicyd::sts {
namespace {

constexpr Mode kModes[] = {Mode::enforce, Mode::testing, Mode::none};

}  // namespace

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::enforce: return "enforce";
    case Mode::testing: return "testing";
    case Mode::none: return "none";
  }
  return "none";
}

std::optional<Mode> mode_of(std::string_view word) {
  for (auto mode : kModes)
    if (word == name_of(mode)) return mode;
  return std::nullopt;
}

std::vector<std::string> policy_lines(const Policy& policy) {
  std::vector<std::string> lines;
  lines.reserve(policy.line_order.size());
  auto mx = policy.mx.begin();
  for (char kind : policy.line_order) {
    switch (kind) {
      case 'v': lines.emplace_back("version: STSv1"); break;
      case 'm': lines.push_back("mode: " + std::string(name_of(policy.mode))); break;
      case 'a': lines.push_back("max_age: " + std::to_string(policy.max_age.count())); break;
      case 'x':
        if (mx != policy.mx.end()) lines.push_back("mx: " + (mx++)->text());
        break;
      default: break;
    }
  }
  return lines;
}

}  // namespace tlspolicyd::sts
