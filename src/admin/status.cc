#include "admin/status.h"

#include <unistd.h>

#include "admin/health.h"
#include "admin/words.h"
#include "base/log.h"

namespace tlspolicyd::admin {
namespace {

using nlohmann::json;

json answers_json(const postfix::AnswerTally& tally) {
  json out{{"all", tally.all()},           {"settled", tally.settled},
           {"live", tally.live},           {"overruled", tally.overruled},
           {"no-domain", tally.no_domain}, {"delivery-status", tally.statuses}};
  for (std::size_t told = 0; told < postfix::kTold; ++told) {
    const auto kind = static_cast<postfix::Told>(told);
    out[std::string(postfix::name_of(kind))] = tally.all(kind);
  }
  for (const auto told : postfix::kObserved)
    if (const auto number = tally.all_observed(told); number > 0)
      out["observed"][std::string(postfix::name_of(told))] = number;
  return out;
}

json configuration_json(const Facts& facts) {
  json out{{"file", facts.configuration},
           {"loaded_at", time_json(facts.configured_at)},
           {"in_force", facts.settings},
           {"awaits_restart", facts.awaits_start}};
  if (!facts.mistake.empty()) out["mistake"] = base::printable(facts.mistake);
  return out;
}

json endpoints_json(const Facts& facts) {
  auto out = json::array();
  for (const auto& served : facts.endpoints)
    out.push_back({{"service", served.service}, {"endpoint", served.endpoint}});
  return out;
}

json disk_json(const Sources& sources) {
  const auto state = sources.keeper.state();
  json out{{"ok", !state.failing},
           {"file", sources.facts.cache_file},
           {"unsaved", state.unsaved},
           {"unplaced", state.unplaced},
           {"failures", state.failures}};
  if (state.failing) out.update({{"why", state.why}, {"since", time_json(state.since)}});
  return out;
}

json cache_json(const Sources& sources) {
  const auto& book = sources.book;
  const auto state = sources.keeper.state();
  return {{"bytes", book.bytes()},
          {"limit_bytes", book.limits().memory},
          {"limit_policies", book.limits().policies},
          {"unplaced", book.unplaced()},
          {"evicted_total", state.displaced},
          {"evicted_enforced_total", state.displaced_enforced}};
}

json fleet_json(const Sources& sources) {
  const auto& state = sources.fleet.state();
  if (state.server.empty()) return nullptr;
  json out{{"server", state.server},
           {"connected", state.connected},
           {"since", time_json(state.since)},
           {"adopted", state.adopted},
           {"told", state.told},
           {"refused", state.refused},
           {"unplaced", state.unplaced},
           {"forgotten", state.forgotten}};
  out["untold"] = state.untold;
  if (state.untold > 0) out["why_untold"] = state.why_untold;
  if (!state.connected) out["why"] = state.why;
  return out;
}

json refresh_json(const Sources& sources, const Census& census) {
  json out{{"under_way", sources.refresher.under_way()}, {"failing", census.failing}};
  if (const auto& oldest = census.oldest_failing)
    out["oldest_failing"] = {{"domain", oldest->domain},
                             {"fetched_at", time_json(oldest->fetched_at)},
                             {"left", until_json(oldest->expires_at, sources.clock.wall())},
                             {"failures", oldest->failures}};
  return out;
}

}  // namespace

json status_json(const Sources& sources, const Census& census) {
  const auto& facts = sources.facts;
  const auto health = health_of(sources);
  const auto uptime = sources.clock.steady() - facts.started;
  return {{"version", TLSPOLICYD_VERSION},
          {"pid", ::getpid()},
          {"well", health.well},
          {"troubles", health.troubles},
          {"observe", facts.observe},
          {"started_at", time_json(facts.started_at)},
          {"uptime", std::chrono::duration_cast<base::seconds>(uptime).count()},
          {"configuration", configuration_json(facts)},
          {"endpoints", endpoints_json(facts)},
          {"policies",
           {{"enforce", census.enforce},
            {"testing", census.testing},
            {"none", census.none},
            {"expired", census.expired}}},
          {"negatives", sources.book.negatives()},
          {"cache", cache_json(sources)},
          {"in_flight", sources.service.in_flight()},
          {"connections",
           {{"socketmap", sources.socketmap.connections()},
            {"policy_service", sources.policy_service.connections()}}},
          {"answers", answers_json(sources.responder.tally())},
          {"disk", disk_json(sources)},
          {"shared_cache", fleet_json(sources)},
          {"resolver", {{"dnssec", name_of(sources.dane.validation())}}},
          {"refresh", refresh_json(sources, census)}};
}

}  // namespace tlspolicyd::admin
