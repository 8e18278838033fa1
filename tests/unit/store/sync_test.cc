#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "store_world.h"

// SQLite calls these instead of those of the C library: what a disk that loses its power, or fails
// when it is asked to be done, would do cannot be had otherwise.
namespace {

std::atomic<unsigned> synced{0};
std::atomic<unsigned> failing{0};  // so many of the next calls

int sync_with(long call, int fd) {
  if (failing.load() > 0) {
    --failing;
    errno = EIO;
    return -1;
  }
  ++synced;
  return static_cast<int>(::syscall(call, fd));
}

}  // namespace

extern "C" int fdatasync(int fd) { return sync_with(SYS_fdatasync, fd); }
extern "C" int fsync(int fd) { return sync_with(SYS_fsync, fd); }

using namespace tlspolicyd;
using namespace tlspolicyd::store;

TEST_CASE("decisions 17 done is called only after the kernel has been asked to write to the disk") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  for (unsigned i = 0; i < 5; ++i) {
    const auto before = synced.load();
    unsigned after = 0;
    const auto operation = world.store->write({put(i, i)}, [&](auto error) {
      CHECK_FALSE(error.has_value());
      after = synced.load();
      world.loop.stop();
    });
    world.turn(base::milliseconds(20'000));
    CHECK(after > before);
  }
}

TEST_CASE(
    "decisions 17 a failed fsync fails the write, the next one goes on with all that was durable") {
  Scratch scratch;
  {
    StoreWorld world(scratch.file());
    REQUIRE_FALSE(world.write(puts(0, 5)));
    failing = 1;
    const auto error = world.text_of_write(puts(5, 7));
    CHECK(failing == 0);
    CHECK(error.find("I/O error") != std::string::npos);
    CHECK(world.reopened.empty());
    CHECK(world.text_of_write(puts(7, 9)).empty());
    REQUIRE(world.reopened.size() == 1);
    CHECK(world.reopened[0].losses.empty());
    for (unsigned i = 0; i < 5; ++i) CHECK(find(world.reopened[0].rows, domain_of(i)) != nullptr);
  }
  const auto rows = look(scratch.file()).contents.rows;
  for (const unsigned i : {0U, 1U, 2U, 3U, 4U, 7U, 8U}) {
    const auto* row = find(rows, domain_of(i));
    REQUIRE(row != nullptr);
    CHECK(same(*row, make_row(domain_of(i), i)));
  }
}

TEST_CASE("decisions 17 as long as fsync fails no write is called durable") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  REQUIRE_FALSE(world.write(puts(0, 5)));
  failing = 1'000'000;
  for (unsigned i = 5; i < 8; ++i) CHECK_FALSE(world.text_of_write({put(i, i)}).empty());
  failing = 0;
  CHECK(world.text_of_write(puts(8, 9)).empty());
  REQUIRE_FALSE(world.reopened.empty());
  world.store.reset();
  const auto rows = look(scratch.file()).contents.rows;
  for (const unsigned i : {0U, 1U, 2U, 3U, 4U, 8U}) CHECK(find(rows, domain_of(i)) != nullptr);
}

TEST_CASE("decisions 17 a new file cannot vanish with the power: its directory is synced, too") {
  Scratch scratch;
  const auto before = synced.load();
  CHECK_FALSE(look(scratch.path() + "/below/cache.db").failure.has_value());
  // The directories above and below, the file when it is made, and the transactions.
  CHECK(synced.load() - before >= 5);
}
