#include "tool/explain.h"

#include <algorithm>
#include <optional>

#include "base/prefix.h"
#include "net/loop.h"
#include "net/resolv_conf.h"
#include "postfix/next_hop.h"
#include "postfix/reply.h"
#include "service/decision.h"
#include "service/policy_fetch.h"
#include "tool/exit_code.h"

namespace tlspolicyd::tool {
namespace {

using base::Result;

class Explainer {
 public:
  Explainer(const config::Config& config, Explanation& out)
      : config_(config),
        out_(out),
        resolver_(loop_, resolver_options()),
        https_(loop_, resolver_, https_options()) {}

  void run() {
    const auto next_hop = postfix::parse_next_hop(out_.key);
    if (!next_hop) {
      out_.no_domain = next_hop.error().text;
      out_.exit_code = kNotFound;
      return;
    }
    out_.domain = next_hop->domain.text();
    if (!look_at_record(next_hop->domain) || !fetch_policy(next_hop->domain)) return;
    apply_policy(*next_hop);
  }

 private:
  net::DnsResolver::Options resolver_options() {
    auto options = config_.resolver;
    if (options.servers.empty())
      options.servers = net::ResolvConfWatch(loop_, net::kResolvConf, [](auto) {}).servers();
    return options;
  }
  net::SecureHttpsClient::Options https_options() const {
    auto options = config_.https;
    options.collect_peer = true;
    return options;
  }

  /// Starts an operation, turns the loop until it is done and measures it.
  template <class T, class Start>
  Step<T> wait_for(Start start) {
    std::optional<Result<T>> outcome;
    const auto began = std::chrono::steady_clock::now();
    const auto operation = start([&](Result<T> result) {
      outcome = std::move(result);
      loop_.stop();
    });
    loop_.run();
    const auto took = std::chrono::steady_clock::now() - began;
    return {std::move(*outcome), std::chrono::duration_cast<base::milliseconds>(took)};
  }

  Step<net::DnsAnswer> look_up(const base::DomainName& name, net::RecordType type) {
    return wait_for<net::DnsAnswer>([&](auto done) {
      return resolver_.resolve({name, type}, std::move(done));
    });
  }

  bool look_at_record(const base::DomainName& domain) {
    const auto name = domain.below("_mta-sts");
    if (!name) return conclude(kNotFound);
    out_.txt = look_up(*name, net::RecordType::txt);
    if (!out_.txt->outcome) {
      reply_to_failure(out_.txt->outcome.error(), config_.discovery.defer_on_dns_error);
      return conclude(kTemporary);
    }
    out_.record = sts::select_record(out_.txt->outcome->txt);
    return out_.record->verdict == sts::TxtSelection::Verdict::ok || conclude(kNotFound);
  }

  void look_up_addresses(const base::DomainName& host) {
    std::vector<HostAddress> found;
    base::milliseconds took{0};
    std::optional<base::Error> failed;
    for (const auto type : {net::RecordType::aaaa, net::RecordType::a}) {
      const auto step = look_up(host, type);
      took += step.took;
      if (!step.outcome) {
        failed = step.outcome.error();
        continue;
      }
      for (const auto& address : step.outcome->addresses)
        found.push_back({address, !base::may_connect(address, config_.https.allow_addresses)});
    }
    if (found.empty() && !failed)
      failed = base::Error{base::Fault::no_address, "no A and no AAAA record"};
    if (found.empty()) {
      out_.addresses = {*failed, took};
    } else {
      out_.addresses = {std::move(found), took};
    }
  }

  bool fetch_policy(const base::DomainName& domain) {
    const auto request = service::policy_request(domain);
    if (!request) return conclude(kNotFound);
    look_up_addresses(request->host);
    out_.https =
        wait_for<net::HttpsReply>([&](auto done) { return https_.get(*request, std::move(done)); });
    if (!out_.https->outcome) {
      const auto& error = out_.https->outcome.error();
      reply_to_failure(error, false);
      return conclude(base::is_own_trouble(error.fault) ? kTemporary : kNotFound);
    }
    out_.policy = service::judge_reply(*out_.https->outcome);
    return out_.policy->ok() || conclude(kNotFound);
  }

  void look_up_mx(const postfix::NextHop& next_hop, const sts::Policy& policy) {
    if (next_hop.bracketed) {
      out_.mx = {service::MxHosts{.names = {next_hop.domain.text()}}, base::milliseconds{0}};
    } else {
      const auto step = look_up(next_hop.domain, net::RecordType::mx);
      if (step.outcome) {
        out_.mx = {service::mx_hosts_of(next_hop.domain, *step.outcome), step.took};
      } else {
        out_.mx = {step.outcome.error(), step.took};
        return;
      }
    }
    for (const auto& host : out_.mx->outcome->names) {
      const auto pattern =
          std::find_if(policy.mx.begin(), policy.mx.end(),
                       [&](const auto& candidate) { return candidate.matches(host); });
      out_.mx_verdicts.push_back({host, pattern == policy.mx.end() ? "" : pattern->text()});
    }
  }

  void apply_policy(const postfix::NextHop& next_hop) {
    const auto stored = std::make_shared<const sts::StoredPolicy>(
        sts::renewal({}, out_.record->id, **out_.policy, loop_.wall()));
    look_up_mx(next_hop, stored->policy);
    service::Question question{next_hop.domain,
                               {.port = next_hop.port, .bracketed = next_hop.bracketed}};
    for (const auto profile : {service::Profile::compat, service::Profile::tlsrpt}) {
      question.terms.profile = profile;
      service::Decision decision;
      if (needs_mx_hosts(stored->policy, question.terms) && !out_.mx->outcome) {
        decision.kind = service::Decision::Kind::temporary;
        decision.reason = out_.domain + ": MX look-up failed: " + out_.mx->outcome.error().text;
      } else {
        const auto* hosts = out_.mx->outcome ? &*out_.mx->outcome : nullptr;
        decision = apply(stored, question, hosts);
      }
      out_.replies.push_back({profile == service::Profile::compat ? "postfix" : "postfix-tlsrpt",
                              postfix::render_reply(decision, question)});
    }
    conclude(exit_code_of(stored->policy));
  }

  int exit_code_of(const sts::Policy& policy) const {
    if (policy.mode != sts::Mode::enforce) return kNotFound;
    if (!out_.mx->outcome) return kTemporary;
    const bool any = std::any_of(out_.mx_verdicts.begin(), out_.mx_verdicts.end(),
                                 [](const MxVerdict& mx) { return !mx.pattern.empty(); });
    return any ? kFound : kDeferred;
  }

  /// What the daemon would say if it knew nothing else of the domain (decisions.md 6, 11).
  void reply_to_failure(const base::Error& why, bool defer) {
    const auto text = base::is_own_trouble(why.fault) || defer
                          ? postfix::render_temporary(out_.domain + ": " + why.text)
                          : std::string("NOTFOUND ");
    for (const char* map : {"postfix", "postfix-tlsrpt"}) out_.replies.push_back({map, text});
  }

  bool conclude(int exit_code) {
    out_.exit_code = exit_code;
    if (out_.replies.empty() && exit_code == kNotFound)
      for (const char* map : {"postfix", "postfix-tlsrpt"})
        out_.replies.push_back({map, "NOTFOUND "});
    return false;
  }

  const config::Config& config_;
  Explanation& out_;
  net::Loop loop_;
  net::DnsResolver resolver_;
  net::SecureHttpsClient https_;
};

}  // namespace

Explanation explain(const config::Config& config, const std::string& key) {
  Explanation explanation;
  explanation.key = key;
  Explainer(config, explanation).run();
  return explanation;
}

}  // namespace tlspolicyd::tool
