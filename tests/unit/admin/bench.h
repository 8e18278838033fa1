#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "admin/commands.h"
#include "fakes/fake_service.h"
#include "fakes/fake_web.h"
#include "net/loop.h"
#include "postfix/responder.h"
#include "postfix/server.h"

namespace tlspolicyd::admin {

/// The real service on a faked world, and the admin layer's commands on it.
struct Bench : fakes::FakeService {
  std::string said;
  explain::Explainer::Settings configured = settings();
  base::Log loud{base::Severity::debug, base::Log::Format::text,
                 [this](auto, std::string_view line) { said.append(line).append("\n"); }};
  net::Loop loop;
  postfix::Responder responder{service, {}, time, log};
  postfix::Server server{loop, [] { return nullptr; }, log, 1};
  Facts facts{.started_at = time.wall(),
              .started = time.steady(),
              .configuration = "/etc/tlspolicyd/tlspolicyd.yaml",
              .configured_at = time.wall(),
              .cache_file = "/var/lib/tlspolicyd/cache.db",
              .mistake = {},
              .awaits_start = {},
              .endpoints = {{"socketmap", "inet:127.0.0.1:8461"}},
              .observe = false};
  ReloadTally reloads;
  LoopLag lag{time, time};
  net::DnsTally dns;
  net::HttpsTally https;
  postfix::DelegationTally delegation;
  Sources sources{responder,      book,       life.keeper, life.fleet, life.dane, service,
                  life.refresher, life.slots, server,      server,     time,      time,
                  facts,          reloads,    lag,         dns,        https,     delegation};
  Surveyor surveyor{book, time, time};
  Commands commands{
      sources,
      surveyor,
      {.service = service,
       .keeper = life.keeper,
       .explain = {network, [this](auto&) { return std::make_unique<fakes::FakeWeb>(network); },
                   time, time},
       .explain_settings = [this] { return configured; },
       .log = loud}};

  static explain::Explainer::Settings settings() {
    return {
        .dane = {.mode = service::DaneMode::off, .mixed = dane::Mixed::dane_only, .domains = {}},
        .inquiry = {.patience = {base::seconds{10}, base::seconds{30}},
                    .defer_on_dns_error = false},
        .allow_addresses = {}};
  }

  /// A domain with a policy and one MX host.
  void publish(const std::string& domain, const std::string& id = "1",
               const std::string& mode = "enforce") {
    net::DnsAnswer txt;
    txt.kind = net::DnsAnswer::Kind::records;
    txt.ttl = base::seconds{300};
    txt.txt = {"v=STSv1; id=" + id + ";"};
    network.set_dns({"_mta-sts." + domain, net::RecordType::txt}, {.outcome = base::Result(txt)});
    net::DnsAnswer mx;
    mx.kind = net::DnsAnswer::Kind::records;
    mx.ttl = base::seconds{300};
    mx.mx = {{10, "mx." + domain}};
    network.set_dns({domain, net::RecordType::mx}, {.outcome = base::Result(mx)});
    const auto body =
        "version: STSv1\nmode: " + mode + "\nmx: mx." + domain + "\nmax_age: 604800\n";
    network.set_https("mta-sts." + domain,
                      {.outcome = base::Result(net::HttpsReply{200, "text/plain", body, {}})});
  }

  /// As Postfix asks.
  void ask(const std::string& domain) {
    const auto question =
        service.ask({base::DomainName::parse(domain).value(), {}}, [](const auto&) {});
    time.pass(base::seconds{1});
  }

  /// What the commands reply to a request, as status and JSON; waits a minute at most.
  struct Reply {
    int status = 0;
    nlohmann::json body{};
    std::string error() const { return std::to_string(status) + " " + body.value("error", ""); }
  };
  std::optional<Reply> request(const std::string& method, const std::string& path,
                               std::map<std::string, std::string, std::less<>> query = {}) {
    std::optional<net::HttpReply> reply;
    const net::HttpRequest asked{
        .method = method, .path = path, .query = std::move(query), .body = {}, .from_page = false};
    auto handling = commands.handle(asked, [&](net::HttpReply told) { reply = std::move(told); });
    if (handling.reply) reply = std::move(handling.reply);
    time.pass_until(base::seconds{60}, [&] { return reply.has_value(); });
    if (!reply) return std::nullopt;
    return Reply{reply->status, nlohmann::json::parse(reply->body, nullptr, false)};
  }
  Reply get(const std::string& path, std::map<std::string, std::string, std::less<>> query = {}) {
    return request("GET", path, std::move(query)).value();
  }
  Reply post(const std::string& path, const std::string& domain) {
    return request("POST", path, {{"domain", domain}}).value();
  }
};

}  // namespace tlspolicyd::admin
