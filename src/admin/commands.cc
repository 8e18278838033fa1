#include "admin/commands.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "admin/entry.h"
#include "admin/observation.h"
#include "admin/operators_word.h"
#include "admin/refresh.h"
#include "admin/status.h"
#include "admin/words.h"
#include "base/number.h"
#include "explain/plan_json.h"
#include "sts/policy_domain.h"

namespace tlspolicyd::admin {
namespace {

using net::HttpReply;
using net::HttpRequest;
using nlohmann::json;

// Buckets of the book that one list looks at, however few policies it finds.
constexpr std::size_t kMostBuckets = 5000;

/// What to ask the MX hosts, and by whose name servers and certificates.
json probe_json(const explain::Explanation& explanation,
                const explain::Explainer::Settings& settings) {
  auto servers = json::array();
  for (const auto& server : settings.name_servers) servers.push_back(server.text());
  return {{"plan", json_of(plan_probes(explanation))},
          {"ca_file", settings.ca_file},
          {"name_servers", std::move(servers)}};
}

HttpReply json_reply(const json& value) { return {.body = text_of(value)}; }

/// The policy domain of a request, or the reply to a bad one.
std::variant<base::DomainName, HttpReply> domain_of(const HttpRequest& request) {
  const auto text = request.parameter("domain");
  if (text.empty()) return error_reply(400, "domain= is missing");
  auto domain = sts::policy_domain(text);
  if (!domain) return error_reply(400, "domain: " + domain.error().text);
  return *domain;
}

HttpReply not_known(const std::string& domain) {
  return error_reply(404, "nothing is known of " + domain);
}

HttpReply busy(const std::string& domain) {
  return error_reply(409, "something is under way for " + domain + ": try again in a moment");
}

/// A number of the query, or what is wrong with it.
base::Result<std::uint64_t> number_of(const HttpRequest& request, std::string_view name,
                                      std::uint64_t fallback, std::uint64_t least,
                                      std::uint64_t most) {
  const auto text = request.parameter(name);
  if (text.empty()) return fallback;
  auto number = base::parse_number(text, least, most);
  if (!number)
    return base::Error{number.error().fault, fmt::format("{}: {}", name, number.error().text)};
  return number;
}

}  // namespace

struct Commands::Route {
  std::string_view path;
  std::string_view method;
  Command command;
};

/// An explanation under way, which counts.
class Commands::Explaining final : public base::Operation {
 public:
  template <class... A>
  explicit Explaining(std::size_t& count, A&&... of)
      : count_(++count), explainer_(std::forward<A>(of)...) {}
  ~Explaining() override { --count_; }

 private:
  std::size_t& count_;
  explain::Explainer explainer_;
};

Commands::Handling Commands::handle(const HttpRequest& request, Done done) {
  static constexpr std::array kRoutes{
      Route{"/status", "GET", &Commands::status},    Route{"/list", "GET", &Commands::list},
      Route{"/show", "GET", &Commands::show},        Route{"/forget", "POST", &Commands::forget},
      Route{"/refresh", "POST", &Commands::refresh}, Route{"/explain", "GET", &Commands::explain}};
  // Where the endpoint is no unix socket, any page in a browser of this machine could reach it, and
  // read what it says if the page's name resolves to this address (DNS rebinding).
  if (request.from_page) return error_reply(403, "requests of a browser are rejected");
  if (!request.over_unix && !request.is_for_address())
    return error_reply(403, "expected an IP address or localhost as Host");
  for (const auto& route : kRoutes) {
    if (request.path != route.path) continue;
    if (request.method != route.method) return wrong_method(request, route.method);
    return (this->*route.command)(request, done);
  }
  if (auto observed = observe(request, sources_, surveyor_, done)) return std::move(*observed);
  return error_reply(404, "no such command");
}

Commands::Handling Commands::status(const HttpRequest&, const Done& done) {
  return {std::make_unique<Survey>(
      sources_.book, sources_.clock, sources_.timers,
      [this, done](const Census& census) { done(json_reply(status_json(sources_, census))); })};
}

/// A part of the policies, in no order: about `limit` of them, of one mode if that is given, and
/// "next", which is the next part's `from`; 0 after the last.
Commands::Handling Commands::list(const HttpRequest& request, const Done&) {
  const auto limit = number_of(request, "limit", kMostListed, 1, kMostListed);
  if (!limit) return error_reply(400, limit.error().text);
  const auto from = number_of(request, "from", 0, 0, UINT64_MAX);
  if (!from) return error_reply(400, from.error().text);
  const auto word = request.parameter("mode");
  const auto mode = sts::mode_of(word);
  if (!word.empty() && !mode) return error_reply(400, "mode: enforce, testing or none is expected");
  const auto now = sources_.clock.wall();
  const auto settings = controls_.explain_settings();
  auto policies = json::array();
  std::size_t next = *from;
  for (std::size_t bucket = 0; bucket < kMostBuckets && policies.size() < *limit; ++bucket) {
    next =
        sources_.book.walk(next, 0, [&](const std::string& domain, const service::Record& record) {
          const auto& stored = record.entry.stored;
          if (!stored || (mode && stored->policy.mode != *mode)) return;
          auto summary = summary_json(domain, record.entry, now, sources_.refresher.rules());
          summary["operator"] = operators_word(settings, domain);
          policies.push_back(std::move(summary));
        });
    if (next == 0) break;
  }
  return json_reply({{"policies", std::move(policies)}, {"next", next}});
}

Commands::Handling Commands::show(const HttpRequest& request, const Done&) {
  auto domain = domain_of(request);
  if (auto* wrong = std::get_if<HttpReply>(&domain)) return std::move(*wrong);
  const auto& name = std::get<base::DomainName>(domain).text();
  const auto* record = sources_.book.find(name);
  auto word = operators_word(controls_.explain_settings(), name);
  if (!record && word.is_null()) return not_known(name);
  auto out = record ? record_json(name, *record, sources_.clock, sources_.refresher.rules())
                    : json{{"domain", name}};
  out.update({{"operator", std::move(word)}, {"observe", sources_.facts.observe}});
  return json_reply(out);
}

Commands::Handling Commands::forget(const HttpRequest& request, const Done& done) {
  auto domain = domain_of(request);
  if (auto* wrong = std::get_if<HttpReply>(&domain)) return std::move(*wrong);
  const auto& name = std::get<base::DomainName>(domain).text();
  const auto* record = sources_.book.find(name);
  if (!record) return not_known(name);
  const auto stored = record->entry.stored;
  json out{{"domain", name}, {"policy", nullptr}};
  if (stored)
    out["policy"] =
        summary_json(name, record->entry, sources_.clock.wall(), sources_.refresher.rules());
  auto forgetting = controls_.keeper.forget(name, [done, out](bool durable) mutable {
    out["durable"] = durable;
    done(json_reply(out));
  });
  if (!forgetting) return busy(name);
  controls_.log.warning("forgotten, as the operator wishes",
                        {{"domain", name},
                         {"mode", stored ? name_of(stored->policy.mode) : "none known"},
                         {"id", stored ? stored->id : ""}});
  return forgetting;
}

Commands::Handling Commands::refresh(const HttpRequest& request, const Done& done) {
  auto domain = domain_of(request);
  if (auto* wrong = std::get_if<HttpReply>(&domain)) return std::move(*wrong);
  const auto& name = std::get<base::DomainName>(domain);
  auto refresh = Refresh::begin(sources_, controls_.service, name,
                                [done](const json& outcome) { done(json_reply(outcome)); });
  if (!refresh) return busy(name.text());
  return base::OperationPtr(std::move(refresh));
}

Commands::Handling Commands::explain(const HttpRequest& request, const Done& done) {
  const auto key = request.parameter("domain");
  if (key.empty()) return error_reply(400, "domain= is missing");
  if (explained_ >= kMostExplained)
    return error_reply(503, "other explanations are under way: try again in a moment");
  const bool with_text = request.parameter("text") == "1";
  auto settings = controls_.explain_settings();
  settings.wants_mx = request.parameter("connect") == "1";
  return {std::make_unique<Explaining>(
      explained_, controls_.explain, settings, std::string(key),
      [this, done, with_text, settings](explain::Explanation explanation) {
        const auto* record = sources_.book.find(explanation.domain);
        explanation.cached = explain::Cached{};
        if (record) explanation.cached->policy = record->entry.stored;
        explanation.cached->now = sources_.clock.wall();
        auto out = json::parse(as_json(explanation));
        out["configuration"] = sources_.facts.configuration;
        if (with_text) out["text"] = as_text(explanation);
        if (settings.wants_mx) out["probe"] = probe_json(explanation, settings);
        done(json_reply(out));
      })};
}

}  // namespace tlspolicyd::admin
