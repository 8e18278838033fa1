#include "tool/probe_hosts.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "net/dns_resolver.h"
#include "net/loop.h"
#include "net/smtp_probe.h"
#include "service/mx_hosts.h"
#include "tool/name_servers.h"

namespace tlspolicyd::tool {
namespace {

using explain::MxProbe;
using explain::ProbePlan;

/// A name for EHLO; one that is no name of the DNS says nothing.
std::string our_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  const auto parsed = base::DomainName::parse(name);
  return parsed ? parsed->text() : "localhost";
}

/// All hosts of a plan, kAtOnce at a time; the loop is stopped at the end.
class Probes {
 public:
  static constexpr std::size_t kAtOnce = 4;

  Probes(net::Loop& loop, net::Resolver& resolver, const net::SmtpTls& tls, const ProbePlan& plan)
      : loop_(loop),
        resolver_(resolver),
        tls_(tls),
        plan_(plan),
        running_(plan.hosts.size()),
        probes_(plan.hosts.size()) {}

  std::vector<MxProbe> run() {
    if (plan_.hosts.empty()) return {};
    // Also where a name is none, the loop turns before it is stopped.
    const auto begin = loop_.after(base::milliseconds{0}, [this] { start_more(); });
    loop_.run();
    return std::move(probes_);
  }

 private:
  void start_more() {
    while (next_ < running_.size() && next_ - finished_ < kAtOnce) start(next_++);
    if (finished_ == running_.size()) loop_.stop();
  }

  void start(std::size_t at) {
    auto request = explain::request_for(plan_, plan_.hosts[at], our_name_);
    if (!request) {
      net::SmtpProbeReport report;
      report.trouble = request.error();
      keep(at, std::move(report));
      return;
    }
    running_[at] = std::make_unique<net::SmtpProbe>(loop_, resolver_, tls_, std::move(*request),
                                                    [this, at](net::SmtpProbeReport report) {
                                                      keep(at, std::move(report));
                                                      running_[at].reset();
                                                      start_more();
                                                    });
  }

  void keep(std::size_t at, net::SmtpProbeReport report) {
    probes_[at] = explain::judge_probe(plan_, plan_.hosts[at], std::move(report));
    ++finished_;
  }

  net::Loop& loop_;
  net::Resolver& resolver_;
  const net::SmtpTls& tls_;
  const ProbePlan& plan_;
  const std::string our_name_ = our_name();
  std::size_t next_ = 0;
  std::size_t finished_ = 0;
  std::vector<base::OperationPtr> running_;
  std::vector<MxProbe> probes_;
};

/// Where nothing is enforced no answer needs the MX hosts, so that they are not known yet.
void look_up_mx(net::Loop& loop, net::Resolver& resolver, explain::Explanation& explanation) {
  const auto domain = base::DomainName::parse(explanation.domain);
  if (!domain) return;
  const net::DnsQuestion question{*domain, net::RecordType::mx};
  const auto began = loop.steady();
  const auto work = resolver.resolve(question, [&](base::Result<net::DnsAnswer> answer) {
    const auto took = std::chrono::duration_cast<base::milliseconds>(loop.steady() - began);
    explanation.mx = explain::DnsStep{question, std::move(answer), took};
    loop.stop();
  });
  loop.run();
  if (!explanation.mx->succeeded()) return;
  const auto hosts = service::mx_hosts_of(*domain, explanation.mx->outcome->value(), {});
  for (const auto& name : hosts.names) explanation.mx_verdicts.push_back({name, ""});
}

}  // namespace

void probe_hosts(const config::Config& config, explain::Explanation& explanation) {
  net::Loop loop;
  net::DnsResolver resolver(loop, resolver_options(config));
  if (!explanation.domain.empty() && !explanation.mx && explanation.mx_verdicts.empty())
    look_up_mx(loop, resolver, explanation);
  const auto plan = explain::plan_probes(explanation);
  const net::SmtpTls tls(config.https.ca_file);
  explanation.probes = Probes(loop, resolver, tls, plan).run();
  const bool all_refused =
      plan.left_out == 0 && !plan.hosts.empty() &&
      std::all_of(explanation.probes->begin(), explanation.probes->end(),
                  [](const MxProbe& probe) { return probe.verdict == MxProbe::Verdict::refused; });
  if (all_refused && explanation.outcome == explain::Outcome::guarded)
    explanation.outcome = explain::Outcome::deferred;
}

}  // namespace tlspolicyd::tool
