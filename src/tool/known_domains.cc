#include "tool/known_domains.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "tool/admin_client.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {
namespace {

using nlohmann::json;

constexpr int kEnough = 1000;

}  // namespace

int print_known_domains(const net::ListenAddress& daemon, const std::string& beginning) {
  int printed = 0;
  std::uint64_t next = 0;
  try {
    do {
      const auto reply = ask_admin(daemon, "GET", fmt::format("/list?from={}&limit=1000", next));
      if (!reply) return kUnavailable;
      if (reply->status != 200) return kTemporary;
      const auto part = json::parse(reply->body);
      for (const auto& policy : part.at("policies")) {
        const auto& domain = policy.at("domain").get_ref<const std::string&>();
        if (domain.compare(0, beginning.size(), beginning) != 0) continue;
        fmt::print("{}\n", base::printable(domain));
        if (++printed == kEnough) return kFound;
      }
      // Whoever waits for the list may not wait for its end.
      std::fflush(stdout);
      next = part.at("next").get<std::uint64_t>();
    } while (next != 0);
  } catch (const json::exception&) {
    return kTemporary;
  }
  return kFound;
}

}  // namespace tlspolicyd::tool
