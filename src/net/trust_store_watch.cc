#include "net/trust_store_watch.h"

#include <system_error>
#include <utility>

namespace tlspolicyd::net {

TrustStoreWatch::TrustStoreWatch(base::Timers& timers, Mailbox& mailbox, SecureHttpsClient& https,
                                 base::Log& log, StartThread start_thread,
                                 std::function<void()> on_change, base::milliseconds interval)
    : timers_(timers),
      mailbox_(mailbox),
      https_(https),
      log_(log),
      start_thread_(std::move(start_thread)),
      on_change_(std::move(on_change)),
      interval_(interval) {
  plan();
}

TrustStoreWatch::~TrustStoreWatch() {
  if (thread_.joinable()) thread_.join();
}

void TrustStoreWatch::plan() {
  next_ = timers_.after(interval_, [this] { begin(); });
}

void TrustStoreWatch::begin() {
  try {
    thread_ = start_thread_([this, before = https_.trust(), alive = std::weak_ptr(alive_)] {
      mailbox_.post([this, outcome = check(before), alive] {
        if (!alive.expired()) checked(outcome);
      });
    });
  } catch (const std::system_error& error) {
    warn(error.what());
    plan();
  }
}

TrustStoreWatch::Outcome TrustStoreWatch::check(TrustStore before) {
  Outcome outcome{std::move(before), std::nullopt, {}};
  try {
    const auto& ca_file = outcome.before.ca_file;
    if (!outcome.before.is_current(ca_file)) outcome.next = TrustStore::load(ca_file);
  } catch (const std::exception& error) {
    outcome.failure = error.what();
  }
  return outcome;
}

void TrustStoreWatch::checked(Outcome outcome) {
  thread_.join();  // it has posted this, and ends
  plan();
  apply(std::move(outcome));
}

void TrustStoreWatch::apply(Outcome outcome) {
  if (!outcome.failure.empty()) return warn(outcome.failure);
  // A reload may have been faster, with another file.
  if (!outcome.next || https_.trust().context != outcome.before.context) return;
  const auto& file = outcome.next->ca_file;
  log_.info("trust store reloaded", {{"file", file.empty() ? default_trust_file() : file}});
  https_.set_trust(std::move(*outcome.next));
  on_change_();
}

void TrustStoreWatch::warn(const std::string& reason) {
  log_.warning("trust store reload failed",
               {{"reason", reason}, {"hint", "the previous trust store stays in use"}});
}

}  // namespace tlspolicyd::net
