#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "net/https_client.h"
#include "net/mailbox.h"
#include "net/trust_store.h"

namespace tlspolicyd::net {

/// Checks every hour whether the files of the trust store have changed, and then gives the HTTPS
/// client the new one: a CA that the system no longer trusts is refused without a restart.
///
/// Files are looked at and read in a thread of its own; the loop never waits for them. A store that
/// cannot be read leaves the one before in use, with a warning. Made and destroyed on the loop's
/// thread; the destructor waits for a read that is in progress.
class TrustStoreWatch {
 public:
  static constexpr base::milliseconds kInterval{3600 * 1000};

  using StartThread = std::function<std::thread(std::function<void()>)>;

  /// `start_thread` may throw std::system_error. `on_change` is called after each change of the
  /// trust store. All references must outlive the object.
  TrustStoreWatch(base::Timers& timers, Mailbox& mailbox, SecureHttpsClient& https, base::Log& log,
                  StartThread start_thread, std::function<void()> on_change,
                  base::milliseconds interval = kInterval);
  TrustStoreWatch(const TrustStoreWatch&) = delete;
  TrustStoreWatch& operator=(const TrustStoreWatch&) = delete;
  ~TrustStoreWatch();

 private:
  struct Outcome {
    TrustStore before;               ///< what was in use when the check began
    std::optional<TrustStore> next;  ///< if there is another one
    std::string failure;             ///< why it could not be read
  };

  static Outcome check(TrustStore before);
  void plan();
  void begin();
  void checked(Outcome outcome);
  void apply(Outcome outcome);
  void warn(const std::string& reason);

  base::Timers& timers_;
  Mailbox& mailbox_;
  SecureHttpsClient& https_;
  base::Log& log_;
  StartThread start_thread_;
  std::function<void()> on_change_;
  base::milliseconds interval_;
  base::OperationPtr next_;
  std::thread thread_;
  /// Gone with the object: what a thread has posted may run later.
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace tlspolicyd::net
