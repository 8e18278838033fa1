#pragma once

#include "base/log.h"
#include "fakes/fake_network.h"
#include "service/policy_service.h"

namespace tlspolicyd::fakes {

/// The real service on a faked network and time, with the default settings.
struct FakeService {
  FakeTime time;
  FakeNetwork network{time};
  base::Log log{base::Severity::error, base::Log::Format::text, [](auto, auto) {}};
  service::FetchSlots slots{time, {}};
  service::PolicyService service{
      {network, network, slots, time, time, log},
      {},
      {.patience = {base::seconds{10}, base::seconds{30}}, .defer_on_dns_error = false}};
};

}  // namespace tlspolicyd::fakes
