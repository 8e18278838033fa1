#pragma once

#include "base/log.h"
#include "fakes/fake_network.h"
#include "fakes/fake_shared_cache.h"
#include "fakes/fake_store.h"
#include "service/fleet.h"
#include "service/keeper.h"
#include "service/policy_service.h"
#include "service/refresher.h"

namespace tlspolicyd::fakes {

/// How a life of the service differs from the defaults.
struct Settings {
  service::FetchSlots::Limits slots;
  service::Book::Limits book;
  service::Inquiry::Settings inquiry{.patience = {base::seconds{10}, base::seconds{30}},
                                     .defer_on_dns_error = false};
  sts::RefreshRules refresh;
  service::DaneRules dane{
      .mode = service::DaneMode::off, .mixed = dane::Mixed::dane_only, .domains = {}};
  std::uint64_t seed = 1;
};

/// One life of the real service, from start to kill -9, wired as main wires it, on what outlives
/// it: a faked network, time and disk.
struct Life {
  /// `network`: a net::Resolver and net::HttpsClient in one.
  template <class Network>
  Life(FakeTime& time, Network& network, FakeStore& store, const base::Log& log,
       const Settings& settings)
      : slots(time, settings.slots),
        book(settings.book),
        keeper(store, book, time, time, log),
        shared(time),
        fleet(shared, book, keeper, time, time, log),
        dane(network, time, time, log, settings.dane, [this] { book.forget_answers(); }),
        outside{network, network, slots, keeper, dane, time, time, log},
        service(outside, book, settings.inquiry),
        refresher(outside, book, service, settings.refresh, settings.seed) {
    keeper.take_up(store.contents());
  }

  service::FetchSlots slots;
  service::Book book;
  service::Keeper keeper;
  FakeSharedCache shared;  ///< not connected
  service::Fleet fleet;
  service::Dane dane;
  service::Outside outside;
  service::PolicyService service;
  service::Refresher refresher;
};

/// The real service on a faked world, with the default settings.
struct FakeService {
  FakeTime time;
  FakeNetwork network{time};
  FakeStore store{time};
  base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  Life life{time, network, store, log, {}};
  service::PolicyService& service = life.service;
  service::Book& book = life.book;
};

}  // namespace tlspolicyd::fakes
