#include "admin/health.h"

#include <fmt/format.h>

namespace tlspolicyd::admin {
namespace {

using Part = Health::Part;
using State = Health::Part::State;

constexpr base::seconds kRecent{3600};

Part resolver_part(const Sources& sources) {
  if (!sources.dns.dead) return {"resolver", State::ok, ""};
  return {"resolver", State::unwell,
          "no name server can be reached: mail to domains that are not known is deferred"};
}

Part gate_part(const Sources& sources) {
  if (!sources.dane.in_use() ||
      sources.dane.validation() != service::ValidationWatch::State::does_not)
    return {"gate", State::ok, ""};
  return {"gate", State::degraded,
          "the resolver does not validate DNSSEC, or is not trusted to: DANE is not looked at"};
}

Part disk_part(const Sources& sources) {
  const auto disk = sources.keeper.state();
  if (!disk.failing) return {"disk", State::ok, ""};
  return {"disk", State::unwell,
          fmt::format("policies cannot be saved since {} s, {} are in memory only; the log and "
                      "tlspolicy status say why",
                      (sources.clock.wall() - disk.since).count(), disk.unsaved)};
}

Part cache_part(const Sources& sources) {
  const auto state = sources.keeper.state();
  const auto ago = (sources.clock.wall() - state.unplaced_at).count();
  if (state.unplaced + state.displaced_enforced == 0 || ago >= kRecent.count())
    return {"cache", State::ok, ""};
  if (state.displaced_enforced == 0)
    return {"cache", State::degraded,
            fmt::format("no place for new policies ({} since the start), last {} s ago",
                        state.unplaced, ago)};
  return {"cache", State::degraded,
          fmt::format("cache full: {} new policies without a place and {} enforce policies evicted "
                      "since the start, last {} s ago",
                      state.unplaced, state.displaced_enforced, ago)};
}

Part fleet_part(const Sources& sources) {
  const auto& fleet = sources.fleet.state();
  if (fleet.server.empty() || fleet.connected) return {"fleet", State::ok, ""};
  return {"fleet", State::degraded,
          fmt::format("the shared cache is away since {} s: this node goes on alone; the log and "
                      "tlspolicy status say why",
                      (sources.clock.wall() - fleet.since).count())};
}

Part loop_part(const Sources& sources) {
  const auto lag = sources.lag.worst();
  if (lag <= kMostLag) return {"loop", State::ok, ""};
  return {"loop", State::unwell,
          fmt::format("the event loop was late by {:.1f} s within the last minute", lag)};
}

Part configuration_part(const Sources& sources) {
  if (!sources.reloads.last_ok)
    return {"configuration", State::degraded,
            "the configuration file is wrong: what was read before is in force"};
  if (sources.facts.observe)
    return {"configuration", State::degraded,
            "observe: true: every question is answered \"no policy\", nothing is protected"};
  return {"configuration", State::ok, ""};
}

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::ok: return "ok";
    case State::degraded: return "degraded";
    case State::unwell: break;
  }
  return "unwell";
}

Health health_of(const Sources& sources) {
  Health health;
  health.parts = {resolver_part(sources),     gate_part(sources),  disk_part(sources),
                  cache_part(sources),        fleet_part(sources), loop_part(sources),
                  configuration_part(sources)};
  for (const auto& part : health.parts) {
    if (part.state == State::unwell) health.well = false;
    if (!part.text.empty()) health.troubles.push_back(part.text);
  }
  return health;
}

}  // namespace tlspolicyd::admin
