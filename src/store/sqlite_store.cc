#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/quiet_thread.h"

namespace tlspolicyd::store {
namespace {

/// What a write and its operation share. `done` is touched by the loop's thread alone, also to
/// destroy it: an operation that is destroyed empties it, and one that is kept keeps the ticket.
struct Ticket {
  Store::Done done;
};

class Write final : public base::Operation {
 public:
  explicit Write(std::shared_ptr<Ticket> ticket) : ticket_(std::move(ticket)) {}
  ~Write() override { ticket_->done = nullptr; }

 private:
  std::shared_ptr<Ticket> ticket_;
};

/// Whom to tell; of the loop's thread, emptied when the store goes.
struct Audience {
  Store::Reopened reopened;
};

void tell(Ticket& ticket, std::optional<base::Error> outcome) {
  // Taken out first: it may destroy its operation.
  if (const auto done = std::exchange(ticket.done, nullptr)) done(std::move(outcome));
}

}  // namespace

/// What the store and its thread share; the thread keeps it alive if it is left behind.
class SqliteStore::Worker {
 public:
  Worker(std::string path, net::Mailbox& mailbox) : file_(std::move(path)), mailbox_(mailbox) {}

  // Of the loop's thread.
  Opened open() { return file_.open(kPatience); }
  void queue(std::vector<Change> changes, std::shared_ptr<Ticket> ticket);
  void on_reopened(Reopened reopened) { audience_->reopened = std::move(reopened); }
  /// True if the thread has come to its end in time.
  bool end();

  // Of the store's thread, once it runs.
  void run();

 private:
  using Tickets = std::vector<std::shared_ptr<Ticket>>;
  void post(std::shared_ptr<const Tickets> tickets, RowFile::Written written);

  RowFile file_;
  net::Mailbox& mailbox_;
  const std::shared_ptr<Audience> audience_ = std::make_shared<Audience>();

  std::mutex mutex_;  ///< of all that follows, and of the right to use mailbox_
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::vector<std::vector<Change>> groups_;
  Tickets tickets_;  ///< one for each group
  std::size_t queued_ = 0;
  bool is_closing_ = false;
  bool has_ended_ = false;
  bool is_left_behind_ = false;
};

void SqliteStore::Worker::queue(std::vector<Change> changes, std::shared_ptr<Ticket> ticket) {
  const auto count = std::max<std::size_t>(changes.size(), 1);
  const std::lock_guard lock(mutex_);
  if (queued_ + count > kMaxQueued) {
    mailbox_.post([ticket] {
      tell(*ticket, base::Error{base::Fault::overloaded,
                                fmt::format("more than {} changes wait for the disk", kMaxQueued)});
    });
    return;
  }
  queued_ += count;
  groups_.push_back(std::move(changes));
  tickets_.push_back(std::move(ticket));
  wake_.notify_one();
}

void SqliteStore::Worker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return is_closing_ || !groups_.empty(); });
    if (groups_.empty()) break;
    auto groups = std::exchange(groups_, {});
    auto tickets = std::make_shared<const Tickets>(std::exchange(tickets_, {}));
    queued_ = 0;
    lock.unlock();
    auto written = file_.write(groups);
    // Not under the mutex, for which the loop may wait.
    groups = {};
    lock.lock();
    if (!is_left_behind_) post(std::move(tickets), std::move(written));
  }
  lock.unlock();
  file_.close();
  lock.lock();
  has_ended_ = true;
  ended_.notify_one();
}

void SqliteStore::Worker::post(std::shared_ptr<const Tickets> tickets, RowFile::Written written) {
  auto results = std::make_shared<RowFile::Written>(std::move(written));
  mailbox_.post([audience = audience_, tickets = std::move(tickets), results] {
    if (results->reopened) {
      // A copy: it may destroy the store, and so itself.
      if (const auto reopened = audience->reopened) reopened(std::move(*results->reopened));
    }
    for (std::size_t i = 0; i < tickets->size(); ++i)
      tell(*(*tickets)[i], std::move(results->outcomes[i]));
  });
}

bool SqliteStore::Worker::end() {
  audience_->reopened = nullptr;
  std::unique_lock lock(mutex_);
  is_closing_ = true;
  wake_.notify_one();
  is_left_behind_ = !ended_.wait_for(lock, kFarewell, [this] { return has_ended_; });
  return !is_left_behind_;
}

SqliteStore::SqliteStore(std::string path, net::Mailbox& mailbox)
    : worker_(std::make_shared<Worker>(std::move(path), mailbox)) {}

SqliteStore::~SqliteStore() {
  if (!thread_.joinable()) return;
  if (worker_->end())
    thread_.join();
  else
    thread_.detach();
}

Opened SqliteStore::open() {
  auto opened = worker_->open();
  thread_ = base::start_without_signals([worker = worker_] { worker->run(); });
  return opened;
}

base::OperationPtr SqliteStore::write(std::vector<Change> changes, Done done) {
  auto ticket = std::make_shared<Ticket>(Ticket{std::move(done)});
  worker_->queue(std::move(changes), ticket);
  return std::make_unique<Write>(std::move(ticket));
}

void SqliteStore::on_reopened(Reopened reopened) { worker_->on_reopened(std::move(reopened)); }

}  // namespace tlspolicyd::store
