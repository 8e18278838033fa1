#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "explain/trace.h"
#include "service/policy_service.h"

namespace tlspolicyd::explain {

/// A store that keeps nothing and is always well.
class ForgetfulStore final : public store::Store {
 public:
  explicit ForgetfulStore(base::Timers& timers) : timers_(timers) {}
  base::OperationPtr write(std::vector<store::Change>, Done done) override {
    return timers_.after(base::milliseconds{0}, [done = std::move(done)] { done(std::nullopt); });
  }
  void on_reopened(Reopened) override {}

 private:
  base::Timers& timers_;
};

/// The real service, as the daemon has it on its first day: nothing is known to it, nothing it
/// learns is kept, and all it asks of the network is noted.
struct FreshService {
  using MakeHttps = std::function<std::unique_ptr<net::HttpsClient>(net::Resolver&)>;

  /// `noted` is called after each answer of the DNS. All that is given must outlive it.
  FreshService(net::Resolver& real_resolver, const MakeHttps& make_https, base::Clock& clock,
               base::Timers& timers, const service::DaneRules& dane_rules,
               service::Inquiry::Settings settings, std::function<void()> noted)
      : resolver(real_resolver, std::move(noted)),
        https(make_https(resolver)),
        store(timers),
        book({}),
        slots(timers, {}),
        keeper(store, book, clock, timers, log),
        dane(resolver, clock, timers, log, dane_rules, [this] { book.forget_answers(); }),
        service({resolver, https, slots, keeper, dane, clock, timers, log}, book, settings) {}

  base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  TracedResolver resolver;
  TracedHttps https;
  ForgetfulStore store;
  service::Book book;
  service::FetchSlots slots;
  service::Keeper keeper;
  service::Dane dane;
  service::PolicyService service;
};

}  // namespace tlspolicyd::explain
