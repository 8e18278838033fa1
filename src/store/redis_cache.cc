#include "store/redis_cache.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "base/quiet_thread.h"
#include "net/file_descriptor.h"
#include "store/redis_talk.h"
#include "store/word_text.h"

namespace tlspolicyd::store {
namespace {

using base::milliseconds;
using base::SteadyTime;

// Words sent at a time.
constexpr std::size_t kBatch = 200;
// Letters that the loop has not read yet; while it is so far behind nothing more is read.
constexpr int kMaxLetters = 4;

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

base::seconds left_of(base::WallTime until) {
  const auto now = std::chrono::floor<base::seconds>(std::chrono::system_clock::now());
  return until - now;
}

/// Whom to tell, and of which server; of the loop's thread.
struct Audience {
  SharedCache::Listener* listener = nullptr;
  unsigned server = 0;
};

}  // namespace

/// What the cache and its thread share; the thread keeps it alive if it is left behind.
class RedisCache::Worker {
 public:
  explicit Worker(net::Mailbox& mailbox)
      : mailbox_(mailbox), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  // Of the loop's thread.
  void set_listener(Listener* listener) { audience_->listener = listener; }
  void set_busy(bool busy);
  void set_server(std::optional<RedisServer> server);
  bool queue(SentWord word);
  /// True if the thread has come to its end in time.
  bool end();

  // Of the cache's thread.
  void run();

 private:
  std::optional<base::Error> talk(const RedisServer& server);
  std::optional<base::Error> speak(RedisTalk& talk);
  std::optional<base::Error> listen(RedisTalk& talk);
  bool is_over();
  bool has_words();
  bool loop_is_behind() const { return is_busy_ || *letters_ >= kMaxLetters; }
  void rest(milliseconds pause);
  void wait(milliseconds at_most, int arrivals = -1);
  void post(std::function<void(Listener&)> letter);
  void post(HeardWords heard);

  net::Mailbox& mailbox_;
  const net::FileDescriptor wake_;
  const std::shared_ptr<Audience> audience_ = std::make_shared<Audience>();
  std::atomic<bool> is_busy_ = false;
  const std::shared_ptr<std::atomic<int>> letters_ = std::make_shared<std::atomic<int>>(0);

  // Of the thread alone.
  unsigned talking_to_ = 0;
  bool arrived_ = false;  ///< something did at the last wait()
  SteadyTime ping_at_{};
  SteadyTime read_again_at_{};
  milliseconds pause_ = kFirstPause;

  std::mutex mutex_;  ///< of all that follows, and of the right to use mailbox_
  std::condition_variable ended_;
  std::optional<RedisServer> server_;
  unsigned servers_ = 0;  ///< counts set_server()
  std::deque<SentWord> words_;
  bool is_connected_ = false;
  bool is_closing_ = false;
  bool has_ended_ = false;
  bool is_left_behind_ = false;
};

void RedisCache::Worker::set_busy(bool busy) {
  if (is_busy_.exchange(busy) && !busy) ::eventfd_write(wake_.get(), 1);
}

void RedisCache::Worker::set_server(std::optional<RedisServer> server) {
  const std::lock_guard lock(mutex_);
  server_ = std::move(server);
  audience_->server = ++servers_;
  is_connected_ = false;
  words_.clear();
  ::eventfd_write(wake_.get(), 1);
}

bool RedisCache::Worker::queue(SentWord word) {
  const std::lock_guard lock(mutex_);
  // All that is known is offered again on the next connection.
  if (!is_connected_) return true;
  if (words_.size() >= (word.only_if_absent ? kMaxQueued / 2 : kMaxQueued)) return false;
  words_.push_back(std::move(word));
  if (words_.size() == 1) ::eventfd_write(wake_.get(), 1);
  return true;
}

bool RedisCache::Worker::end() {
  audience_->listener = nullptr;
  std::unique_lock lock(mutex_);
  is_closing_ = true;
  ::eventfd_write(wake_.get(), 1);
  is_left_behind_ = !ended_.wait_for(lock, kFarewell, [this] { return has_ended_; });
  return !is_left_behind_;
}

void RedisCache::Worker::run() {
  for (;;) {
    std::optional<RedisServer> server;
    {
      const std::lock_guard lock(mutex_);
      if (is_closing_) break;
      server = server_;
      if (talking_to_ != servers_) pause_ = kFirstPause;
      talking_to_ = servers_;
    }
    if (!server) {
      wait(milliseconds{-1});
      continue;
    }
    const auto trouble = talk(*server);
    {
      const std::lock_guard lock(mutex_);
      if (talking_to_ == servers_) is_connected_ = false;
      words_.clear();
    }
    if (!trouble) continue;
    post([why = trouble->text](Listener& listener) { listener.on_away(why); });
    rest(pause_);
    pause_ = std::min(pause_ * 2, kLastPause);
  }
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  ended_.notify_one();
}

/// Until there is trouble, or another server, or the end.
std::optional<base::Error> RedisCache::Worker::talk(const RedisServer& server) {
  auto opened = RedisTalk::open(server, kPatience);
  if (!opened) return opened.error();
  auto& talk = **opened;
  {
    const std::lock_guard lock(mutex_);
    if (talking_to_ != servers_) return std::nullopt;
    is_connected_ = true;
  }
  post([](Listener& listener) { listener.on_connected(); });
  ping_at_ = steady_now() + kPing;
  read_again_at_ = steady_now() + kReadAgain;
  while (!is_over()) {
    // Until then it may end as soon as it did before.
    if (talk.has_read_all()) pause_ = kFirstPause;
    if (steady_now() >= read_again_at_) {
      talk.read_again();
      read_again_at_ = steady_now() + kReadAgain;
    }
    if (!talk.has_read_all() && !loop_is_behind()) {
      auto held = talk.read_on();
      if (!held) return held.error();
      post(std::move(*held));
    }
    if (auto trouble = speak(talk)) return trouble;
    if (auto trouble = listen(talk)) return trouble;
  }
  // What was said just before the end is sent.
  return speak(talk);
}

std::optional<base::Error> RedisCache::Worker::speak(RedisTalk& talk) {
  std::vector<SentWord> words;
  {
    const std::lock_guard lock(mutex_);
    if (talking_to_ != servers_) return std::nullopt;
    const auto count = static_cast<std::ptrdiff_t>(std::min(words_.size(), kBatch));
    words.assign(std::make_move_iterator(words_.begin()),
                 std::make_move_iterator(words_.begin() + count));
    words_.erase(words_.begin(), words_.begin() + count);
  }
  if (words.empty()) return std::nullopt;
  const auto said = talk.say(words);
  if (!said) return said.error();
  if (said->refused > 0)
    post([said = *said](Listener& listener) { listener.on_untold(said.refused, said.why); });
  return std::nullopt;
}

std::optional<base::Error> RedisCache::Worker::listen(RedisTalk& talk) {
  if (loop_is_behind()) {
    wait(milliseconds{20});
    return std::nullopt;
  }
  const bool busy = !talk.has_read_all() || has_words();
  const auto until_ping = std::chrono::ceil<milliseconds>(ping_at_ - steady_now());
  wait(busy ? milliseconds{0} : std::max(until_ping, milliseconds{0}), talk.arrivals());
  if (arrived_) {
    auto heard = talk.hear();
    if (!heard) return heard.error();
    post(std::move(*heard));
  }
  if (steady_now() < ping_at_) return std::nullopt;
  // What arrived before was heard: no answer to the last one is among it.
  if (talk.is_silent()) return base::Error{base::Fault::system, "the subscription is dead"};
  ping_at_ = steady_now() + kPing;
  return talk.ping();
}

bool RedisCache::Worker::is_over() {
  const std::lock_guard lock(mutex_);
  return is_closing_ || talking_to_ != servers_;
}

bool RedisCache::Worker::has_words() {
  const std::lock_guard lock(mutex_);
  return !words_.empty();
}

/// The whole pause, unless there is another server or it is the end.
void RedisCache::Worker::rest(milliseconds pause) {
  const auto until = steady_now() + pause;
  while (!is_over()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_now());
    if (left <= milliseconds{0}) return;
    wait(left);
  }
}

/// Until the loop's thread has something to say, words arrive, or the time is over.
void RedisCache::Worker::wait(milliseconds at_most, int arrivals) {
  pollfd both[] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                   {.fd = arrivals, .events = POLLIN, .revents = 0}};
  const int ready = ::poll(both, 2, static_cast<int>(at_most.count()));
  arrived_ = ready > 0 && both[1].revents != 0;
  eventfd_t ignored = 0;
  if (ready > 0 && both[0].revents != 0) ::eventfd_read(wake_.get(), &ignored);
}

void RedisCache::Worker::post(std::function<void(Listener&)> letter) {
  const std::lock_guard lock(mutex_);
  if (is_left_behind_) return;
  ++*letters_;
  mailbox_.post(
      [audience = audience_, letters = letters_, server = talking_to_, letter = std::move(letter)] {
        --*letters;
        if (audience->listener != nullptr && audience->server == server)
          letter(*audience->listener);
      });
}

void RedisCache::Worker::post(HeardWords heard) {
  if (heard.words.empty() && heard.unreadable == 0) return;
  post([heard = std::make_shared<HeardWords>(std::move(heard))](Listener& listener) {
    if (heard->unreadable > 0) listener.on_unreadable(heard->unreadable, heard->example);
    if (!heard->words.empty()) listener.on_words(std::move(heard->words));
  });
}

RedisCache::RedisCache(net::Mailbox& mailbox) : worker_(std::make_shared<Worker>(mailbox)) {}

RedisCache::~RedisCache() {
  if (!thread_.joinable()) return;
  if (worker_->end())
    thread_.join();
  else
    thread_.detach();
}

void RedisCache::set_server(std::optional<RedisServer> server) {
  if (server == server_) return;
  if (!thread_.joinable())
    thread_ = base::start_without_signals([worker = worker_] { worker->run(); });
  server_ = server;
  worker_->set_server(std::move(server));
}

void RedisCache::set_busy(bool busy) { worker_->set_busy(busy); }

void RedisCache::set_listener(Listener* listener) { worker_->set_listener(listener); }

bool RedisCache::tell(Word word) { return send(std::move(word), false); }

bool RedisCache::offer(Word word) { return send(std::move(word), true); }

bool RedisCache::send(Word word, bool only_if_absent) {
  auto text = text_of(word);
  const auto lasts = word.row ? left_of(word.row->policy->expires_at) : kForgotten;
  // A row that could not be read back, or that has expired, is of use to nobody.
  if (!text || lasts <= base::seconds{0}) return true;
  return worker_->queue({.domain = std::move(word.domain),
                         .text = std::move(*text),
                         .lasts = lasts,
                         .only_if_absent = only_if_absent});
}

}  // namespace tlspolicyd::store
