#include "tool/explain_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"
#include "tool/admin_client.h"
#include "tool/colour.h"
#include "tool/explain.h"
#include "tool/probe_hosts.h"

namespace tlspolicyd::tool {
namespace {

using nlohmann::json;

struct Explained {
  std::string source;  ///< who found it
  json document;
  std::string text;
};

/// What the daemon finds, or why it cannot be asked.
base::Result<Explained> ask_daemon(const net::ListenAddress& daemon, const std::string& key) {
  const base::Error unexpected{base::Fault::invalid, text_of(daemon) + ": unexpected reply"};
  const auto reply =
      ask_admin(daemon, "GET", fmt::format("/explain?text=1&domain={}", query_escaped(key)));
  if (!reply) return reply.error();
  auto document = json::parse(reply->body, nullptr, false);
  if (reply->status != 200 || !document.is_object()) return unexpected;
  const auto text = document.find("text");
  if (text == document.end() || !text->is_string() || !document["result"].is_string())
    return unexpected;
  Explained explained{.source = "daemon", .document = {}, .text = {}};
  explained.text = fmt::format("{:<10} the daemon at {}\n{}", "asked", text_of(daemon),
                               text->get_ref<const std::string&>());
  document.erase("text");
  explained.document = std::move(document);
  return explained;
}

Explained find_out(const ExplainOptions& options, const config::Config& config,
                   const std::string& why_not_daemon) {
  auto explanation = explain(config, options.key);
  if (options.connect) probe_hosts(config, explanation);
  return {.source = "standalone",
          .document = json::parse(as_json(explanation)),
          .text = fmt::format("{:<10} this host's network, not the daemon ({})\n{}", "asked",
                              base::printable(why_not_daemon), as_text(explanation))};
}

Explained find_out(const ExplainOptions& options, const config::Config& config) {
  if (!options.daemon || options.connect) return find_out(options, config, "as wished");
  auto by_daemon = ask_daemon(*options.daemon, options.key);
  if (by_daemon) return std::move(*by_daemon);
  return find_out(options, config, by_daemon.error().text);
}

}  // namespace

int explain_command(const ExplainOptions& options, const config::Config& config) {
  auto explained = find_out(options, config);
  const auto code = exit_code_of(
      explain::outcome_of(explained.document.at("result").get_ref<const std::string&>()));
  explained.document["source"] = explained.source;
  fmt::print("{}", options.json     ? explained.document.dump(2) + "\n"
                   : wants_colour() ? in_colour(explained.text)
                                    : explained.text);
  return code;
}

}  // namespace tlspolicyd::tool
