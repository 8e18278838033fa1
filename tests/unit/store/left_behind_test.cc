#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include <set>
#include <thread>

#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

std::set<pid_t> threads() {
  std::set<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc/self/task"))
    found.insert(static_cast<pid_t>(std::stol(entry.path().filename().string())));
  return found;
}

/// Stops one thread of this process as a disk that hangs would, by tracing it from a child.
class Stop {
 public:
  explicit Stop(pid_t thread) {
    if (::pipe(stopped_) != 0 || ::pipe(end_) != 0) return;
    child_ = ::fork();
    if (child_ == 0) ::_exit(trace(thread));
    ::prctl(PR_SET_PTRACER, child_, 0, 0, 0);
    char octet = 'x';
    if (::write(end_[1], &octet, 1) != 1) return;
    is_stopped_ = ::read(stopped_[0], &octet, 1) == 1 && octet == 'y';
  }
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;
  ~Stop() {
    for (const int fd : {stopped_[0], stopped_[1], end_[0], end_[1]}) ::close(fd);
    int status = 0;
    ::waitpid(child_, &status, 0);
  }
  bool is_stopped() const { return is_stopped_; }

 private:
  int trace(pid_t thread) const {
    ::close(end_[1]);
    char octet = 0;
    // From now on the parent has allowed it.
    if (::read(end_[0], &octet, 1) != 1) return 1;
    int status = 0;
    const bool went_well = ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0 &&
                           ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
                           ::waitpid(thread, &status, __WALL) == thread;
    octet = went_well ? 'y' : 'n';
    if (::write(stopped_[1], &octet, 1) != 1) return 1;
    // Until the parent has closed its end.
    while (::read(end_[0], &octet, 1) == 1) {
    }
    ::ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
    return 0;
  }

  int stopped_[2] = {-1, -1};
  int end_[2] = {-1, -1};
  pid_t child_ = -1;
  bool is_stopped_ = false;
};

bool can_stop() {
  const auto before = threads();
  std::thread thread([] { std::this_thread::sleep_for(base::milliseconds(50)); });
  bool can = false;
  for (const auto id : threads())
    if (!before.contains(id)) can = Stop(id).is_stopped();
  thread.join();
  return can;
}

}  // namespace

TEST_CASE("decisions 17 a disk that hangs does not keep the daemon from ending" *
          doctest::skip(!can_stop())) {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), {}).empty());
  const auto before = threads();
  auto world = std::make_unique<StoreWorld>(scratch.file());
  REQUIRE_FALSE(world->write(puts(0, 1)));
  std::this_thread::sleep_for(base::milliseconds(100));
  pid_t thread = 0;
  for (const auto id : threads())
    if (!before.contains(id)) thread = id;
  REQUIRE(thread != 0);
  {
    const Stop stop(thread);
    REQUIRE(stop.is_stopped());
    bool called = false;
    auto operation = world->store->write(puts(1, 5), [&](auto) { called = true; });
    auto forgotten = world->store->write(puts(5, 6), [&](auto) { called = true; });
    forgotten.reset();
    const auto start = std::chrono::steady_clock::now();
    world->store.reset();
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= SqliteStore::kFarewell - base::milliseconds(100));
    CHECK(took < SqliteStore::kFarewell + base::milliseconds(3000));
    world->turn(base::milliseconds(50));
    CHECK_FALSE(called);
    operation.reset();
    world.reset();
  }
  // The thread that was left behind goes on with what it keeps alive itself.
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 6));
}
