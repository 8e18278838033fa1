#pragma once

#include "event.h"
#include "fakes/fake_network.h"

namespace tlspolicyd::property {

/// Tells the network what an event says that is about what is published; whether the resolver says
/// that it was validated is the Web's. Where it is silent, the deadlines
/// of the resolver (10 s) and of the HTTPS client (60 s) end the wait, as their contracts promise.
void publish(fakes::FakeNetwork& network, const Event& event);

void publish_addresses(fakes::FakeNetwork& network, const Event& event);
void publish_tlsa(fakes::FakeNetwork& network, const Event& event);
void publish_root(fakes::FakeNetwork& network, const Event& event);

}  // namespace tlspolicyd::property
