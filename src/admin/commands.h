#pragma once

#include <functional>
#include <string>

#include "admin/sources.h"
#include "admin/surveyor.h"
#include "base/log.h"
#include "explain/explainer.h"
#include "net/http_server.h"

namespace tlspolicyd::admin {

/// What operators act on, besides what they look at; all must outlive whoever has it.
struct Controls {
  service::PolicyService& service;
  service::Keeper& keeper;
  explain::Explainer::Ports explain;
  /// As the configuration is at the moment.
  std::function<explain::Explainer::Settings()> explain_settings;
  const base::Log& log;
};

/// The operator's commands, as requests whose replies are JSON objects:
///
///     GET  /status                          how the daemon does
///     GET  /list?mode=&limit=&from=         policies, see list()
///     GET  /show?domain=                    all that is remembered of a domain, and
///     operators_word() POST /forget?domain=                  forgets it, in memory and on disk
///     POST /refresh?domain=                 fetches its policy now, and says what came of it
///     GET  /explain?domain=                 every step of the decision (explain::as_json()); with
///                                           text=1 also "text", the same for people; with
///                                           connect=1 also "probe": what is to be asked of the MX
///                                           hosts (explain/plan_json.h), and by what
///     GET  /metrics, /healthz               see observe()
///
/// What cannot be done is {"error": text} with status 400 (the request is wrong), 403 (a page in a
/// browser asks, or may: over TCP the Host must be an address or localhost), 404 (nothing is known
/// of the domain, or there is no such command), 409 (something else is under way for the domain),
/// 503 (kMostExplained explanations are under way).
class Commands {
 public:
  static constexpr std::uint64_t kMostListed = 1000;
  /// Explanations under way: each asks the network as much as an unknown domain's question.
  static constexpr std::size_t kMostExplained = 8;

  /// All that is given, and all that it refers to, must outlive it.
  Commands(const Sources& sources, Surveyor& surveyor, Controls controls)
      : sources_(sources), surveyor_(surveyor), controls_(std::move(controls)) {}

  net::HttpServer::Handling handle(const net::HttpRequest& request, net::HttpServer::Done done);

 private:
  using Handling = net::HttpServer::Handling;
  using Done = net::HttpServer::Done;
  using Command = Handling (Commands::*)(const net::HttpRequest& request, const Done& done);
  struct Route;
  class Explaining;

  Handling status(const net::HttpRequest& request, const Done& done);
  Handling list(const net::HttpRequest& request, const Done& done);
  Handling show(const net::HttpRequest& request, const Done& done);
  Handling forget(const net::HttpRequest& request, const Done& done);
  Handling refresh(const net::HttpRequest& request, const Done& done);
  Handling explain(const net::HttpRequest& request, const Done& done);

  const Sources& sources_;
  Surveyor& surveyor_;
  Controls controls_;
  std::size_t explained_ = 0;  ///< at the moment
};

}  // namespace tlspolicyd::admin
