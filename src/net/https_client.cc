#include "net/https_client.h"

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "net/host_lookup.h"
#include "net/https_race.h"

namespace tlspolicyd::net {
namespace {

using base::Error;
using base::Fault;

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
        tls_(client.trust_.context),
        host_(request.host.text()),
        request_(request_text(request, options_->port)),
        done_(std::move(done)) {
    deadline_ = client_.loop_.after(options_->timeout, [this] { out_of_time(); });
    lookup_ = std::make_unique<HostLookup>(
        client_.resolver_, client_.loop_, request.host, options_->allow_addresses,
        [this](auto addresses) { resolved(std::move(addresses)); },
        [this](auto addresses) { race_->add(std::move(addresses)); });
  }

 private:
  void resolved(base::Result<std::vector<base::Address>> addresses) {
    if (!addresses) return fail(addresses.error());
    const bool more_follow = lookup_->is_waiting();
    race_ = std::make_unique<HttpsRace>(
        client_.loop_, *tls_,
        HttpsRace::Request{host_, std::move(request_), options_->port, options_->collect_peer},
        *addresses, more_follow, [this](auto reply) { ended(std::move(reply)); });
    if (!more_follow) lookup_.reset();
  }

  void ended(base::Result<HttpsReply> reply) {
    if (!reply) return fail(reply.error());
    finish(std::move(reply));
  }

  void out_of_time() {
    // What is silent at one address hides neither the host's certificate nor a local failure.
    if (race_ && race_->failure() && HttpsRace::is_telling(*race_->failure()))
      return fail(Error(*race_->failure()));
    const std::chrono::duration<double> limit = options_->timeout;
    fail({Fault::deadline, fmt::format("not done within {:g} s: {}", limit.count(),
                                       race_ ? race_->phase() : "resolving")});
  }

  void fail(const Error& error) {
    finish(Error{error.fault, base::printable(host_ + ": " + error.text)});
  }

  void finish(base::Result<HttpsReply> reply) {
    lookup_.reset();
    race_.reset();
    deadline_.reset();
    const auto done = std::move(done_);
    done(std::move(reply));
  }

  SecureHttpsClient& client_;
  const std::shared_ptr<const Options> options_;
  const std::shared_ptr<const TlsContext> tls_;
  const std::string host_;
  std::string request_;  ///< until there are addresses
  Done done_;
  std::unique_ptr<HostLookup> lookup_;  ///< while a family has not answered
  std::unique_ptr<HttpsRace> race_;     ///< once there are addresses
  base::OperationPtr deadline_;
};

SecureHttpsClient::SecureHttpsClient(Loop& loop, Resolver& resolver, Options options)
    : loop_(loop), resolver_(resolver) {
  set_options(std::move(options));
}

SecureHttpsClient::SecureHttpsClient(const SecureHttpsClient& other, Resolver& resolver)
    : loop_(other.loop_), resolver_(resolver), trust_(other.trust_) {
  auto options = *other.options_;
  options.collect_peer = true;
  options_ = std::make_shared<const Options>(std::move(options));
}

void SecureHttpsClient::set_options(Options options) {
  // Reading a trust store takes tens of milliseconds, in which nobody else is served.
  if (!trust_.context || !trust_.is_current(options.ca_file))
    trust_ = TrustStore::load(options.ca_file);
  options_ = std::make_shared<const Options>(std::move(options));
}

base::OperationPtr SecureHttpsClient::get(const HttpsRequest& request, Done done) {
  return std::make_unique<Get>(*this, request, std::move(done));
}

}  // namespace tlspolicyd::net
