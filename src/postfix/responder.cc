#include "postfix/responder.h"

#include <utility>

#include "postfix/netstring.h"
#include "postfix/next_hop.h"
#include "postfix/reply.h"

namespace tlspolicyd::postfix {

Responder::Response Responder::respond(std::string_view request, std::string& out, Done done) {
  using Kind = Response::Kind;
  const auto space = request.find(' ');
  if (space == std::string_view::npos || space == 0) return {Kind::malformed, nullptr};
  const auto& map = maps_.find(request.substr(0, space), log_);
  const auto key = request.substr(space + 1);
  service::Terms terms{.profile = map.profile, .enforce_testing = map.enforce_testing};
  // Most keys are policy domains as they stand: those that are settled need no parsing.
  if (answer_settled(key, terms, out)) return {Kind::answered, nullptr};

  auto next_hop = parse_next_hop(key);
  if (!next_hop) {
    out += kNotFound;
    return {Kind::answered, nullptr};
  }
  terms.port = next_hop->port;
  terms.bracketed = next_hop->bracketed;
  if (answer_settled(next_hop->domain.text(), terms, out)) return {Kind::answered, nullptr};
  const service::Question question{std::move(next_hop->domain), terms};
  auto waiting = service_.ask(
      question, [this, question, done = std::move(done)](const service::Decision& decision) {
        std::string wire;
        append_netstring(wire, render_reply(decision, question));
        service_.keep(question, decision, wire);
        done(wire);  // last: may destroy the operation that this is called from
      });
  return {Kind::waiting, std::move(waiting)};
}

bool Responder::answer_settled(std::string_view domain, const service::Terms& terms,
                               std::string& out) {
  const auto settled = service_.settled(domain, terms);
  if (settled.known) out += settled.wire.empty() ? kNotFound : settled.wire;
  return settled.known;
}

}  // namespace tlspolicyd::postfix
