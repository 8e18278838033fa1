#include "net/counted_https.h"

#include <utility>

namespace tlspolicyd::net {

class CountedHttps::Get final : public base::Operation {
 public:
  Get(CountedHttps& counted, const HttpsRequest& request, Done done)
      : tally_(counted.tally_),
        clock_(counted.clock_),
        began_(clock_.steady()),
        done_(std::move(done)) {
    ++tally_.in_flight;
    get_ = counted.https_.get(request,
                              [this](base::Result<HttpsReply> reply) { end(std::move(reply)); });
  }
  ~Get() override {
    if (done_) --tally_.in_flight;
  }

 private:
  void end(base::Result<HttpsReply> reply) {
    tally_.ended.count(reply ? std::nullopt : std::optional(reply.error().fault));
    tally_.seconds.add(std::chrono::duration<double>(clock_.steady() - began_).count());
    --tally_.in_flight;
    const auto done = std::exchange(done_, nullptr);
    done(std::move(reply));  // may destroy this
  }

  HttpsTally& tally_;
  const base::Clock& clock_;
  base::SteadyTime began_;
  Done done_;
  base::OperationPtr get_;
};

base::OperationPtr CountedHttps::get(const HttpsRequest& request, Done done) {
  return std::make_unique<Get>(*this, request, std::move(done));
}

}  // namespace tlspolicyd::net
