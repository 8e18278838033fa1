#include "store/sqlite_store.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

std::uint32_t big_endian(const std::string& bytes, std::size_t at_byte) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes.at(at_byte + i));
  return number;
}

/// The commits in a write-ahead log: its frames that name the size of the database
/// (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
unsigned commits_in(const std::string& log) {
  if (log.size() < 32) return 0;
  const auto page_size = big_endian(log, 8);
  const auto salts = log.substr(16, 8);
  unsigned commits = 0;
  for (std::size_t frame = 32; frame + 24 + page_size <= log.size(); frame += 24 + page_size) {
    if (log.substr(frame + 8, 8) != salts) break;
    commits += big_endian(log, frame + 4) != 0;
  }
  return commits;
}

}  // namespace

TEST_CASE("decisions 17 a row that was written is there after the next opening") {
  Scratch scratch;
  auto row = make_row("example.org", 7);
  row.upkeep.lapsed_at = at(1'700'000'009);
  CHECK(fill(scratch.file(), {put(row)}).empty());
  const auto opened = look(scratch.file());
  CHECK_FALSE(opened.failure.has_value());
  CHECK(opened.contents.losses.empty());
  REQUIRE(opened.contents.rows.size() == 1);
  CHECK(same(opened.contents.rows[0], row));
}

TEST_CASE("decisions 17 the last write of a domain wins, and a deleted row is gone") {
  Scratch scratch;
  {
    StoreWorld world(scratch.file());
    CHECK_FALSE(world.write({put(1, 1), put(2, 2), put(3, 3), put(1, 11)}));
    CHECK_FALSE(world.write({put(2, 22), drop(3), put(4, 4), drop(4), drop(5), put(5, 5)}));
  }
  const auto rows = look(scratch.file()).contents.rows;
  CHECK(rows.size() == 3);
  for (const auto& [number, seed] : std::map<unsigned, unsigned>{{1, 11}, {2, 22}, {5, 5}}) {
    const auto* row = find(rows, domain_of(number));
    REQUIRE(row != nullptr);
    CHECK(same(*row, make_row(domain_of(number), seed)));
  }
}

TEST_CASE("decisions 17 what is durable is in the files before done is called") {
  Scratch scratch, copies;
  StoreWorld world(scratch.file());
  CHECK_FALSE(world.write(puts(0, 3)));
  for (const auto* suffix : {"", "-wal"})
    fs::copy_file(scratch.file() + suffix, copies.file() + suffix);
  CHECK(are_puts(look(copies.file()).contents.rows, 0, 3));
}

TEST_CASE("decisions 17 many writes of one turn share few commits and are answered in order") {
  constexpr unsigned kWrites = 400;
  Scratch scratch;
  StoreWorld world(scratch.file());
  const auto before = commits_in(bytes_of(scratch.file() + "-wal"));
  std::vector<base::OperationPtr> operations;
  std::vector<unsigned> order;
  for (unsigned i = 0; i < kWrites; ++i)
    operations.push_back(world.store->write({put(i, i)}, [&, i](auto error) {
      CHECK_FALSE(error.has_value());
      order.push_back(i);
      if (order.size() == kWrites) world.loop.stop();
    }));
  world.turn(base::milliseconds(20'000));
  REQUIRE(order.size() == kWrites);
  for (unsigned i = 0; i < kWrites; ++i) REQUIRE(order[i] == i);
  const auto commits = commits_in(bytes_of(scratch.file() + "-wal")) - before;
  CHECK(commits >= 1);
  CHECK(commits < kWrites / 4);
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, kWrites));
}

TEST_CASE("decisions 17 each write that waits for the one before has a commit of its own") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  const auto before = commits_in(bytes_of(scratch.file() + "-wal"));
  for (unsigned i = 0; i < 5; ++i) CHECK_FALSE(world.write({put(i, i)}));
  CHECK(commits_in(bytes_of(scratch.file() + "-wal")) - before == 5);
}

TEST_CASE("decisions 17 an empty write asks the disk") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  const auto before = commits_in(bytes_of(scratch.file() + "-wal"));
  CHECK_FALSE(world.write({}));
  CHECK(commits_in(bytes_of(scratch.file() + "-wal")) - before == 1);
}

TEST_CASE("done is never called from inside write, nor after its operation is gone") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  unsigned called = 0;
  auto kept = world.store->write({put(0, 0)}, [&](auto) { ++called; });
  CHECK(called == 0);
  auto forgotten = world.store->write({put(1, 1)}, [&](auto) { FAIL("forgotten"); });
  forgotten.reset();
  base::OperationPtr late;
  late = world.store->write({put(2, 2)}, [&](auto) { FAIL("forgotten in the mailbox"); });
  // By then its result is in the mailbox; the loop has not turned.
  std::this_thread::sleep_for(base::milliseconds(200));
  late.reset();
  CHECK(called == 0);
  world.turn_until([&] { return called > 0; });
  CHECK(called == 1);
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 3));
}

TEST_CASE("done may destroy its operation, the others and the store") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  std::vector<base::OperationPtr> operations;
  unsigned called = 0;
  for (unsigned i = 0; i < 10; ++i)
    operations.push_back(world.store->write({put(i, i)}, [&](auto) {
      ++called;
      operations.clear();
      world.store.reset();
    }));
  world.turn_until([&] { return called > 0; });
  CHECK(called == 1);
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 10));
}

TEST_CASE("the destructor lets the thread write what is queued; kept operations hear of it") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  std::vector<base::OperationPtr> operations;
  unsigned called = 0;
  for (unsigned i = 0; i < 100; ++i)
    operations.push_back(world.store->write({put(i, i)}, [&](auto error) {
      CHECK_FALSE(error.has_value());
      ++called;
    }));
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 100));
  world.turn(base::milliseconds(50));
  CHECK(called == 100);
}

TEST_CASE("decisions 17 a queue that is full says overloaded and takes writes again later") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  // Deletions of nothing: as many as the queue may hold, and one.
  std::vector<Change> many(SqliteStore::kMaxQueued + 1, drop(0));
  const auto error = world.write(many);
  REQUIRE(error.has_value());
  CHECK(error->fault == base::Fault::overloaded);
  many.pop_back();
  CHECK_FALSE(world.write(many));
  CHECK_FALSE(world.write({put(1, 1)}));
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 1, 2));
}

TEST_CASE("decisions 17 a row that cannot be stored fails alone") {
  Scratch scratch;
  StoreWorld world(scratch.file());
  auto bad = put(2, 2);
  bad.row->policy = nullptr;
  std::map<unsigned, std::optional<base::Error>> outcomes;
  std::vector<base::OperationPtr> operations;
  for (unsigned i = 1; i <= 3; ++i)
    operations.push_back(world.store->write({i == 2 ? bad : put(i, i)},
                                            [&, i](auto error) { outcomes[i] = error; }));
  world.turn_until([&] { return outcomes.size() == 3; });
  REQUIRE(outcomes.size() == 3);
  CHECK_FALSE(outcomes[1].has_value());
  CHECK(outcomes[2].has_value());
  CHECK_FALSE(outcomes[3].has_value());
  world.store.reset();
  CHECK(look(scratch.file()).contents.rows.size() == 2);
}

TEST_CASE("decisions 17 after kill -9 at any moment every row that was reported is there") {
  constexpr unsigned kRounds = 20, kDomains = 50;
  Scratch scratch;
  std::mt19937 random(1);
  unsigned reported_in_all = 0;
  std::map<unsigned, unsigned> reported;  // domain number to the seed last reported
  for (unsigned round = 0; round < kRounds; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const auto child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      StoreWorld world(scratch.file());
      if (world.opened.failure || !world.opened.contents.losses.empty()) ::_exit(2);
      unsigned seed = round * 1'000'000;
      std::map<unsigned, base::OperationPtr> operations;
      std::function<void(unsigned)> write = [&](unsigned number) {
        const unsigned mine = ++seed;
        operations[number] = world.store->write({put(number, mine)}, [&, number, mine](auto error) {
          if (error) ::_exit(3);
          const unsigned report[2] = {number, mine};
          if (::write(ends[1], report, sizeof report) != sizeof report) ::_exit(4);
          // In its own turn: it replaces the operation whose callback this is.
          world.mailbox.post([&, number] { write(number); });
        });
      };
      for (unsigned number = 0; number < kDomains; ++number) write(number);
      world.loop.run();
      ::_exit(5);
    }
    ::close(ends[1]);
    unsigned report[2];
    const auto take_report = [&] {
      if (::read(ends[0], report, sizeof report) != sizeof report) return false;
      reported[report[0]] = report[1];
      ++reported_in_all;
      return true;
    };
    // Every other round it is killed while it starts, else when it has begun to report.
    if (round % 2 == 0) CHECK(take_report());
    std::this_thread::sleep_for(base::milliseconds(random() % 100));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    while (take_report()) {
    }
    ::close(ends[0]);
    const auto opened = look(scratch.file());
    REQUIRE_FALSE(opened.failure.has_value());
    CHECK(opened.contents.losses.empty());
    for (const auto& [number, seed] : reported) {
      const auto* row = find(opened.contents.rows, domain_of(number));
      REQUIRE(row != nullptr);
      // A later one may have become durable without having been reported.
      CHECK(row->upkeep.failures >= seed);
      CHECK(same(*row, make_row(domain_of(number), row->upkeep.failures)));
    }
  }
  CHECK(reported_in_all >= kRounds / 2);
}

TEST_CASE("decisions 17 a second daemon is refused the file of the first") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  int ready[2], end[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(end) == 0);
  const auto child = ::fork();
  if (child == 0) {
    StoreWorld world(scratch.file());
    char octet = world.opened.failure ? 'n' : 'y';
    if (::write(ready[1], &octet, 1) != 1) ::_exit(1);
    if (::read(end[0], &octet, 1) != 1) ::_exit(1);
    ::_exit(world.text_of_write({put(3, 3)}).empty() ? 0 : 2);
  }
  char octet = 0;
  REQUIRE(::read(ready[0], &octet, 1) == 1);
  REQUIRE(octet == 'y');
  const auto start = std::chrono::steady_clock::now();
  {
    StoreWorld second(scratch.file());
    CHECK(std::chrono::steady_clock::now() - start >= base::milliseconds(4500));
    REQUIRE(second.opened.failure.has_value());
    CHECK(second.opened.failure->kind == OpenFailure::Kind::in_use);
    CHECK(second.opened.failure->text.find(scratch.file()) != std::string::npos);
    CHECK(second.opened.contents.rows.empty());
    CHECK(second.opened.contents.losses.empty());
    CHECK(second.text_of_write({put(4, 4)}).find("in use") != std::string::npos);
  }
  REQUIRE(::write(end[1], "x", 1) == 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  // The first was not disturbed, and its lock went with it.
  CHECK(status == 0);
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 4));
  CHECK(scratch.aside().empty());
  for (const int fd : {ready[0], ready[1], end[0], end[1]}) ::close(fd);
}

TEST_CASE("decisions 17 a daemon that is restarted waits for the one before") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto child = ::fork();
  if (child == 0) {
    StoreWorld world(scratch.file());
    if (::write(ready[1], "y", 1) != 1) ::_exit(1);
    std::this_thread::sleep_for(base::milliseconds(800));
    ::_exit(world.opened.failure ? 2 : 0);
  }
  char octet = 0;
  REQUIRE(::read(ready[0], &octet, 1) == 1);
  const auto opened = look(scratch.file());
  CHECK_FALSE(opened.failure.has_value());
  CHECK(are_puts(opened.contents.rows, 0, 3));
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  for (const int fd : ready) ::close(fd);
}
