#include "postfix/responder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/registered_domain.h"
#include "postfix/delivery_status.h"
#include "postfix/netstring.h"
#include "postfix/next_hop.h"
#include "postfix/reply.h"
#include "postfix/tls_policy.h"

namespace tlspolicyd::postfix {
namespace {

/// Measures an answer; not by the loop's clock, which stands still within a turn.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// Of a longer policy nothing is kept with each connection; it is looked up where it is needed.
constexpr std::size_t kMaxPatterns = 64;

/// The names that a kept reply of the compat profile lets a certificate be valid for.
std::vector<std::string> names_in(std::string_view wire) {
  const auto payload = read_netstring(wire, wire.size()).payload;
  if (!payload.starts_with("OK ")) return {};
  const auto understood = parse_tls_policy(payload.substr(3));
  return understood ? understood->match : std::vector<std::string>();
}

void note_required(LastPolicy& last, const service::Decision& decision) {
  if (decision.policy && decision.policy->policy.mx.size() > kMaxPatterns) return;
  last.set_required({decision.policy, decision.mx_names, decision.elsewhere});
}

}  // namespace

Responder::Response Responder::respond(std::string_view request, LastPolicy& last, std::string& out,
                                       Done done) {
  using Kind = Response::Kind;
  // A map name alone has an empty key, which has no policy domain.
  const auto space = std::min(request.find(' '), request.size());
  if (space == 0) return {Kind::malformed, nullptr};
  const Stopwatch watch;
  const auto& map = rules_.maps.find(request.substr(0, space), log_);
  const auto key = request.substr(std::min(space + 1, request.size()));
  Asked asked{{.profile = map.profile, .enforce_testing = map.enforce_testing},
              rules_.maps.index_of(map)};
  if (map.kind == MapTable::Map::Kind::delivery_status) {
    const auto reply = explain(key, last);
    ++tally_.statuses;
    tally_.count(asked.map, reply.starts_with("OK ") ? Told::explained : Told::not_found);
    append_netstring(out, reply);
    return {Kind::answered, nullptr};
  }
  // Most keys are policy domains as they stand: those that are settled need no parsing.
  if (answer_settled(key, asked, last, out)) {
    tally_.settled_seconds.add(watch.seconds());
    return {Kind::answered, nullptr};
  }
  auto next_hop = parse_next_hop(key);
  if (!next_hop) {
    last.forget();
    ++tally_.no_domain;
    tally_.count(asked.map, Told::not_found);
    out += kNotFound;
    return {Kind::answered, nullptr};
  }
  asked.terms.port = next_hop->port;
  asked.terms.bracketed = next_hop->bracketed;
  if (answer_settled(next_hop->domain.text(), asked, last, out)) {
    tally_.settled_seconds.add(watch.seconds());
    return {Kind::answered, nullptr};
  }
  const service::Question question{std::move(next_hop->domain), asked.terms};
  auto waiting =
      service_.ask(question, [this, question, watch, map_index = asked.map, &last,
                              done = std::move(done)](const service::Decision& decision) {
        ++tally_.live;
        count(map_index, told_by(decision.kind));
        if (!rules_.observe) ++tally_.temporary[static_cast<std::size_t>(decision.cause)];
        tally_.live_seconds.add(watch.seconds());
        std::string wire;
        append_netstring(wire, render_reply(decision, question));
        service_.keep(question, decision, wire);
        if (rules_.observe) {
          wire = kNotFound;
        } else {
          last.answered(question.domain.text(), question.terms, decision.kind, decision.reason);
          note_required(last, decision);
        }
        done(wire);  // last: may destroy the operation that this is called from
      });
  return {Kind::waiting, std::move(waiting), base::registered_domain(question.domain)};
}

bool Responder::answer_settled(std::string_view domain, const Asked& asked, LastPolicy& last,
                               std::string& out) {
  if (const auto reply = rules_.overrides.find(domain); !reply.empty()) {
    last.forget();
    ++tally_.overruled;
    count(asked.map, Told::by_operator);
    out += rules_.observe ? kNotFound : reply;
    return true;
  }
  const auto settled = service_.settled(domain, asked.terms);
  if (!settled.known) return false;
  ++tally_.settled;
  count(asked.map, told_by(settled.kind));
  if (!rules_.observe) last.answered(domain, asked.terms, settled.kind, {});
  out += settled.wire.empty() || rules_.observe ? kNotFound : settled.wire;
  return true;
}

void Responder::count(std::size_t map, Told told) {
  if (rules_.observe) {
    tally_.count_observed(map, told);
  } else {
    tally_.count(map, told);
  }
}

/// The reply of the delivery status filter. What is no trouble with TLS ends the delivery as far as
/// the memory is concerned: the next one may come without a question.
std::string Responder::explain(std::string_view status, LastPolicy& last) {
  if (last.holds(clock_.steady())) {
    // For all recipients of the message, though what is known may be dropped after the first.
    if (!last.required()) {
      const auto recalled = service_.recall(last.domain(), last.terms());
      last.set_required({recalled.policy, names_in(recalled.wire), nullptr});
    }
    const auto& required = *last.required();
    const bool by_patterns = last.terms().profile == service::Profile::tlsrpt && required.policy;
    auto text = explain_status(
        status, {.domain = last.domain(),
                 .kind = last.kind(),
                 .reason = last.reason(),
                 .policy = required.policy.get(),
                 .names = by_patterns ? allowed_by(required.policy->policy) : required.names,
                 .elsewhere = required.elsewhere.get()});
    if (last.kind() != service::Decision::Kind::temporary && suggests_outdated_findings(status))
      service_.on_delivery_failed(last.domain());
    if (by_patterns && last.kind() == service::Decision::Kind::secure && is_no_host_allowed(status))
      service_.on_no_host_allowed(last.domain());
    if (!text.empty()) return "OK " + text;
  }
  last.forget();
  return "NOTFOUND ";
}

}  // namespace tlspolicyd::postfix
