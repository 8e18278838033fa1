#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/operation.h"
#include "postfix/map_table.h"
#include "service/policy_service.h"

namespace tlspolicyd::postfix {

/// Answers socketmap requests: from the payload of one netstring to the netstring of its reply.
/// Everything given to it must outlive it, and it all operations it returned.
class Responder {
 public:
  /// Longest payload of a request: a key of Postfix 3.12 (socketmap_max_query_size) and a map name.
  static constexpr std::size_t kMaxRequest = 10'000 + 64;

  using Done = std::function<void(std::string_view reply)>;

  Responder(service::PolicyService& service, MapTable maps, const base::Log& log)
      : service_(service), maps_(std::move(maps)), log_(log) {}

  /// What became of a request.
  struct Response {
    enum class Kind { answered, waiting, malformed };
    Kind kind;
    base::OperationPtr waiting;  ///< `done` gets the reply unless this is destroyed before
  };

  /// Reads `<map name> SP <key>`. An answer that is known is appended to `out`, as a netstring;
  /// else `done` is called with it later.
  Response respond(std::string_view request, std::string& out, Done done);

  /// For requests from now on.
  void set_maps(MapTable maps) { maps_ = std::move(maps); }

 private:
  bool answer_settled(std::string_view domain, const service::Terms& terms, std::string& out);

  service::PolicyService& service_;
  MapTable maps_;
  const base::Log& log_;
};

}  // namespace tlspolicyd::postfix
