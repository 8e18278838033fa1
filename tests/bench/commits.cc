#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <string>

#include "every_domain.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "postfix/responder.h"
#include "postfix/server.h"
#include "postfix/socketmap_session.h"
#include "service/keeper.h"
#include "service/policy_service.h"
#include "store/sqlite_store.h"

// bench-commits PORT DIRECTORY RATE: the daemon's own parts on a real disk, in a network where
// every domain has a policy, so that answers are what it does all the time. Meanwhile it asks
// itself for RATE new domains a second, whose policies are committed. Ends with SIGTERM.

using namespace tlspolicyd;

namespace {

constexpr base::milliseconds kTick{10};

/// The daemon without configuration, resolver and HTTPS client.
struct World {
  World(const std::string& directory, std::uint16_t port, unsigned rate)
      : store(directory + "/cache.db", mailbox), per_tick(rate / 100) {
    if (const auto opened = store.open(); opened.failure) {
      fmt::print(stderr, "{}\n", opened.failure->text);
      std::exit(1);
    }
    server.listen(base::Endpoint{*base::Address::parse("127.0.0.1"), port});
    tick();
  }

  void tick() {
    asked.remove_if([](const auto& question) { return question->over; });
    for (unsigned n = 0; n < per_tick; ++n) {
      auto& question = *asked.emplace_back(std::make_unique<Question>());
      const auto domain = base::DomainName::parse(fmt::format("newcomer-{}.test", ++newcomers));
      question.work = service.ask({*domain, {}}, [this, &question](const auto& decision) {
        question.over = true;
        if (decision.kind == service::Decision::Kind::secure) ++committed;
      });
    }
    timer = loop.after(kTick, [this] { tick(); });
  }

  struct Question {
    base::OperationPtr work;
    bool over = false;
  };

  net::Loop loop;
  base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  net::Mailbox mailbox{loop};
  store::SqliteStore store;
  bench::EveryDomain network{loop};
  service::FetchSlots slots{loop, {.total = 1000}};
  service::Book book{{.policies = 10'000'000, .memory = std::size_t{64} << 30}};
  service::Keeper keeper{store, book, loop, loop, log};
  service::DaneRules rules{
      .mode = service::DaneMode::off, .mixed = dane::Mixed::dane_only, .domains = {}};
  service::Dane dane{network, loop, loop, log, rules, [] {}};
  service::PolicyService service{
      {network, network, slots, keeper, dane, loop, loop, log},
      book,
      {.patience = {base::seconds{10}, base::seconds{30}}, .defer_on_dns_error = false}};
  postfix::Responder responder{service, {}, loop, log};
  postfix::Server server{
      loop, [this] { return std::make_unique<postfix::SocketmapSession>(responder); }, log, 4096};
  unsigned per_tick;
  unsigned newcomers = 0;
  unsigned committed = 0;
  std::list<std::unique_ptr<Question>> asked;
  base::OperationPtr timer;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 64;
  World world(arguments[2], static_cast<std::uint16_t>(std::atoi(arguments[1])),
              static_cast<unsigned>(std::atoi(arguments[3])));
  const auto end = world.loop.on_signal(SIGTERM, [&] { world.loop.stop(); });
  world.loop.run();
  fmt::print("{}\n", world.committed);
}
