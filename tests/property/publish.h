#pragma once

#include "event.h"
#include "fakes/fake_network.h"

namespace tlspolicyd::property {

/// Tells the network what a `txt`, `https` or `mx` event says. Where it is silent, the deadlines
/// of the resolver (10 s) and of the HTTPS client (60 s) end the wait, as their contracts promise.
void publish(fakes::FakeNetwork& network, const Event& event);

}  // namespace tlspolicyd::property
