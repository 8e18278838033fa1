#include "net/dns_lookup.h"

#include <fmt/format.h>

#include <algorithm>

namespace tlspolicyd::net {
namespace {

using base::Fault;
using base::milliseconds;

}  // namespace

DnsLookup::DnsLookup(DnsResolver& resolver, DnsQuestion question, Resolver::Done done)
    : resolver_(resolver),
      question_(std::move(question)),
      done_(std::move(done)),
      servers_(resolver.servers_for(question_)),
      options_(resolver.options()),
      deadline_(resolver.loop().steady() + options_->deadline),
      place_(resolver.places(), [this] { on_place(); }) {
  switch (place_.enter()) {
    case DnsPlaces::Claim::Entry::has_place: on_place(); break;
    case DnsPlaces::Claim::Entry::in_line: arm(options_->line_limit); break;
    case DnsPlaces::Claim::Entry::refused: arm(milliseconds(0)); break;
  }
}

void DnsLookup::on_place() {
  if (asked_in_attempt_ > 0) return begin_attempt();  // it comes back
  // They may have changed while it stood in line.
  options_ = resolver_.options();
  servers_ = resolver_.servers_for(question_);
  began_ = resolver_.loop().steady();
  if (list().empty()) {
    state_ = State::listening;
    return arm(milliseconds(0));
  }
  first_ = servers_->first(began_, options_->probe_interval);
  begin_attempt();
}

void DnsLookup::begin_attempt() {
  state_ = State::asking;
  asked_in_attempt_ = 0;
  ask_next();
}

void DnsLookup::ask_next() {
  const auto server = (first_ + attempt_ + asked_in_attempt_++) % list().size();
  const auto ticket = ++tickets_;
  asked_.push_back({ticket, server,
                    std::make_unique<DnsExchange>(
                        resolver_.loop(), list()[server], question_, cnames_left_,
                        [this, ticket](auto outcome) { told(ticket, std::move(outcome)); })});
  arm(attempt_time());
}

milliseconds DnsLookup::attempt_time() const {
  constexpr unsigned kMaxDoublings = 10;
  return options_->timeout * (1U << std::min(attempt_, kMaxDoublings));
}

milliseconds DnsLookup::time_left() const {
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - resolver_.loop().steady());
  return std::max(left, milliseconds(0));
}

void DnsLookup::arm(milliseconds delay) {
  timer_ = resolver_.loop().after(std::min(delay, time_left()), [this] { on_time(); });
}

void DnsLookup::on_time() {
  switch (state_) {
    case State::in_line:
      return finish(base::Error{Fault::overloaded, "too many DNS questions at once"});
    case State::asking:
      if (!has_attempts_left() || time_left() == milliseconds(0)) return listen();
      ++attempt_;
      return begin_attempt();
    case State::pausing:
      if (time_left() == milliseconds(0)) return finish(verdict());
      ++attempt_;
      state_ = State::in_line;
      if (place_.come_back()) return begin_attempt();
      return arm(options_->line_limit);
    case State::listening: return finish(verdict());
    case State::over: return;
  }
}

/// Every server has failed, so no socket is open.
void DnsLookup::pause() {
  state_ = State::pausing;
  place_.step_aside();
  arm(attempt_ == 0 ? options_->pause : options_->long_pause);
  // Not only at the end: who can do something about it begins 6 s earlier.
  if (failure_->kind == DnsExchange::Failure::Kind::unreachable && servers_->only_trusted())
    resolver_.on_trusted_unreachable();
}

/// Servers that have not failed have until the deadline, unless too many questions listen already:
/// then this one ends once it is known whether the servers are there at all. If none has been heard
/// of since the question began, whatever was asked, it may be ours that are dead: a local failure,
/// not the domain's (decisions.md 11). That must be known before those who wait give up.
void DnsLookup::listen() {
  state_ = State::listening;
  const bool has_until_deadline = place_.listen();
  arm(time_left());
  if (servers_->last_heard() >= began_ || time_left() == milliseconds(0)) {
    if (!has_until_deadline) arm(milliseconds(0));
    return;
  }
  pulse_ =
      std::make_unique<DnsPulse>(resolver_.loop(), list(), std::min(options_->timeout, time_left()),
                                 [this](bool alive) { on_pulse(alive); });
}

void DnsLookup::on_pulse(bool alive) {
  pulse_.reset();
  if (alive) servers_->heard(resolver_.loop().steady());
  no_pulse_ = servers_->last_heard() < began_;
  // Where other servers could take their place (ValidationWatch), silence alone does not let them:
  // those that are trusted may only be slow.
  if (!place_.is_listening() || (no_pulse_ && !servers_->only_trusted())) finish(verdict());
}

void DnsLookup::told(unsigned ticket, DnsExchange::Outcome outcome) {
  const auto* silent = std::get_if<DnsExchange::Failure>(&outcome);
  if (!silent || silent->kind != DnsExchange::Failure::Kind::unreachable)
    servers_->heard(resolver_.loop().steady());
  const auto by = std::find_if(asked_.begin(), asked_.end(),
                               [ticket](const auto& asked) { return asked.ticket == ticket; });
  const auto server = by->server;
  asked_.erase(by);
  if (auto* answer = std::get_if<DnsAnswer>(&outcome)) return answered(server, std::move(*answer));
  if (auto* target = std::get_if<Follow>(&outcome)) return follow(server, std::move(*target));
  if (auto* failure = std::get_if<DnsExchange::Failure>(&outcome))
    return failed(server, std::move(*failure));
  finish(base::Error{Fault::invalid,
                     fmt::format("{} for {}", std::get<BadChain>(outcome).text, question_text())});
}

bool DnsLookup::is_trusted(std::size_t server) const {
  return DnsResolver::trusts(options_->trust_ad, list()[server]);
}

void DnsLookup::answered(std::size_t server, DnsAnswer answer) {
  servers_->answered_well(server, resolver_.loop().steady());
  answer.authenticated = answer.authenticated && authenticated_ && is_trusted(server);
  answer.ttl = std::min(answer.ttl, ttl_);
  finish(std::move(answer));
}

void DnsLookup::follow(std::size_t server, Follow target) {
  // One insecure CNAME makes the rest insecure (RFC 7672 2.1.3), and the shortest TTL is that of
  // all.
  authenticated_ = authenticated_ && target.ad && is_trusted(server);
  ttl_ = std::min(ttl_, target.ttl);
  cnames_left_ -= target.cnames;
  question_.name = std::move(target.target);
  first_ = server;
  failure_.reset();
  asked_.clear();
  attempt_ = 0;
  if (place_.is_listening() && !place_.come_back()) {
    state_ = State::in_line;
    pulse_.reset();
    return arm(options_->line_limit);
  }
  begin_attempt();
}

void DnsLookup::failed(std::size_t server, DnsExchange::Failure failure) {
  if (!failure_ || !failure_->tells_more_than(failure)) {
    failure_ = std::move(failure);
    failed_server_ = server;
  }
  if (state_ == State::listening) {
    if (asked_.empty()) finish(verdict());
    return;
  }
  if (asked_in_attempt_ < list().size()) return ask_next();
  // A server that was asked before may still answer in the time of this attempt.
  if (!asked_.empty()) return;
  if (!has_attempts_left()) return finish(verdict());
  pause();
}

std::string DnsLookup::question_text() const {
  return fmt::format("{} {}", name_of(question_.type), question_.name.text());
}

base::Error DnsLookup::silence() const {
  if (!no_pulse_) return {Fault::dns_timeout, "no answer in time for " + question_text()};
  return {servers_->only_trusted() ? Fault::dns_timeout : Fault::dns_unreachable,
          fmt::format("no {} answers, asked {}", servers_->what(), list()[first_].text())};
}

base::Error DnsLookup::verdict() const {
  using Kind = DnsExchange::Failure::Kind;
  if (list().empty()) return {Fault::dns_unreachable, "no name server is configured"};
  if (!failure_) return silence();
  auto text = fmt::format("{} for {}", failure_->text, question_text());
  if (!failure_->detail.empty()) text += ": " + failure_->detail;
  switch (failure_->kind) {
    case Kind::rcode: return {Fault::dns_failed, text};
    case Kind::malformed: return {Fault::invalid, text};
    case Kind::tcp: return {Fault::dns_timeout, text};
    case Kind::unreachable: break;
  }
  // A server that has not failed is silent, but there.
  if (!asked_.empty()) return silence();
  return {Fault::dns_unreachable, fmt::format("no {} can be reached: {} {}", servers_->what(),
                                              list()[failed_server_].text(), failure_->text)};
}

void DnsLookup::finish(base::Result<DnsAnswer> result) {
  state_ = State::over;
  timer_.reset();
  asked_.clear();
  pulse_.reset();
  place_.leave();
  if (!result && result.error().fault == Fault::dns_unreachable && servers_->only_trusted())
    resolver_.on_trusted_unreachable();
  const auto done = std::move(done_);
  done(std::move(result));
}

}  // namespace tlspolicyd::net
