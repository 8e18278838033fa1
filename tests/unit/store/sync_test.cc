#include <doctest/doctest.h>

#include <functional>

#include "faults.h"
#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

TEST_CASE("decisions 17 done is called only after the kernel has been asked to write to the disk") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  for (unsigned i = 0; i < 5; ++i) {
    const auto before = faults::syncs.load();
    unsigned after = 0;
    const auto operation = world.store->write({put(i, i)}, [&](auto error) {
      CHECK_FALSE(error.has_value());
      after = faults::syncs.load();
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
    faults::failing_syncs = 1;
    const auto error = world.text_of_write(puts(5, 7));
    CHECK(faults::failing_syncs == 0);
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
  faults::failing_syncs = 1'000'000;
  for (unsigned i = 5; i < 8; ++i) CHECK_FALSE(world.text_of_write({put(i, i)}).empty());
  faults::failing_syncs = 0;
  CHECK(world.text_of_write(puts(8, 9)).empty());
  REQUIRE_FALSE(world.reopened.empty());
  world.store.reset();
  const auto rows = look(scratch.file()).contents.rows;
  for (const unsigned i : {0U, 1U, 2U, 3U, 4U, 8U}) CHECK(find(rows, domain_of(i)) != nullptr);
}

TEST_CASE("decisions 17 a new file cannot vanish with the power: its directories are synced, too") {
  Scratch scratch;
  const auto syncs_of = [&](const std::string& directory, const std::function<void()>& work) {
    faults::watched = identity_of(directory)->inode;
    faults::watched_syncs = 0;
    work();
    return faults::watched_syncs.load();
  };
  const auto file = scratch.path() + "/below/cache.db";
  CHECK(syncs_of(scratch.path(), [&] { look(file); }) > 0);
  // SQLite does so, too, when it makes the log.
  fs::remove(file);
  CHECK(syncs_of(scratch.path() + "/below", [&] { look(file); }) > 1);
}
