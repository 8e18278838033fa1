#include "service/mx_matcher.h"

#include <algorithm>

namespace tlspolicyd::service {

MxMatcher::MxMatcher(const std::vector<sts::MxPattern>& patterns) {
  for (const auto& pattern : patterns) {
    if (!pattern.is_matchable()) continue;
    const std::string_view text = pattern.text();
    if (pattern.is_wildcard()) {
      suffixes_.push_back(text.substr(2));
    } else {
      names_.push_back(text);
    }
  }
  std::sort(names_.begin(), names_.end());
  std::sort(suffixes_.begin(), suffixes_.end());
}

bool MxMatcher::allows(std::string_view host) const {
  if (std::binary_search(names_.begin(), names_.end(), host)) return true;
  const auto dot = host.find('.');
  if (dot == 0 || dot == std::string_view::npos) return false;
  return std::binary_search(suffixes_.begin(), suffixes_.end(), host.substr(dot + 1));
}

}  // namespace tlspolicyd::service
