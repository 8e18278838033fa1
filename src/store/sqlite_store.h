#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/mailbox.h"
#include "store/row_file.h"
#include "store/store.h"

namespace tlspolicyd::store {

/// The store of one machine: a SQLite file (SCHEMA.md), and a thread that alone waits for the disk.
///
/// Whatever is queued while a commit is on its way goes into the next one together. All functions
/// are for the loop's thread; `done` and `reopened` are called there, in turns of the loop, in the
/// order of the writes. A write that could not be made is not tried again by the store; whether its
/// changes are found when the file is next opened is not known then.
///
/// A file that is lost (an error of the disk, damage, another file in its place) is opened or begun
/// anew at the next write.
class SqliteStore final : public Store {
 public:
  /// The most changes that wait for their turn; a write that would exceed it gets
  /// Fault::overloaded. An empty write counts as one.
  static constexpr std::size_t kMaxQueued = 65'536;
  /// How long open() waits for another process to let go of the file.
  static constexpr base::milliseconds kPatience{5000};
  /// How long the destructor waits for the disk.
  static constexpr base::milliseconds kFarewell{5000};

  /// The mailbox must outlive it. Nothing is touched yet.
  SqliteStore(std::string path, net::Mailbox& mailbox);
  /// Lets the thread write what is queued, and waits kFarewell for it. A thread that hangs longer
  /// is left behind; it keeps what it needs and calls nobody any more. Results that have come by
  /// then, or come meanwhile, reach those operations that are kept.
  ~SqliteStore() override;

  /// Opens the file and loads all of it; blocks, up to kPatience and the time of the disk. Called
  /// once, before the first write and before the loop turns. With a failure of kind `unavailable`
  /// the store lives on and tries again at each write. Throws std::system_error if the system gives
  /// no thread.
  Opened open();

  base::OperationPtr write(std::vector<Change> changes, Done done) override;
  void on_reopened(Reopened reopened) override;

 private:
  class Worker;
  std::shared_ptr<Worker> worker_;
  std::thread thread_;
};

}  // namespace tlspolicyd::store
