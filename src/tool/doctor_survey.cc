#include "tool/doctor_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <stdexcept>
#include <vector>

#include "net/https_client.h"
#include "net/loop.h"
#include "service/policy_fetch.h"
#include "tool/name_servers.h"

namespace tlspolicyd::tool {
namespace {

constexpr base::seconds kPatience{20};
constexpr unsigned kAttempts = 2;
constexpr base::milliseconds kFirstAttempt{2000};

class Survey {
 public:
  Survey(const config::Config& config, const SurveyOptions& options)
      : config_(config), resolver_options_(resolver_options(config)) {
    resolver_.from_configuration = !config.resolver.servers.empty();
    resolver_.uses_dane = config.dane.in_use();
    resolver_.bogus_name = options.bogus_name;
    https_.host = "mta-sts." + options.probe_domain;
    https_.port = config.https.port;
    https_.ca_file = config.https.ca_file;
  }

  std::pair<ResolverFacts, HttpsFacts> run() {
    for (const auto& endpoint : resolver_options_.servers) ask_server(endpoint);
    collect_problems();
    if (resolver_.from_configuration) ask_servers_of_postfix();
    fetch();
    if (pending_ > 0) loop_.run();
    work_.clear();
    return {std::move(resolver_), std::move(https_)};
  }

 private:
  void ask_server(const base::Endpoint& endpoint) {
    const auto at = resolver_.servers.size();
    resolver_.servers.emplace_back(endpoint);
    resolver_.servers.back().trusted =
        net::DnsResolver::trusts(resolver_options_.trust_ad, endpoint);
    auto options = resolver_options_;
    options.servers = {endpoint};
    options.trust_ad = net::DnsResolver::TrustAd::yes;
    // A failure is what is hoped for; the long pauses would be for a server that is busy.
    options.attempts = std::min(options.attempts, kAttempts);
    options.timeout = std::max(options.timeout, kFirstAttempt);
    auto& resolver = resolvers_.emplace_back(loop_, options);
    using Server = ResolverFacts::Server;
    ask(resolver, at, &Server::root, base::DomainName::root(), net::RecordType::ns);
    ask(resolver, at, &Server::bogus, base::DomainName::parse(resolver_.bogus_name),
        net::RecordType::a);
    ask(resolver, at, &Server::ordinary, base::DomainName::parse(https_.host), net::RecordType::a);
  }

  void collect_problems() {
    // smtp(8) uses resolv.conf(5), whatever the daemon uses.
    for (const auto& problem : system_name_servers().problems)
      resolver_.problems.push_back({fmt::format("{} line {}", net::kResolvConf, problem.line),
                                    problem.server, problem.reason});
    for (const auto& server : config_.resolver.servers)
      if (auto reason = net::problem_of_server(server); !reason.empty())
        resolver_.problems.push_back({"resolver.servers", server.text(), std::move(reason)});
  }

  void ask_servers_of_postfix() {
    const auto ours = resolver_options_.servers;
    for (const auto& endpoint : system_name_servers().servers) {
      if (std::find(ours.begin(), ours.end(), endpoint) != ours.end()) continue;
      ask_server(endpoint);
      resolver_.servers.back().only_postfix = true;
    }
  }

  void ask(net::Resolver& resolver, std::size_t at,
           base::Result<net::DnsAnswer> ResolverFacts::Server::*into,
           const base::Result<base::DomainName>& name, net::RecordType type) {
    if (!name) {
      resolver_.servers[at].*into = name.error();
      return;
    }
    ++pending_;
    work_.push_back(resolver.resolve({*name, type}, [this, at, into](auto answer) {
      resolver_.servers[at].*into = std::move(answer);
      finished();
    }));
  }

  void fetch() {
    const auto host = base::DomainName::parse(https_.host);
    if (!host) {
      https_.status = host.error();
      return;
    }
    auto& resolver = resolvers_.emplace_back(loop_, resolver_options_);
    auto options = config_.https;
    options.timeout = std::min<base::milliseconds>(options.timeout, kPatience);
    try {
      client_.emplace(loop_, resolver, options);
    } catch (const std::runtime_error& error) {
      https_.status = base::Error{base::Fault::certificate, error.what()};
      return;
    }
    ++pending_;
    const auto began = loop_.steady();
    work_.push_back(client_->get(
        {*host, "/.well-known/mta-sts.txt"}, [this, began](base::Result<net::HttpsReply> reply) {
          https_.took = std::chrono::duration_cast<base::milliseconds>(loop_.steady() - began);
          if (reply) {
            https_.status = reply->status;
            const auto policy = service::judge_reply(*reply);
            if (!policy) https_.policy_trouble = policy.error().text;
          } else {
            https_.status = reply.error();
          }
          finished();
        }));
  }

  void finished() {
    if (--pending_ == 0) loop_.stop();
  }

  const config::Config& config_;
  const net::DnsResolver::Options resolver_options_;
  ResolverFacts resolver_;
  HttpsFacts https_;
  net::Loop loop_;
  std::list<net::DnsResolver> resolvers_;
  std::optional<net::SecureHttpsClient> client_;
  std::size_t pending_ = 0;
  std::list<base::OperationPtr> work_;
};

}  // namespace

std::pair<ResolverFacts, HttpsFacts> survey(const config::Config& config,
                                            const SurveyOptions& options) {
  return Survey(config, options).run();
}

}  // namespace tlspolicyd::tool
