#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/sources.h"
#include "admin/surveyor.h"
#include "net/http_server.h"

namespace tlspolicyd::admin {

/// What monitoring asks for: GET /metrics and /healthz. Nothing for any other path.
///
/// /healthz is a JSON object {"well":, "parts": {NAME: "ok" | "degraded" | "unwell"}, "troubles":
/// [...]}, with status 503 if it is not well; see health_of().
std::optional<net::HttpServer::Handling> observe(const net::HttpRequest& request,
                                                 const Sources& sources, Surveyor& surveyor,
                                                 const net::HttpServer::Done& done);

/// The endpoint for monitoring: the above, and a page for people at "/". Nothing that it serves
/// changes anything or names a domain. `sources` and `surveyor` must outlive what it returns.
net::HttpServer::Handling serve_metrics(const net::HttpRequest& request, const Sources& sources,
                                        Surveyor& surveyor, const net::HttpServer::Done& done);

/// A reply to what cannot be done: {"error": text}.
net::HttpReply error_reply(int status, const std::string& text);
/// The same for a request by another method than the one that its path has.
net::HttpReply wrong_method(const net::HttpRequest& request, std::string_view right);

}  // namespace tlspolicyd::admin
