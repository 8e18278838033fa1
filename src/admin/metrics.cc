#include "admin/metrics.h"

#include <algorithm>

#include "admin/exposition.h"
#include "admin/health.h"
#include "admin/process.h"

namespace tlspolicyd::admin {
namespace {

double seconds_of(base::WallTime time) {
  return static_cast<double>(time.time_since_epoch().count());
}

void add_outcomes(Exposition::Family& family, const base::OutcomeTally& tally) {
  family.add({{"outcome", "ok"}}, tally.succeeded);
  for (std::size_t at = 0; at < base::kFaults; ++at)
    family.add({{"outcome", name_of(static_cast<base::Fault>(at))}}, tally.failed[at]);
}

void add_fetches(Exposition::Family& family, std::string_view kind,
                 const base::OutcomeTally& tally) {
  family.add({{"kind", kind}, {"outcome", "ok"}}, tally.succeeded);
  for (std::size_t at = 0; at < base::kFaults; ++at)
    family.add({{"kind", kind}, {"outcome", name_of(static_cast<base::Fault>(at))}},
               tally.failed[at]);
}

void write_answers(Exposition& out, const postfix::AnswerTally& tally) {
  auto answers = out.counter("tlspolicyd_answers_total", "Answers to socketmap requests.");
  for (const auto& map : tally.maps)
    for (std::size_t at = 0; at < postfix::kTold; ++at)
      answers.add({{"map", map.map}, {"answer", name_of(static_cast<postfix::Told>(at))}},
                  map.answers[at]);
  auto observed = out.counter("tlspolicyd_observed_answers_total",
                              "What would have been answered while observe was on, and the answer "
                              "was \"notfound\".");
  for (const auto& map : tally.maps)
    for (const auto told : postfix::kObserved)
      observed.add({{"map", map.map}, {"answer", name_of(told)}},
                   map.observed[static_cast<std::size_t>(told)]);
  auto temporary = out.counter("tlspolicyd_temporary_answers_total",
                               "Answers \"temp\", which defer mail, by what caused them.");
  for (std::size_t at = 1; at < service::kCauses; ++at)
    temporary.add({{"cause", name_of(static_cast<service::Cause>(at))}}, tally.temporary[at]);
  out.counter("tlspolicyd_cache_questions_total",
              "Questions for a domain: answered at once (hit), or looked up first (miss).")
      .add({{"result", "hit"}}, tally.settled)
      .add({{"result", "miss"}}, tally.live);
  out.histogram("tlspolicyd_cached_answer_duration_seconds",
                "Time from a request to its answer where that was known.", tally.settled_seconds);
  out.histogram("tlspolicyd_live_answer_duration_seconds",
                "Time from a request to its answer where something was looked up.",
                tally.live_seconds);
}

void write_delegation(Exposition& out, const postfix::DelegationTally& tally) {
  auto answers =
      out.counter("tlspolicyd_delegation_answers_total", "Answers to policy delegation requests.");
  for (std::size_t at = 0; at < postfix::DelegationTally::kActions; ++at)
    answers.add({{"answer", name_of(static_cast<postfix::DelegationRules::Action>(at))}},
                tally.answers[at]);
  out.counter("tlspolicyd_delegation_failures_total",
              "Answers \"dunno\" given because the decision came too late or the request could not "
              "be read.")
      .add({{"reason", "late"}}, tally.late)
      .add({{"reason", "malformed"}}, tally.malformed);
}

void write_policies(Exposition& out, const Sources& sources, const Census& census) {
  out.gauge("tlspolicyd_policies", "Policies that are applied, by mode.")
      .add({{"mode", "enforce"}}, census.enforce)
      .add({{"mode", "testing"}}, census.testing)
      .add({{"mode", "none"}}, census.none);
  out.gauge("tlspolicyd_policies_expired", "Policies that have expired and are remembered.")
      .add(census.expired);
  out.gauge("tlspolicyd_domains_without_policy", "Domains known to have no policy.")
      .add(sources.book.negatives());
  out.gauge("tlspolicyd_policies_refresh_failing",
            "Policies that are applied and whose refreshes have failed since they were fetched.")
      .add({{"mode", "enforce"}}, census.failing_enforce)
      .add({{"mode", "testing"}}, census.failing_testing)
      .add({{"mode", "none"}}, census.failing_none);
  out.gauge("tlspolicyd_policies_last_quarter",
            "Enforce policies of which less than a quarter of their life is left, and whose "
            "refreshes fail.")
      .add(census.last_quarter);
  out.gauge("tlspolicyd_policies_expiring_soon",
            "Enforce policies that expire within 24 hours, and whose refreshes fail.")
      .add(census.expiring_soon);
  const auto& oldest = census.oldest_enforce;
  const auto age = oldest ? (sources.clock.wall() - *oldest).count() : 0;
  out.gauge("tlspolicyd_oldest_failing_refresh_seconds",
            "Time since the last successful fetch of the enforce policy that has waited longest, "
            "among those whose refreshes fail; 0 if there is none.")
      .add_real(static_cast<double>(std::max<base::seconds::rep>(age, 0)));
  out.gauge("tlspolicyd_policies_lapsed",
            "Enforce policies that expired after failed refreshes: their domains are not protected "
            "any more.")
      .add(census.lapsed);
  out.gauge("tlspolicyd_policies_lapsed_in_use",
            "The same, of domains asked for within the last 24 hours and since the expiry.")
      .add(census.lapsed_in_use);
  out.counter("tlspolicyd_policies_unplaced_total",
              "New policies, and policies that have grown, for which there was no place.")
      .add(sources.keeper.state().unplaced);
}

std::string_view name_of(service::Book::Part part) {
  using Part = service::Book::Part;
  switch (part) {
    case Part::policies: return "policies";
    case Part::answers: return "answers";
    case Part::unplaced: return "unplaced";
    case Part::negatives: break;
  }
  return "negatives";
}

void write_memory(Exposition& out, const service::Book& book) {
  auto bytes = out.gauge("tlspolicyd_cache_bytes",
                         "Memory of the cache, counted: policies, answers kept for them (answers), "
                         "enforce policies without a place (unplaced), domains without a policy "
                         "(negatives).");
  for (const auto part : service::Book::kParts)
    bytes.add({{"part", name_of(part)}}, book.bytes(part));
  auto limits = out.gauge("tlspolicyd_cache_limit_bytes",
                          "What each part of the cache may take; the sum is cache.memory.");
  for (const auto part : service::Book::kParts)
    limits.add({{"part", name_of(part)}}, book.limit_of(part));
  out.gauge("tlspolicyd_policies_unplaced",
            "Enforce policies that have no place because the cache is full. They are applied and "
            "refreshed as long as they last in memory.")
      .add(book.unplaced());
}

void write_evictions(Exposition& out, const service::Keeper::State& state) {
  out.counter(
         "tlspolicyd_policies_evicted_total",
         "Policies evicted for new ones: unexpired enforce policies of the heaviest registered "
         "domain, which are applied as long as they last in memory (enforced), or others, "
         "which are forgotten.")
      .add({{"kind", "enforced"}}, state.displaced_enforced)
      .add({{"kind", "other"}}, state.displaced - state.displaced_enforced);
}

void write_fleet(Exposition& out, const service::Fleet::State& fleet) {
  out.gauge("tlspolicyd_shared_cache_configured", "1 if cache.shared names a server.")
      .add(!fleet.server.empty());
  out.gauge("tlspolicyd_shared_cache_connected", "1 while the server of cache.shared is connected.")
      .add(fleet.connected);
  out.counter("tlspolicyd_shared_cache_policies_total",
              "Policies of the fleet: taken up from other nodes (adopted), told to them (told), "
              "not taken by the server (untold), "
              "unreadable or impossible (refused), without a place here (unplaced), or forgotten "
              "because an operator had another node forget them (forgotten).")
      .add({{"event", "adopted"}}, fleet.adopted)
      .add({{"event", "told"}}, fleet.told)
      .add({{"event", "untold"}}, fleet.untold)
      .add({{"event", "refused"}}, fleet.refused)
      .add({{"event", "unplaced"}}, fleet.unplaced)
      .add({{"event", "forgotten"}}, fleet.forgotten);
}

void write_look_ups(Exposition& out, const Sources& sources) {
  const auto& lives = sources.book.tally();
  auto txt = out.counter("tlspolicyd_txt_lookups_total", "What _mta-sts TXT records said.");
  for (std::size_t at = 0; at < service::LifeTally::kTxt; ++at)
    txt.add({{"outcome", name_of(static_cast<service::LifeTally::Txt>(at))}}, lives.txt[at]);
  auto fetches = out.counter("tlspolicyd_policy_fetches_total",
                             "Policies fetched and judged: for domains of which none was known "
                             "(first), or one was (renewal).");
  add_fetches(fetches, "first", lives.first);
  add_fetches(fetches, "renewal", lives.renewal);
  out.counter("tlspolicyd_mx_mismatch_refetches_total",
              "Policies fetched again in the background because they allow none of the MX hosts.")
      .add(sources.service.mx_stats().policy_refetches);
  out.counter("tlspolicyd_findings_dropped_total",
              "Failed deliveries after which the MX hosts and TLSA records of the domain were "
              "dropped, to be looked up again.")
      .add(sources.service.mx_stats().findings_dropped);
  out.gauge("tlspolicyd_policy_fetches_waiting", "Fetches that wait for a place.")
      .add(sources.slots.waiting());
  out.gauge("tlspolicyd_refreshes_in_flight", "Refreshes under way that nobody asked for.")
      .add(sources.refresher.under_way());
  out.gauge("tlspolicyd_lookups_in_flight", "Domains that are being looked up.")
      .add(sources.service.in_flight());
}

void write_network(Exposition& out, const net::DnsTally& dns, const net::HttpsTally& https) {
  auto questions =
      out.counter("tlspolicyd_dns_questions_total", "Questions to the DNS, by record type.");
  for (std::size_t type = 0; type < dns.ended.size(); ++type)
    for (std::size_t at = 0; at < net::kDnsOutcomes; ++at)
      questions.add(
          {{"type",
            type < net::DnsTally::kTypes.size() ? name_of(net::DnsTally::kTypes[type]) : "other"},
           {"outcome", name_of(static_cast<net::DnsOutcome>(at))}},
          dns.ended[type][at]);
  out.histogram("tlspolicyd_dns_question_duration_seconds",
                "Time until a question to the DNS had its outcome, all attempts together.",
                dns.seconds);
  out.gauge("tlspolicyd_dns_questions_in_flight", "Questions to the DNS under way.")
      .add(dns.in_flight);
  auto requests = out.counter("tlspolicyd_https_requests_total",
                              "Requests to policy hosts; ok is a response of any status.");
  add_outcomes(requests, https.ended);
  out.histogram("tlspolicyd_https_request_duration_seconds",
                "Time until a request to a policy host had its outcome, the DNS included.",
                https.seconds);
  out.gauge("tlspolicyd_https_requests_in_flight", "Requests to policy hosts under way.")
      .add(https.in_flight);
}

void write_state(Exposition& out, const Sources& sources) {
  out.gauge("tlspolicyd_connections", "Clients connected, by endpoint.")
      .add({{"endpoint", "socketmap"}}, sources.socketmap.connections())
      .add({{"endpoint", "policy_service"}}, sources.policy_service.connections());
  out.counter("tlspolicyd_clients_displaced_total",
              "Waiting requests displaced because limits.clients requests were waiting.")
      .add({{"endpoint", "socketmap"}}, sources.socketmap.displaced())
      .add({{"endpoint", "policy_service"}}, sources.policy_service.displaced());
  const auto disk = sources.keeper.state();
  out.gauge("tlspolicyd_disk_failing", "1 while policies cannot be saved.").add(disk.failing);
  out.gauge("tlspolicyd_disk_unsaved_policies", "Policies that are in memory only.")
      .add(disk.unsaved);
  out.counter("tlspolicyd_disk_write_failures_total", "Writes to the cache file that failed.")
      .add(disk.failures);
  using Validation = service::ValidationWatch::State;
  const bool in_use = sources.dane.in_use();
  const auto validation = sources.dane.validation();
  out.gauge("tlspolicyd_dane_gate",
            "1 for the state of the DANE gate: looked at (validates), not looked at because the "
            "resolver does not validate (does-not), not known yet, or off in the configuration.")
      .add({{"state", "validates"}}, in_use && validation == Validation::validates)
      .add({{"state", "does-not"}}, in_use && validation == Validation::does_not)
      .add({{"state", "unknown"}}, in_use && validation == Validation::unknown)
      .add({{"state", "off"}}, !in_use);
  auto unwell = out.gauge("tlspolicyd_unwell", "1 for each part that makes /healthz answer 503.");
  for (const auto& part : health_of(sources).parts)
    unwell.add({{"part", part.name}}, part.state == Health::Part::State::unwell);
  out.gauge("tlspolicyd_loop_lag_seconds",
            "How late the event loop was at worst within the last minute.")
      .add_real(sources.lag.worst());
}

void write_process(Exposition& out, const Sources& sources) {
  out.gauge("tlspolicyd_build_info", "1; the version is the label.")
      .add({{"version", TLSPOLICYD_VERSION}}, 1);
  out.gauge("tlspolicyd_observe", "1 while every question is answered \"no policy\".")
      .add(sources.facts.observe);
  const auto& reloads = sources.reloads;
  out.counter("tlspolicyd_config_reloads_total", "Times the configuration was to be read again.")
      .add({{"result", "ok"}}, reloads.succeeded)
      .add({{"result", "failed"}}, reloads.failed);
  out.gauge("tlspolicyd_config_last_reload_successful",
            "0 if the configuration could not be used when it was last read.")
      .add(reloads.last_ok);
  out.gauge("tlspolicyd_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.")
      .add_real(seconds_of(sources.facts.configured_at));
  out.counter("tlspolicyd_log_lines_dropped_total",
              "Log lines dropped because standard error was not read.")
      .add(sources.log_writer ? sources.log_writer->dropped() : 0);
  const auto process = this_process();
  out.counter("process_cpu_seconds_total", "CPU time of all threads.")
      .add_real(process.cpu_seconds);
  out.gauge("process_resident_memory_bytes", "Resident memory.").add(process.resident_bytes);
  out.gauge("process_open_fds", "Open file descriptors.").add(process.open_files);
  out.gauge("process_max_fds", "Most file descriptors that may be open.").add(process.most_files);
  out.gauge("process_start_time_seconds", "When the process started.")
      .add_real(seconds_of(sources.facts.started_at));
}

}  // namespace

std::string metrics_text(const Sources& sources, const Census& census) {
  Exposition out;
  write_answers(out, sources.responder.tally());
  write_delegation(out, sources.delegation);
  write_policies(out, sources, census);
  write_evictions(out, sources.keeper.state());
  write_memory(out, sources.book);
  write_fleet(out, sources.fleet.state());
  write_look_ups(out, sources);
  write_network(out, sources.dns, sources.https);
  write_state(out, sources);
  write_process(out, sources);
  return out.take();
}

}  // namespace tlspolicyd::admin
