#include "net/https_race.h"

#include <utility>

namespace tlspolicyd::net {
namespace {

using base::Address;
using base::Endpoint;
using base::Error;
using base::Fault;

/// How long a host that dropped us in the handshake gets to recover.
constexpr base::milliseconds kSecondChance{300};

int weight(const Error& failure) {
  if (base::is_own_trouble(failure.fault)) return 2;
  return failure.fault == Fault::certificate ? 1 : 0;
}

}  // namespace

HttpsRace::HttpsRace(Loop& loop, const TlsContext& context, Request request,
                     const std::vector<Address>& addresses, bool more_follow, Done done)
    : loop_(loop),
      context_(context),
      request_(std::move(request)),
      more_follow_(more_follow),
      done_(std::move(done)) {
  // The family that is late gets its share of the places.
  waiting_ = endpoints(addresses, Connector::kMaxAddresses / (more_follow ? 2 : 1));
  proceed();
}

HttpsRace::~HttpsRace() = default;

std::vector<Endpoint> HttpsRace::endpoints(const std::vector<Address>& addresses,
                                           std::size_t limit) {
  std::vector<Endpoint> endpoints;
  for (const auto& address : connection_order(addresses))
    if (endpoints.size() < limit) endpoints.push_back({address, request_.port});
  known_ += endpoints.size();
  return endpoints;
}

void HttpsRace::add(const base::Result<std::vector<Address>>& addresses) {
  more_follow_ = false;
  if (is_decided_) return;
  if (!addresses) {
    // Of a family without addresses there is nothing to say where the other one has some.
    if (base::is_own_trouble(addresses.error().fault)) note(addresses.error());
  } else {
    const auto late = endpoints(*addresses, Connector::kMaxAddresses - known_);
    if (connector_) return connector_->add(late);
    waiting_.insert(waiting_.end(), late.begin(), late.end());
  }
  if (!connector_ && (runs_.empty() || is_stalled_)) proceed();
}

/// Starts what comes next. REQUIRES: no connector, and nothing that began a short time ago.
void HttpsRace::proceed() {
  timer_.reset();
  if (!waiting_.empty()) {
    connector_ =
        std::make_unique<Connector>(loop_, std::exchange(waiting_, {}),
                                    [this](auto connection) { connected(std::move(connection)); });
    return;
  }
  if (!runs_.empty() || more_follow_) return;
  if (second_chance_ && !std::exchange(had_second_chance_, true)) {
    waiting_.push_back(*second_chance_);
    timer_ = loop_.after(kSecondChance, [this] { proceed(); });
    return;
  }
  finish(*failure_);
}

void HttpsRace::connected(base::Result<Connection> connection) {
  connector_.reset();
  if (connection) return exchange_over(std::move(*connection));
  note(connection.error());
  proceed();
}

void HttpsRace::exchange_over(Connection connection) {
  is_stalled_ = false;
  waiting_ = std::move(connection.others);
  auto& run = runs_.emplace_back();
  run.exchange = std::make_unique<HttpsExchange>(
      loop_, context_, std::move(connection), request_.host, request_.text, request_.collect_peer,
      [this, &run](auto reply) { ended(run, std::move(reply)); }, [this, &run] { answered(run); });
  if (!waiting_.empty() || more_follow_) timer_ = loop_.after(kStall, [this] { stalled(); });
}

void HttpsRace::stalled() {
  if (!waiting_.empty()) return proceed();
  timer_.reset();
  is_stalled_ = true;
}

void HttpsRace::answered(const Run& winner) {
  is_decided_ = true;
  connector_.reset();
  timer_.reset();
  runs_.remove_if([&](const Run& run) { return &run != &winner; });
}

void HttpsRace::ended(const Run& run, base::Result<HttpsReply> reply) {
  const auto& exchange = *run.exchange;
  if (reply || exchange.answered()) return finish(std::move(reply));
  if (exchange.dropped() && exchange.phase() == HttpsExchange::Phase::handshake)
    second_chance_ = exchange.peer();
  auto error = reply.error();
  if (known_ > 1) error.text = exchange.peer().text() + ": " + error.text;
  note(std::move(error));
  const bool was_newest = &run == &runs_.back();
  runs_.remove_if([&](const Run& other) { return &other == &run; });
  // A newer one was started a short time ago, or is about to be.
  if (connector_ || (timer_ && !was_newest)) return;
  proceed();
}

void HttpsRace::note(Error error) {
  if (!failure_ || weight(error) >= weight(*failure_)) failure_ = std::move(error);
}

bool HttpsRace::is_telling(const Error& failure) { return weight(failure) > 0; }

std::string_view HttpsRace::phase() const {
  if (runs_.empty()) return connector_ || !more_follow_ ? "connecting" : "resolving";
  const auto& exchange = *runs_.back().exchange;
  if (exchange.answered()) return "reading the response";
  return exchange.phase() == HttpsExchange::Phase::handshake ? "TLS handshake"
                                                             : "waiting for the response";
}

void HttpsRace::finish(base::Result<HttpsReply> reply) {
  connector_.reset();
  timer_.reset();
  const auto done = std::move(done_);
  runs_.clear();
  done(std::move(reply));
}

}  // namespace tlspolicyd::net
