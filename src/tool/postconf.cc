#include "tool/postconf.h"

#include <fmt/format.h>

#include "tool/subprocess.h"

namespace tlspolicyd::tool {
namespace {

using base::Error;
using base::Fault;
using base::Result;

template <class Read>
auto read_if_ok(const Result<std::string>& printed, Read read) -> Result<decltype(read(""))> {
  if (!printed) return printed.error();
  return read(*printed);
}

}  // namespace

Result<std::string> Postconf::ask(std::vector<std::string> arguments) const {
  std::vector<std::string> command{"postconf"};
  if (!directory_.empty()) command.insert(command.end(), {"-c", directory_});
  command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                 std::make_move_iterator(arguments.end()));
  auto done = run_program(std::move(command));
  if (!done) return done.error();
  if (done->exit_code == 0) return std::move(done->out);
  const auto complaint = parse_complaint(done->err);
  if (complaint.empty())
    return Error{Fault::system, fmt::format("postconf: ended with {}", done->exit_code)};
  return Error{Fault::system,
               complaint.starts_with("postconf: ") ? complaint : "postconf: " + complaint};
}

Result<std::string> Postconf::ask_for(const char* option,
                                      std::span<const char* const> names) const {
  std::vector<std::string> arguments{option};
  arguments.insert(arguments.end(), names.begin(), names.end());
  return ask(std::move(arguments));
}

Result<PostfixVersion> Postconf::version() const {
  const auto settings = read_if_ok(ask({"-d", "mail_version"}), parse_settings);
  if (!settings) return settings.error();
  const auto found = settings->find("mail_version");
  if (found == settings->end())
    return Error{Fault::invalid, "postconf: does not tell its mail_version"};
  auto version = parse_postfix_version(found->second);
  if (!version) return Error{Fault::invalid, "postconf: " + version.error().text};
  return version;
}

Result<Settings> Postconf::written(std::span<const char* const> names) const {
  return read_if_ok(ask_for("-n", names), parse_settings);
}

Result<Settings> Postconf::effective(std::span<const char* const> names) const {
  return read_if_ok(ask_for("-x", names), parse_settings);
}

Result<std::vector<SmtpService>> Postconf::smtp_services() const {
  return read_if_ok(ask({"-M"}), parse_smtp_services);
}

Result<std::vector<ServiceOverride>> Postconf::overrides() const {
  return read_if_ok(ask({"-P"}), parse_overrides);
}

Result<bool> Postconf::edit(const std::vector<std::string>& lines) const {
  std::vector<std::string> arguments{"-e"};
  arguments.insert(arguments.end(), lines.begin(), lines.end());
  return read_if_ok(ask(std::move(arguments)), [](std::string_view) { return true; });
}

}  // namespace tlspolicyd::tool
