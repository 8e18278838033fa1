#include "admin/observation.h"

#include <fmt/format.h>

#include "admin/health.h"
#include "admin/metrics.h"
#include "admin/status_page.h"
#include "admin/words.h"

namespace tlspolicyd::admin {
namespace {

using net::HttpReply;
using net::HttpServer;

/// A reply made of a count of all policies.
template <class Make>
HttpServer::Handling after_survey(Surveyor& surveyor, const HttpServer::Done& done, Make make) {
  return {surveyor.count([done, make](const Census& census) { done(make(census)); })};
}

HttpReply health_reply(const Sources& sources) {
  const auto health = health_of(sources);
  nlohmann::json parts;
  for (const auto& part : health.parts) parts[std::string(part.name)] = name_of(part.state);
  return {
      .status = health.well ? 200 : 503,
      .body = text_of({{"well", health.well}, {"parts", parts}, {"troubles", health.troubles}})};
}

}  // namespace

std::optional<HttpServer::Handling> observe(const net::HttpRequest& request, const Sources& sources,
                                            Surveyor& surveyor, const HttpServer::Done& done) {
  if (request.path != "/metrics" && request.path != "/healthz") return std::nullopt;
  if (request.method != "GET") return wrong_method(request, "GET");
  if (request.path == "/healthz") return health_reply(sources);
  return after_survey(surveyor, done, [&sources](const Census& census) {
    return HttpReply{.body = metrics_text(sources, census), .media_type = kMetricsType};
  });
}

HttpServer::Handling serve_metrics(const net::HttpRequest& request, const Sources& sources,
                                   Surveyor& surveyor, const HttpServer::Done& done) {
  if (auto handling = observe(request, sources, surveyor, done)) return std::move(*handling);
  if (request.path != "/") return error_reply(404, "here are /, /metrics and /healthz");
  if (request.method != "GET") return wrong_method(request, "GET");
  return after_survey(surveyor, done, [&sources](const Census& census) {
    return HttpReply{.body = status_page(sources, census),
                     .media_type = "text/html; charset=utf-8"};
  });
}

HttpReply error_reply(int status, const std::string& text) {
  return {.status = status, .body = text_of({{"error", text}})};
}

HttpReply wrong_method(const net::HttpRequest& request, std::string_view right) {
  auto reply = error_reply(405, fmt::format("{} is for {}", request.path, right));
  reply.allow = right;
  return reply;
}

}  // namespace tlspolicyd::admin
