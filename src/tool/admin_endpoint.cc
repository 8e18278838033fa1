#include "tool/admin_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace tlspolicyd::tool {

base::Result<std::optional<net::ListenAddress>> named_admin(const std::string& option) {
  const char* variable = std::getenv("TLSPOLICY_ADMIN");
  const auto text = !option.empty() ? option : variable != nullptr ? std::string(variable) : "";
  if (text.empty()) return std::optional<net::ListenAddress>();
  const auto address = net::parse_listen_address(text);
  if (address) return std::optional(*address);
  return base::Error{base::Fault::invalid,
                     fmt::format("{} {}: {}", option.empty() ? "TLSPOLICY_ADMIN" : "-a", text,
                                 address.error().text)};
}

std::optional<net::ListenAddress> admin_endpoint(const config::ReadConfig& read) {
  if (!read.config.admin.empty()) return read.config.admin.front();
  const bool mistaken =
      std::any_of(read.mistakes.begin(), read.mistakes.end(),
                  [](const auto& mistake) { return mistake.text.starts_with("admin"); });
  if (mistaken) return net::parse_listen_address(config::kDefaultAdmin).value();
  return std::nullopt;
}

}  // namespace tlspolicyd::tool
