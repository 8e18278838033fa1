#include "sts/media_type.h"

#include <algorithm>

#include "base/ascii.h"

namespace tlspolicyd::sts {

bool is_text_plain(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && base::is_wsp(type.front())) type.remove_prefix(1);
  while (!type.empty() && base::is_wsp(type.back())) type.remove_suffix(1);
  constexpr std::string_view kTextPlain = "text/plain";
  return std::equal(type.begin(), type.end(), kTextPlain.begin(), kTextPlain.end(),
                    [](char a, char b) { return base::to_lower(a) == b; });
}

}  // namespace tlspolicyd::sts
