#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "every_domain.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "store/sqlite_store.h"

// bench-fill FILE COUNT: a cache file with as many policies, just fetched, each of a registered
// domain of its own.

using namespace tlspolicyd;

int main(int count, char** arguments) {
  if (count != 3) return 64;
  const auto rows = std::strtoul(arguments[2], nullptr, 10);
  net::Loop loop;
  net::Mailbox mailbox{loop};
  store::SqliteStore store(arguments[1], mailbox);
  if (const auto opened = store.open(); opened.failure) {
    fmt::print(stderr, "{}\n", opened.failure->text);
    return 1;
  }
  constexpr unsigned long kAtOnce = 10'000;
  for (unsigned long from = 0; from < rows; from += kAtOnce) {
    std::vector<store::Change> changes;
    for (auto n = from; n < std::min(rows, from + kAtOnce); ++n) {
      const auto domain = fmt::format("customer-{}.test", n);
      changes.push_back({domain, bench::row_of(domain, loop.wall())});
    }
    bool failed = false;
    const auto writing = store.write(std::move(changes), [&](const auto& error) {
      failed = error.has_value();
      loop.stop();
    });
    loop.run();
    if (failed) return 1;
  }
}
