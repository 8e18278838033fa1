#include "net/dns_pulse.h"

#include <utility>
#include <variant>

namespace tlspolicyd::net {

DnsPulse::DnsPulse(Loop& loop, const std::vector<base::Endpoint>& servers,
                   base::milliseconds patience, Done done)
    : done_(std::move(done)), silent_(servers.size()) {
  const DnsQuestion question{base::DomainName::parse("localhost").value(), RecordType::a};
  for (const auto& server : servers)
    asked_.push_back(std::make_unique<DnsExchange>(loop, server, question, kMaxCnames,
                                                   [this](const auto& outcome) { told(outcome); }));
  timer_ = loop.after(patience, [this] { finish(false); });
}

void DnsPulse::told(const DnsExchange::Outcome& outcome) {
  const auto* failure = std::get_if<DnsExchange::Failure>(&outcome);
  if (!failure || failure->kind != DnsExchange::Failure::Kind::unreachable) return finish(true);
  if (--silent_ == 0) finish(false);
}

void DnsPulse::finish(bool alive) {
  const auto done = std::move(done_);
  timer_.reset();
  done(alive);  // destroys this, with the exchange that told
}

}  // namespace tlspolicyd::net
