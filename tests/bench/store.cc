#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "every_domain.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "store/sqlite_store.h"

// Measures the disk store in a new directory below the one named: rows loaded, size, commits.

using namespace tlspolicyd;
using Clock = std::chrono::steady_clock;

namespace {

constexpr unsigned kRows = 100'000, kWrites = 10'000, kCommits = 300;

store::Change row(unsigned number) {
  const auto domain = fmt::format("customer-{}.example.org", number);
  return {domain, bench::row_of(domain, base::WallTime(base::seconds(1'735'689'600)))};
}

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct World {
  explicit World(const std::string& path) : store(path, mailbox) {
    const auto start = Clock::now();
    const auto opened = store.open();
    if (opened.failure) {
      fmt::print(stderr, "{}\n", opened.failure->text);
      std::exit(1);
    }
    fmt::print("opened with {} rows in {:.3f} s\n", opened.contents.rows.size(), since(start));
  }
  void write(std::vector<store::Change> changes) {
    const auto operation = store.write(std::move(changes), [this](auto error) {
      if (error) fmt::print(stderr, "{}\n", error->text);
      loop.stop();
    });
    loop.run();
  }

  net::Loop loop;
  net::Mailbox mailbox{loop};
  store::SqliteStore store;
};

}  // namespace

int main(int count, char** arguments) {
  const std::string below = count > 1 ? arguments[1] : ".";
  auto name = below + "/bench-store-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return 1;
  const auto path = name + "/cache.db";
  {
    World world(path);
    auto start = Clock::now();
    for (unsigned from = 0; from < kRows; from += 1000) {
      std::vector<store::Change> changes;
      for (unsigned i = from; i < from + 1000; ++i) changes.push_back(row(i));
      world.write(std::move(changes));
    }
    fmt::print("{} rows written, 1000 a commit, in {:.3f} s\n", kRows, since(start));

    start = Clock::now();
    for (unsigned i = 0; i < kCommits; ++i) world.write({row(i)});
    fmt::print("{:.0f} commits of one row a second, one after the other\n",
               kCommits / since(start));

    std::vector<store::Change> changes;
    for (unsigned i = 0; i < kWrites; ++i) changes.push_back(row(i * 7 % kRows));
    std::vector<base::OperationPtr> operations;
    unsigned done = 0;
    start = Clock::now();
    for (auto& change : changes)
      operations.push_back(world.store.write({std::move(change)}, [&](auto) {
        if (++done == kWrites) world.loop.stop();
      }));
    const auto queued = since(start);
    world.loop.run();
    fmt::print("{} writes of one row queued in {:.3f} s, durable after {:.3f} s\n", kWrites, queued,
               since(start));
  }
  fmt::print("size of the file: {} octets\n", std::filesystem::file_size(path));
  { World world(path); }
  std::filesystem::remove_all(name);
}
