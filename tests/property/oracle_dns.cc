#include <fmt/format.h>

#include <algorithm>

#include "oracle.h"

/// What the oracle learns of the DNS.
namespace tlspolicyd::property {

using base::seconds;

namespace {

// Of what is forgotten of MX sets: more than any question takes.
constexpr seconds kQuestion{100};

constexpr seconds kDay{86'400};

/// decisions.md 27: a minute at most, and no floor; a TTL is rounded up.
seconds held_for(seconds ttl) { return std::clamp(ttl - seconds{1}, seconds{0}, seconds{60}); }

}  // namespace

std::vector<std::string> Known::hosts_of_last_day(base::SteadyTime now) const {
  std::vector<std::string> hosts;
  for (const auto& seen : mx)
    if (seen.at + kDay + kQuestion >= now)
      hosts.insert(hosts.end(), seen.hosts.begin(), seen.hosts.end());
  return hosts;
}

void Oracle::dns_asked(const net::DnsQuestion& question) {
  const auto& name = question.name.text();
  switch (question.type) {
    case net::RecordType::txt:
      if (auto* known = known_of(name, "_mta-sts.")) {
        ++known->txt_asked;
        known->txt_looked_at = time_.steady();
        known->txt_may_be_old = false;
      }
      return;
    case net::RecordType::ns:
      if (question.name != base::DomainName::root()) blame("I10: NS is asked for of " + name);
      return;
    case net::RecordType::mx:
      if (auto* known = known_of(name, "")) {
        known->mx_asked_at = time_.steady();
        check_mx_question(name);
      }
      return;
    default: break;
  }
  const auto host = HostsSeen::host_of(question);
  if (host.empty()) return blame(fmt::format("I10: {} is asked for", name));
  if (auto wrong = hosts_.asked(question, time_.steady()); !wrong.empty()) blame(std::move(wrong));
  if (question.type == net::RecordType::a || question.type == net::RecordType::aaaa)
    check_address_question(host);
}

void Oracle::dns_answered(const net::DnsQuestion& question,
                          const base::Result<net::DnsAnswer>& answer) {
  const auto& name = question.name.text();
  switch (question.type) {
    case net::RecordType::txt:
      if (auto* known = known_of(name, "_mta-sts.")) txt_answered(*known, answer);
      return;
    case net::RecordType::ns: return root_answered(answer);
    case net::RecordType::mx:
      if (auto* known = known_of(name, "")) mx_answered(*known, name, answer);
      return;
    default: return hosts_.answered(question, answer, time_.steady());
  }
}

void Oracle::dns_dropped(const net::DnsQuestion& question) {
  if (!HostsSeen::host_of(question).empty()) hosts_.dropped(question, time_.steady());
}

/// D1: what was learnt before is not to be used when DANE begins or ceases to be looked at.
void Oracle::root_answered(const base::Result<net::DnsAnswer>& answer) {
  if (!answer) return;
  const auto before = validation_;
  validation_ = answer->authenticated ? Validation::validates : Validation::does_not;
  if (before != validation_ && (before == Validation::does_not || !gate_is_on()))
    outdated_ = time_.steady();
}

void Oracle::txt_answered(Known& known, const base::Result<net::DnsAnswer>& answer) {
  narrow(known);
  --known.txt_asked;
  known.txt_looked_at = time_.steady();  // late, where the process was stopped
  known.txt_id.reset();
  known.denied = false;
  known.ended_in_own_trouble = !answer && answer.error().fault == base::Fault::dns_unreachable;
  if (known.ended_in_own_trouble) {
    known.own_trouble_at = time_.steady();
    known.disturbed = true;
    known.fetched_at.reset();
  }
  if (!answer) return;
  constexpr std::string_view kBefore = "v=STSv1; id=";
  if (answer->kind != net::DnsAnswer::Kind::records) {
    known.denied = answer->authenticated;
  } else if (answer->txt.size() == 1 && answer->txt[0].starts_with(kBefore)) {
    auto id = answer->txt[0].substr(kBefore.size());
    id.pop_back();
    known.txt_id = std::move(id);
  }
}

void Oracle::mx_answered(Known& known, const std::string& domain,
                         const base::Result<net::DnsAnswer>& answer) {
  if (!answer) {
    known.mx_failed_at = time_.steady();
    return;
  }
  const auto now = time_.steady();
  std::erase_if(known.mx, [&](const MxSeen& seen) { return seen.at + kDay + kQuestion < now; });
  MxSeen seen{.hosts = {},
              .secure = answer->authenticated,
              .asked = known.mx_asked_at,
              .at = now,
              .until = now + held_for(answer->ttl)};
  if (answer->kind != net::DnsAnswer::Kind::records) seen.hosts.push_back(domain);
  for (const auto& mx : answer->mx)
    if (!mx.exchange.empty()) seen.hosts.push_back(mx.exchange);
  known.mx.push_back(std::move(seen));
}

}  // namespace tlspolicyd::property
