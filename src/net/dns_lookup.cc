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
      servers_(question_.validated ? resolver.validating_ : resolver.servers_),
      options_(resolver.options_),
      deadline_(resolver.loop_.steady() + options_->deadline) {
  if (resolver_.has_place()) {
    start();
  } else if (resolver_.waiting_.size() < DnsResolver::kMaxWaiting) {
    place_in_line_ = resolver_.waiting_.insert(resolver_.waiting_.end(), this);
    arm(options_->line_limit);
  } else {
    arm(milliseconds(0));
  }
}

DnsLookup::~DnsLookup() { leave_resolver(); }

void DnsLookup::start() {
  place_in_line_.reset();
  state_ = State::working;
  // They may have changed while it stood in line.
  options_ = resolver_.options_;
  servers_ = question_.validated ? resolver_.validating_ : resolver_.servers_;
  began_ = resolver_.loop_.steady();
  ++resolver_.at_work_;
  if (list().empty()) return arm(milliseconds(0));
  first_ = servers_->first(began_, options_->probe_interval);
  begin_question();
}

void DnsLookup::begin_question() {
  asked_.clear();
  attempt_ = 0;
  begin_attempt();
}

void DnsLookup::begin_attempt() {
  asked_in_attempt_ = 0;
  ask_next();
}

void DnsLookup::ask_next() {
  const auto server = (first_ + attempt_ + asked_in_attempt_++) % list().size();
  const auto ticket = ++tickets_;
  asked_.push_back({ticket, server,
                    std::make_unique<DnsExchange>(
                        resolver_.loop_, list()[server], question_, cnames_left_,
                        [this, ticket](auto outcome) { told(ticket, std::move(outcome)); })});
  arm(attempt_time());
}

milliseconds DnsLookup::attempt_time() const {
  constexpr unsigned kMaxDoublings = 10;
  return options_->timeout * (1U << std::min(attempt_, kMaxDoublings));
}

milliseconds DnsLookup::time_left() const {
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - resolver_.loop_.steady());
  return std::max(left, milliseconds(0));
}

void DnsLookup::arm(milliseconds delay) {
  timer_ = resolver_.loop_.after(std::min(delay, time_left()), [this] { on_time(); });
}

void DnsLookup::on_time() {
  if (state_ == State::waiting)
    return finish(base::Error{Fault::overloaded, "too many DNS questions at once"});
  if (list().empty())
    return finish(base::Error{Fault::dns_unreachable, "no name server is configured"});
  if (++attempt_ >= options_->attempts || time_left() == milliseconds(0)) return give_up();
  begin_attempt();
}

/// Nobody answered in time. Where no server has been heard of meanwhile, whatever the question, it
/// may be ours that are dead: own trouble, not the domain's (decisions.md 11).
void DnsLookup::give_up() {
  auto why = verdict();
  if (why.fault != Fault::dns_timeout || servers_->last_heard() >= began_ ||
      time_left() == milliseconds(0))
    return finish(std::move(why));
  state_ = State::doubting;
  timer_.reset();
  pulse_ = std::make_unique<DnsPulse>(
      resolver_.loop_, list(), std::min(options_->timeout, time_left()), [this](bool alive) {
        if (!alive && servers_->last_heard() < began_)
          // Where other servers could take their place (ValidationWatch), silence alone does not
          // let them: those that are trusted may only be slow.
          return finish(base::Error{
              servers_->only_trusted() ? Fault::dns_timeout : Fault::dns_unreachable,
              fmt::format("no {} answers, asked {}", servers_->what(), list()[first_].text())});
        servers_->heard(resolver_.loop_.steady());
        finish(verdict());
      });
}

void DnsLookup::told(unsigned ticket, DnsExchange::Outcome outcome) {
  const auto* silent = std::get_if<DnsExchange::Failure>(&outcome);
  if (!silent || silent->kind != DnsExchange::Failure::Kind::unreachable)
    servers_->heard(resolver_.loop_.steady());
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
  servers_->answered_well(server, resolver_.loop_.steady());
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
  begin_question();
}

void DnsLookup::failed(std::size_t server, DnsExchange::Failure failure) {
  if (!failure_ || !failure_->tells_more_than(failure)) {
    failure_ = std::move(failure);
    failed_server_ = server;
  }
  if (asked_in_attempt_ < list().size()) return ask_next();
  // Somebody asked before may still answer in the time of this attempt.
  if (!asked_.empty()) return;
  if (attempt_ + 1 >= options_->attempts) return give_up();
  arm(attempt_ == 0 ? options_->pause : options_->long_pause);
}

std::string DnsLookup::question_text() const {
  return fmt::format("{} {}", name_of(question_.type), question_.name.text());
}

base::Error DnsLookup::verdict() const {
  using Kind = DnsExchange::Failure::Kind;
  const base::Error silence{Fault::dns_timeout, "no answer in time for " + question_text()};
  if (!failure_) return silence;
  auto text = fmt::format("{} for {}", failure_->text, question_text());
  if (!failure_->detail.empty()) text += ": " + failure_->detail;
  switch (failure_->kind) {
    case Kind::rcode: return {Fault::dns_failed, text};
    case Kind::malformed: return {Fault::invalid, text};
    case Kind::tcp: return {Fault::dns_timeout, text};
    case Kind::unreachable: break;
  }
  // Who has not failed is silent, but there.
  if (!asked_.empty()) return silence;
  return {Fault::dns_unreachable, fmt::format("no {} can be reached: {} {}", servers_->what(),
                                              list()[failed_server_].text(), failure_->text)};
}

void DnsLookup::leave_resolver() {
  const auto was = std::exchange(state_, State::over);
  if (place_in_line_) resolver_.waiting_.erase(*std::exchange(place_in_line_, std::nullopt));
  if (was == State::working || was == State::doubting) resolver_.give_back_place();
}

void DnsLookup::finish(base::Result<DnsAnswer> result) {
  timer_.reset();
  asked_.clear();
  pulse_.reset();
  leave_resolver();
  const auto done = std::move(done_);
  done(std::move(result));
}

}  // namespace tlspolicyd::net
