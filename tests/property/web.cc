#include "web.h"

#include <utility>

namespace tlspolicyd::property {

class Web::Query final : public base::Operation {
 public:
  Query(Web& web, const net::DnsQuestion& question, net::Resolver::Done done)
      : web_(web), question_(question), done_(std::move(done)) {
    web_.witness_.dns_asked(question_);
    look_ = web_.network_.resolve(question_, [this](auto answer) { land(std::move(answer)); });
  }
  ~Query() override {
    if (done_) web_.witness_.dns_dropped(question_);
  }

 private:
  void land(base::Result<net::DnsAnswer> answer) {
    if (answer && !web_.validating_) answer->authenticated = false;
    const auto done = std::exchange(done_, nullptr);
    web_.witness_.dns_answered(question_, answer);
    done(answer);  // may destroy this
  }

  Web& web_;
  net::DnsQuestion question_;
  net::Resolver::Done done_;
  base::OperationPtr look_;
};

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
  return std::make_unique<Query>(*this, question, std::move(done));
}

base::OperationPtr Web::get(const net::HttpsRequest& request, net::HttpsClient::Done done) {
  return std::make_unique<Fetch>(*this, request, std::move(done));
}

}  // namespace tlspolicyd::property
