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
  auto next_hop = parse_next_hop(request.substr(space + 1));
  if (!next_hop) {
    out += kNotFound;
    return {Kind::answered, nullptr};
  }
  service::Question question{std::move(next_hop->domain),
                             {.port = next_hop->port,
                              .profile = map.profile,
                              .bracketed = next_hop->bracketed,
                              .enforce_testing = map.enforce_testing}};
  if (const auto settled = service_.settled(question); settled.known) {
    out += settled.wire.empty() ? kNotFound : settled.wire;
    return {Kind::answered, nullptr};
  }
  auto waiting = service_.ask(
      question, [this, question, done = std::move(done)](const service::Decision& decision) {
        std::string wire;
        append_netstring(wire, render_reply(decision, question));
        if (decision.kind == service::Decision::Kind::secure)
          service_.keep(question, decision, wire);
        done(wire);  // last: may destroy the operation that this is called from
      });
  return {Kind::waiting, std::move(waiting)};
}

}  // namespace tlspolicyd::postfix
