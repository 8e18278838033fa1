#include "web.h"

#include <utility>

namespace tlspolicyd::property {

class Web::Fetch final : public base::Operation {
 public:
  Fetch(Web& web, const net::HttpsRequest& request, net::HttpsClient::Done done)
      : witness_(web.witness_), host_(request.host.text()), done_(std::move(done)) {
    witness_.fetch_began(host_);
    get_ = web.network_.get(request, [this](const auto& reply) { land(reply); });
  }
  ~Fetch() override {
    if (done_) witness_.fetch_dropped(host_);
  }

 private:
  void land(const base::Result<net::HttpsReply>& reply) {
    const auto done = std::exchange(done_, nullptr);
    witness_.fetch_ended(host_, reply);
    done(reply);  // may destroy this
  }

  Witness& witness_;
  std::string host_;
  net::HttpsClient::Done done_;
  base::OperationPtr get_;
};

base::OperationPtr Web::resolve(const net::DnsQuestion& question, net::Resolver::Done done) {
  witness_.dns_asked(question);
  return network_.resolve(question, [this, question, done = std::move(done)](auto answer) mutable {
    if (answer && !validating_) answer->authenticated = false;
    const auto finish = std::move(done);  // it may destroy this closure
    witness_.dns_answered(question, answer);
    finish(answer);
  });
}

base::OperationPtr Web::get(const net::HttpsRequest& request, net::HttpsClient::Done done) {
  return std::make_unique<Fetch>(*this, request, std::move(done));
}

}  // namespace tlspolicyd::property
