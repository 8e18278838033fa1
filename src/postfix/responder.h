#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/operation.h"
#include "postfix/answer_tally.h"
#include "postfix/last_policy.h"
#include "postfix/map_table.h"
#include "postfix/overrides.h"
#include "service/policy_service.h"

namespace tlspolicyd::postfix {

/// Answers socketmap requests: from the payload of one netstring to the netstring of its reply.
/// Everything given to it must outlive it, and it all operations it returned.
class Responder {
 public:
  /// Longest payload of a request: a key of Postfix 3.12 (socketmap_max_query_size) and a map name.
  static constexpr std::size_t kMaxRequest = 10'000 + 64;

  using Done = std::function<void(std::string_view reply)>;

  /// What the operator decides about answers.
  struct Rules {
    MapTable maps{};
    Overrides overrides{};
    /// Answers "no policy" to everything; what would have been answered is in the log and counted
    /// (decisions.md 13).
    bool observe = false;
  };

  Responder(service::PolicyService& service, Rules rules, const base::Clock& clock,
            const base::Log& log)
      : service_(service), clock_(clock), log_(log) {
    set_rules(std::move(rules));
  }

  /// What became of a request.
  struct Response {
    enum class Kind { answered, waiting, malformed };
    Kind kind;
    base::OperationPtr waiting{};  ///< `done` gets the reply unless this is destroyed before
    std::string key{};             ///< of `waiting`: the registered domain of the policy domain
  };

  /// Reads `<map name> SP <key>`; a map name without a key is answered NOTFOUND. An answer that is
  /// known is appended to `out`, as a netstring; else `done` is called with it later. `last` is the
  /// memory of the connection that asks; it must outlive the operation.
  Response respond(std::string_view request, LastPolicy& last, std::string& out, Done done);

  /// For requests from now on.
  void set_rules(Rules rules) {
    rules_ = std::move(rules);
    tally_.set_maps(rules_.maps.names());
  }

  const AnswerTally& tally() const { return tally_; }

 private:
  /// What is asked, in which map.
  struct Asked {
    service::Terms terms;
    std::size_t map;
  };
  bool answer_settled(std::string_view domain, const Asked& asked, LastPolicy& last,
                      std::string& out);
  std::string explain(std::string_view status, LastPolicy& last);
  void count(std::size_t map, Told told);

  service::PolicyService& service_;
  Rules rules_;
  const base::Clock& clock_;
  const base::Log& log_;
  AnswerTally tally_;
};

}  // namespace tlspolicyd::postfix
