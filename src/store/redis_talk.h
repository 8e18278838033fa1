#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/redis_connection.h"
#include "store/shared_cache.h"

namespace tlspolicyd::store {

/// A word that is to be sent, as text.
struct SentWord {
  std::string domain;
  std::string text;
  base::seconds lasts;  ///< then the server drops it
  bool only_if_absent = false;
};

/// What was heard: words, and how much was none.
struct HeardWords {
  std::vector<Word> words{};
  std::size_t unreadable = 0;
  std::string example{};  ///< what was wrong with one of the unreadable

  /// Adds what a value of the server says.
  void add(std::string_view text);
};

/// What became of words that were sent.
struct SaidWords {
  std::size_t refused = 0;  ///< that the server did not take
  std::string why{};        ///< of one of them
};

/// One conversation with a Redis or Valkey server: a connection for commands and one on which the
/// words of others arrive. Keys and channel are those of SCHEMA.md. It blocks, each step for a few
/// times the patience at most. All errors are Fault::system and end the conversation; what the
/// server merely refuses does not.
class RedisTalk {
 public:
  static base::Result<std::unique_ptr<RedisTalk>> open(const RedisServer& server,
                                                       base::milliseconds patience);

  /// The next part of what is held, a hundred or so at a time, not in any order.
  base::Result<HeardWords> read_on();
  /// True once read_on() has come to the end.
  bool has_read_all() const { return has_read_all_; }
  /// From the beginning, once more.
  void read_again() { has_read_all_ = false; }

  /// Leaves the words at the server, and tells the others which of them it has taken.
  base::Result<SaidWords> say(const std::vector<SentWord>& words);

  /// The words that have arrived; does not wait while arrivals() is readable.
  base::Result<HeardWords> hear();
  /// For poll(2).
  int arrivals() const { return subscription_->descriptor(); }

  /// Asks both connections whether they are alive: an error, or that hear() gets an answer soon.
  std::optional<base::Error> ping();
  /// True if the subscription's last ping() has not been answered.
  bool is_silent() const { return pings_ > 0; }

 private:
  RedisTalk(std::unique_ptr<RedisConnection> commands,
            std::unique_ptr<RedisConnection> subscription)
      : commands_(std::move(commands)), subscription_(std::move(subscription)) {}

  std::unique_ptr<RedisConnection> commands_;
  std::unique_ptr<RedisConnection> subscription_;
  std::string cursor_ = "0";
  bool has_read_all_ = false;
  unsigned pings_ = 0;
};

}  // namespace tlspolicyd::store
