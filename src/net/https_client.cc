#include "net/https_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "net/connector.h"
#include "net/host_lookup.h"
#include "net/https_exchange.h"

namespace tlspolicyd::net {
namespace {

using base::Endpoint;
using base::Error;
using base::Fault;

/// How long a host that dropped us in the handshake gets to recover.
constexpr base::milliseconds kSecondChance{300};

std::string request_text(const HttpsRequest& request, std::uint16_t port) {
  const auto suffix = port == 443 ? std::string() : fmt::format(":{}", port);
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}{}\r\nUser-Agent: tlspolicyd\r\nAccept: text/plain\r\n"
      "Accept-Encoding: identity\r\nConnection: close\r\n\r\n",
      request.path, request.host.text(), suffix);
}

}  // namespace

class SecureHttpsClient::Get final : public base::Operation {
 public:
  Get(SecureHttpsClient& client, const HttpsRequest& request, Done done)
      : client_(client),
        options_(client.options_),
        tls_(client.tls_),
        host_(request.host.text()),
        request_(request_text(request, options_->port)),
        done_(std::move(done)) {
    deadline_ = client_.loop_.after(options_->timeout, [this] { out_of_time(); });
    step_ = std::make_unique<HostLookup>(
        client_.resolver_, client_.loop_, request.host, options_->allow_addresses,
        [this](auto addresses) { resolved(std::move(addresses)); });
  }

 private:
  void resolved(base::Result<std::vector<base::Address>> addresses) {
    if (!addresses) return fail(addresses.error());
    std::vector<Endpoint> endpoints;
    for (const auto& address : connection_order(*addresses))
      endpoints.push_back({address, options_->port});
    connect(std::move(endpoints));
  }

  void connect(std::vector<Endpoint> endpoints) {
    phase_ = "connecting";
    step_ =
        std::make_unique<Connector>(client_.loop_, std::move(endpoints),
                                    [this](auto connection) { connected(std::move(connection)); });
  }

  void connected(base::Result<Connection> connection) {
    if (!connection) return fail(connection.error());
    others_ = std::move(connection->others);
    auto exchange = std::make_unique<HttpsExchange>(
        client_.loop_, *tls_, std::move(*connection), host_, request_, options_->collect_peer,
        [this](auto reply) { exchanged(std::move(reply)); });
    exchange_ = exchange.get();
    step_ = std::move(exchange);
  }

  void exchanged(base::Result<HttpsReply> reply) {
    const auto& exchange = *std::exchange(exchange_, nullptr);
    if (reply) return finish(std::move(reply));
    const auto fault = reply.error().fault;
    const bool came_to_nothing =
        !exchange.answered() &&
        (fault == Fault::tls || fault == Fault::connect || fault == Fault::http);
    if (came_to_nothing && !others_.empty()) return connect(std::move(others_));
    const bool was_dropped_in_handshake =
        exchange.dropped() && exchange.phase() == HttpsExchange::Phase::handshake;
    if (was_dropped_in_handshake && !std::exchange(had_second_chance_, true)) {
      phase_ = "connecting";
      step_ =
          client_.loop_.after(kSecondChance, [this, peer = exchange.peer()] { connect({peer}); });
      return;
    }
    fail(reply.error());
  }

  std::string_view phase() const {
    if (exchange_ == nullptr) return phase_;
    if (exchange_->answered()) return "reading the response";
    return exchange_->phase() == HttpsExchange::Phase::handshake ? "TLS handshake"
                                                                 : "waiting for the response";
  }

  void out_of_time() {
    const std::chrono::duration<double> limit = options_->timeout;
    fail({Fault::deadline, fmt::format("not done within {:g} s: {}", limit.count(), phase())});
  }

  void fail(const Error& error) {
    finish(Error{error.fault, base::printable(host_ + ": " + error.text)});
  }

  void finish(base::Result<HttpsReply> reply) {
    step_.reset();
    deadline_.reset();
    const auto done = std::move(done_);
    done(std::move(reply));
  }

  SecureHttpsClient& client_;
  const std::shared_ptr<const Options> options_;
  const std::shared_ptr<const TlsContext> tls_;
  const std::string host_;
  const std::string request_;
  Done done_;
  std::string_view phase_ = "resolving";
  std::vector<Endpoint> others_;
  bool had_second_chance_ = false;
  base::OperationPtr step_;            ///< the present one
  HttpsExchange* exchange_ = nullptr;  ///< the same, while it is one
  base::OperationPtr deadline_;
};

SecureHttpsClient::SecureHttpsClient(Loop& loop, Resolver& resolver, Options options)
    : loop_(loop), resolver_(resolver) {
  set_options(std::move(options));
}

SecureHttpsClient::SecureHttpsClient(const SecureHttpsClient& other, Resolver& resolver)
    : loop_(other.loop_), resolver_(resolver), tls_(other.tls_) {
  auto options = *other.options_;
  options.collect_peer = true;
  options_ = std::make_shared<const Options>(std::move(options));
}

void SecureHttpsClient::set_options(Options options) {
  // Reading a trust store takes tens of milliseconds, in which nobody else is served.
  auto stamp = TrustStamp::of(options.ca_file);
  if (!tls_ || !stamp || stamp != stamp_)
    tls_ = std::make_shared<const TlsContext>(options.ca_file);
  stamp_ = std::move(stamp);
  options_ = std::make_shared<const Options>(std::move(options));
}

base::OperationPtr SecureHttpsClient::get(const HttpsRequest& request, Done done) {
  return std::make_unique<Get>(*this, request, std::move(done));
}

}  // namespace tlspolicyd::net
