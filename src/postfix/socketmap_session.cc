#include "postfix/socketmap_session.h"

#include <utility>

#include "postfix/netstring.h"

namespace tlspolicyd::postfix {

static_assert(Responder::kMaxRequest + 16 < Session::kLongestRequest);

Session::Step SocketmapSession::serve(std::string_view bytes, std::string& out, Done done) {
  using Kind = Step::Kind;
  const auto request = read_netstring(bytes, Responder::kMaxRequest);
  if (request.status == Netstring::Status::incomplete) return {};
  if (request.status == Netstring::Status::malformed) return {Kind::over};
  auto response = responder_.respond(request.payload, last_, out, std::move(done));
  switch (response.kind) {
    case Responder::Response::Kind::answered: return {Kind::answered, request.consumed};
    case Responder::Response::Kind::waiting:
      return {Kind::waiting, request.consumed, std::move(response.waiting),
              std::move(response.key)};
    case Responder::Response::Kind::malformed: break;
  }
  return {Kind::over};
}

}  // namespace tlspolicyd::postfix
