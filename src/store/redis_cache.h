#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "net/mailbox.h"
#include "store/redis_server.h"
#include "store/shared_cache.h"

namespace tlspolicyd::store {

/// The shared cache of a fleet on a Redis or Valkey server (SCHEMA.md), and a thread that alone
/// waits for it. All functions are for the loop's thread.
///
/// On each connection it subscribes to the words of others first and then reads all that is held,
/// so that none is missed; after trouble it connects anew, at first after a second, at last every
/// kLastPause. What is held vanishes at the server when the policy expires.
class RedisCache final : public SharedCache {
 public:
  /// The most words that wait to be sent; offers may take half of it.
  static constexpr std::size_t kMaxQueued = 8192;
  /// How long each step with the server may take.
  static constexpr base::milliseconds kPatience{2000};
  static constexpr base::milliseconds kFirstPause{1000};
  static constexpr base::milliseconds kLastPause{30'000};
  /// An idle connection is tried so often.
  static constexpr base::milliseconds kPing{10'000};
  /// All that is held is read again so often: it makes good whatever was lost.
  static constexpr base::seconds kReadAgain{3600};
  /// How long it stays known that a domain was to be forgotten.
  static constexpr base::seconds kForgotten{31 * 86400L};
  /// How long the destructor waits for the thread.
  static constexpr base::milliseconds kFarewell{3000};

  /// The mailbox must outlive it. Without a server there is no connection, and no thread yet.
  explicit RedisCache(net::Mailbox& mailbox);
  /// A thread that hangs longer than kFarewell is left behind; it calls nobody any more.
  ~RedisCache() override;

  /// Another server, or none, from now on; the present one's words are not heard any more. One that
  /// is equal changes nothing. Throws std::system_error if the system gives no thread.
  void set_server(std::optional<RedisServer> server);

  void set_listener(Listener* listener) override;
  void set_busy(bool busy) override;
  bool tell(Word word) override;
  bool offer(Word word) override;

 private:
  class Worker;

  bool send(Word word, bool only_if_absent);

  std::shared_ptr<Worker> worker_;
  std::thread thread_;
  std::optional<RedisServer> server_;
};

}  // namespace tlspolicyd::store
