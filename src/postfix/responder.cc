#include "postfix/responder.h"

#include <utility>

#include "postfix/delivery_status.h"
#include "postfix/netstring.h"
#include "postfix/next_hop.h"
#include "postfix/reply.h"
#include "postfix/tls_policy.h"

namespace tlspolicyd::postfix {
namespace {

/// The names that a reply lets a certificate be valid for.
std::vector<std::string> names_in(std::string_view wire, const sts::StoredPolicy* policy,
                                  service::Profile profile) {
  std::vector<std::string> names;
  if (profile == service::Profile::compat) {
    const auto payload = read_netstring(wire, wire.size()).payload;
    if (!payload.starts_with("OK ")) return names;
    if (auto understood = parse_tls_policy(payload.substr(3))) names = understood->match;
    std::erase(names, kNoMatch);
  } else if (policy) {
    names = allowed_by(policy->policy);
  }
  return names;
}

}  // namespace

Responder::Response Responder::respond(std::string_view request, LastPolicy& last, std::string& out,
                                       Done done) {
  using Kind = Response::Kind;
  const auto space = request.find(' ');
  if (space == std::string_view::npos || space == 0) return {Kind::malformed, nullptr};
  const auto& map = rules_.maps.find(request.substr(0, space), log_);
  const auto key = request.substr(space + 1);
  if (map.kind == MapTable::Map::Kind::delivery_status) {
    append_netstring(out, explain(key, last));
    return {Kind::answered, nullptr};
  }
  service::Terms terms{.profile = map.profile, .enforce_testing = map.enforce_testing};
  // Most keys are policy domains as they stand: those that are settled need no parsing.
  if (answer_settled(key, terms, last, out)) return {Kind::answered, nullptr};

  auto next_hop = parse_next_hop(key);
  if (!next_hop) {
    last.forget();
    out += kNotFound;
    return {Kind::answered, nullptr};
  }
  terms.port = next_hop->port;
  terms.bracketed = next_hop->bracketed;
  if (answer_settled(next_hop->domain.text(), terms, last, out)) return {Kind::answered, nullptr};
  const service::Question question{std::move(next_hop->domain), terms};
  auto waiting = service_.ask(
      question, [this, question, &last, done = std::move(done)](const service::Decision& decision) {
        std::string wire;
        append_netstring(wire, render_reply(decision, question));
        service_.keep(question, decision, wire);
        if (rules_.observe) {
          wire = kNotFound;
        } else {
          last.answered(question.domain.text(), question.terms, decision.kind, decision.reason);
        }
        done(wire);  // last: may destroy the operation that this is called from
      });
  return {Kind::waiting, std::move(waiting)};
}

bool Responder::answer_settled(std::string_view domain, const service::Terms& terms,
                               LastPolicy& last, std::string& out) {
  if (const auto reply = rules_.overrides.find(domain); !reply.empty()) {
    last.forget();
    out += rules_.observe ? kNotFound : reply;
    return true;
  }
  const auto settled = service_.settled(domain, terms);
  if (!settled.known) return false;
  if (rules_.observe) {
    out += kNotFound;
    return true;
  }
  last.answered(domain, terms, settled.kind, {});
  out += settled.wire.empty() ? kNotFound : settled.wire;
  return true;
}

/// The reply of the delivery status filter. What is no trouble with TLS ends the delivery as far as
/// the memory is concerned: the next one may come without a question.
std::string Responder::explain(std::string_view status, LastPolicy& last) {
  if (last.holds(clock_.steady())) {
    const auto recalled = service_.recall(last.domain(), last.terms());
    auto text = explain_status(
        status, {.domain = last.domain(),
                 .kind = last.kind(),
                 .reason = last.reason(),
                 .policy = recalled.policy.get(),
                 .names = names_in(recalled.wire, recalled.policy.get(), last.terms().profile),
                 .elsewhere = recalled.elsewhere.get()});
    if (!text.empty()) return "OK " + text;
  }
  last.forget();
  return "NOTFOUND ";
}

}  // namespace tlspolicyd::postfix
