#include "tool/postconf_output.h"

#include <optional>
#include <utility>

#include "base/log.h"

namespace tlspolicyd::tool {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

template <class Use>
void each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    use(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  for (;;) {
    const auto first = line.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return found;
    const auto end = line.find_first_of(kBlanks, first);
    found.push_back(line.substr(first, end - first));
    if (end == std::string_view::npos) return found;
    line.remove_prefix(end);
  }
}

std::optional<std::pair<std::string_view, std::string_view>> setting(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return {};
  const auto name = trimmed(line.substr(0, equals));
  if (name.empty()) return {};
  return std::pair(name, trimmed(line.substr(equals + 1)));
}

}  // namespace

std::string value_in(const Settings& settings, std::string_view name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

Settings parse_settings(std::string_view text) {
  Settings settings;
  each_line(text, [&](std::string_view line) {
    if (const auto found = setting(line))
      settings.insert_or_assign(std::string(found->first), std::string(found->second));
  });
  return settings;
}

std::vector<SmtpService> parse_smtp_services(std::string_view text) {
  // service, type, private, unprivileged, chroot, wake-up, processes, command (master(5))
  constexpr std::size_t kType = 1, kChroot = 4, kCommand = 7;
  std::vector<SmtpService> services;
  each_line(text, [&](std::string_view line) {
    const auto columns = words(line);
    if (columns.size() > kCommand && columns[kType] == "unix" && columns[kCommand] == "smtp")
      services.push_back({std::string(columns[0]), std::string(columns[kChroot])});
  });
  return services;
}

std::vector<ServiceOverride> parse_overrides(std::string_view text) {
  std::vector<ServiceOverride> overrides;
  each_line(text, [&](std::string_view line) {
    const auto found = setting(line);
    if (!found) return;
    const auto slash = found->first.rfind('/');
    if (slash == std::string_view::npos) return;
    overrides.push_back({std::string(found->first.substr(0, slash)),
                         std::string(found->first.substr(slash + 1)), std::string(found->second)});
  });
  return overrides;
}

std::string parse_complaint(std::string_view text) {
  std::string_view last;
  bool fatal = false;
  each_line(text, [&](std::string_view line) {
    line = trimmed(line);
    if (line.empty() || fatal) return;
    last = line;
    fatal = line.find(": fatal: ") != std::string_view::npos;
  });
  return base::printable(last);
}

}  // namespace tlspolicyd::tool
