#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tool/postconf_output.h"
#include "tool/postfix_version.h"

namespace tlspolicyd::tool {

/// The installed Postfix and its configuration, asked and changed through postconf(1). Every call
/// runs it once and blocks until it ends, at most 10 s.
/// Errors: Fault::system, Fault::deadline, Fault::too_large, Fault::invalid; the text is one
/// printable line that begins with "postconf: ".
class Postconf {
 public:
  /// `directory` is that of main.cf; "" leaves the choice to Postfix.
  explicit Postconf(std::string directory) : directory_(std::move(directory)) {}

  /// The version of the programs. Of main.cf nothing is read: mail_version there is for show.
  base::Result<PostfixVersion> version() const;

  /// The parameters that main.cf sets, as they are written there, on one line each.
  base::Result<Settings> written(std::span<const char* const> names) const;
  /// The values that count, with $name expanded and defaults. Names that this version does not know
  /// are absent.
  base::Result<Settings> effective(std::span<const char* const> names) const;

  base::Result<std::vector<SmtpService>> smtp_services() const;
  base::Result<std::vector<ServiceOverride>> overrides() const;

  /// Writes "name = value" lines into main.cf, all or none of them.
  base::Result<bool> edit(const std::vector<std::string>& lines) const;

 private:
  /// What postconf prints with these arguments.
  base::Result<std::string> ask(std::vector<std::string> arguments) const;
  base::Result<std::string> ask_for(const char* option, std::span<const char* const> names) const;

  std::string directory_;
};

}  // namespace tlspolicyd::tool
