#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// What postconf(1) prints, read. Lines of another form are passed over.
namespace tlspolicyd::tool {

/// Parameters of main.cf by name.
using Settings = std::map<std::string, std::string, std::less<>>;

/// "" for one that is not there.
std::string value_in(const Settings& settings, std::string_view name);

/// "name = value" lines.
Settings parse_settings(std::string_view text);

/// A service of master.cf that runs smtp(8), the client that asks for TLS policies.
struct SmtpService {
  std::string name;
  std::string chroot;  ///< "y", "n", or "-" for Postfix's default
  bool operator==(const SmtpService&) const = default;
};

/// Of `postconf -M`, the rows of smtp(8).
std::vector<SmtpService> parse_smtp_services(std::string_view text);

/// A parameter that a service of master.cf sets for itself (-o).
struct ServiceOverride {
  std::string service;  ///< "relay/unix"
  std::string name;
  std::string value;
  bool operator==(const ServiceOverride&) const = default;
};

/// "service/type/name = value" lines, of `postconf -P`.
std::vector<ServiceOverride> parse_overrides(std::string_view text);

/// What went wrong, of what postconf wrote to standard error: the fatal line, else the last one;
/// printable.
std::string parse_complaint(std::string_view text);

}  // namespace tlspolicyd::tool
