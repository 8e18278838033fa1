#include "tool/running_daemon.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "config/read_config.h"
#include "tool/admin_client.h"

namespace tlspolicyd::tool {
namespace {

using base::Error;
using base::Fault;
using nlohmann::json;

// It looks at all its policies for the reply, a part at a time.
constexpr base::seconds kPatience{10};

std::string text_in(const json& value, const char* key) { return value.at(key).get<std::string>(); }

/// Throws json::exception for what the daemon would not tell.
RunningDaemon read(const json& status) {
  RunningDaemon daemon;
  daemon.pid = status.at("pid").get<pid_t>();
  const auto& configuration = status.at("configuration");
  daemon.file = base::printable(text_in(configuration, "file"));
  daemon.loaded_at = base::printable(text_in(configuration, "loaded_at"));
  auto in_force = config::read_config(text_in(configuration, "in_force"));
  daemon.config = std::move(in_force.config);
  daemon.mistakes = std::move(in_force.mistakes);
  for (const auto& served : status.at("endpoints")) {
    const auto address = net::parse_listen_address(text_in(served, "endpoint"));
    if (address && text_in(served, "service") == "socketmap") daemon.listen.push_back(*address);
  }
  daemon.cache_file = text_in(status.at("disk"), "file");
  return daemon;
}

}  // namespace

config::Config RunningDaemon::as_it_is() const {
  auto all = config;
  if (!listen.empty()) all.listen = listen;
  if (!cache_file.empty()) all.cache.path = cache_file;
  return all;
}

base::Result<RunningDaemon> parse_running_daemon(std::string_view status) {
  try {
    return read(json::parse(status));
  } catch (const json::exception&) {
    return Error{Fault::invalid, "it does not tell its configuration: is it of another version?"};
  }
}

base::Result<RunningDaemon> ask_running_daemon(const net::ListenAddress& admin) {
  const auto name = text_of(admin);
  const auto reply = ask_admin(admin, "GET", "/status", kPatience);
  if (!reply) return reply.error();
  if (reply->status != 200)
    return Error{Fault::invalid, fmt::format("{}: status {}", name, reply->status)};
  auto daemon = parse_running_daemon(reply->body);
  if (!daemon) return Error{daemon.error().fault, fmt::format("{}: {}", name, daemon.error().text)};
  daemon->admin = name;
  return daemon;
}

}  // namespace tlspolicyd::tool
