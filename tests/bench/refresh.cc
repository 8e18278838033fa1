#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include "every_domain.h"
#include "fakes/fake_service.h"

// bench-refresh COUNT: starts the real service in simulated time with as many policies, which were
// all fetched three days ago, and lets two days pass. Prints, as JSON, the largest number of
// refreshes that began in any second and any minute, how many there were, and after how long the
// last overdue policy was refreshed.

using namespace tlspolicyd;

namespace {

constexpr base::seconds kDay{86'400};

struct Fetches {
  std::map<std::int64_t, unsigned> by_second{};
  std::map<std::int64_t, unsigned> by_minute{};
  unsigned all = 0;

  static unsigned most(const std::map<std::int64_t, unsigned>& counts) {
    unsigned most = 0;
    for (const auto& [when, count] : counts) most = std::max(most, count);
    return most;
  }
};

}  // namespace

int main(int argc, char** arguments) {
  if (argc != 2) return 64;
  const auto count = std::strtoul(arguments[1], nullptr, 10);
  fakes::FakeTime time;
  Fetches fetches;
  std::int64_t first_round = 0;
  bench::EveryDomain network(time, [&] {
    const auto now =
        std::chrono::duration_cast<base::seconds>(time.steady().time_since_epoch()).count();
    ++fetches.by_second[now];
    ++fetches.by_minute[now / 60];
    if (++fetches.all == count) first_round = now;
  });
  fakes::FakeStore store(time);
  std::map<std::string, store::Row> held;
  for (unsigned long n = 0; n < count; ++n) {
    const auto domain = fmt::format("customer-{}.test", n);
    held.emplace(domain, bench::row_of(domain, time.wall() - 3 * kDay));
  }
  store.replace(std::move(held));
  const base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  fakes::Settings settings;
  settings.book = {.policies = count, .memory = count * 4096};
  fakes::Life life(time, network, store, log, settings);
  time.pass(2 * kDay);
  fmt::print(
      "{{\"policies\": {}, \"in_a_second\": {}, \"in_a_minute\": {}, \"refreshes\": {}, "
      "\"first_round_s\": {}}}\n",
      life.book.policies(), Fetches::most(fetches.by_second), Fetches::most(fetches.by_minute),
      fetches.all, first_round);
}
