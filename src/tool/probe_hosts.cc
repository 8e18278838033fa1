#include "tool/probe_hosts.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "net/dns_resolver.h"
#include "net/loop.h"
#include "net/smtp_probe.h"
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
      probes_[at] = explain::not_tried(plan_, plan_.hosts[at].name, request.error().text);
      ++finished_;
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

}  // namespace

std::vector<MxProbe> probe_hosts(const ProbeMeans& means, const ProbePlan& plan) {
  net::Loop loop;
  net::DnsResolver::Options options;
  options.servers = means.name_servers.empty() ? system_name_servers().servers : means.name_servers;
  net::DnsResolver resolver(loop, options);
  const net::SmtpTls tls(means.ca_file);
  auto probes = Probes(loop, resolver, tls, plan).run();
  for (const auto& host : plan.left_out)
    probes.push_back(
        explain::not_tried(plan, host, fmt::format("more than {} hosts", ProbePlan::kMaxHosts)));
  return probes;
}

}  // namespace tlspolicyd::tool
