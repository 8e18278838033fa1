#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/operation.h"

namespace tlspolicyd::postfix {

/// One client's conversation in one of Postfix's protocols: finds the requests in what the client
/// sends and answers each, one at a time, in their order.
class Session {
 public:
  using Done = std::function<void(std::string_view reply)>;

  /// No request of any protocol is longer, in bytes.
  static constexpr std::size_t kLongestRequest = 16'384;

  /// What became of the bytes that were given.
  struct Step {
    enum class Kind {
      answered,    ///< the reply was appended to `out`
      waiting,     ///< `done` gets the reply, unless `waiting` is destroyed before
      incomplete,  ///< there is no whole request yet
      over         ///< no more is to be read; the connection ends once `out` is written
    };
    Kind kind = Kind::incomplete;
    std::size_t consumed = 0;  ///< bytes of the request; of `answered` and `waiting`
    base::OperationPtr waiting{};
    /// Of `waiting`: requests of one key share what room there is (see WaitingClients).
    std::string key{};
  };

  virtual ~Session() = default;

  /// Serves the request at the beginning of `bytes`. Must outlive what it returned.
  virtual Step serve(std::string_view bytes, std::string& out, Done done) = 0;

  /// The reply to a request that must not wait any longer because too many clients wait. Empty: the
  /// protocol has none, and the connection ends without a reply.
  virtual std::string_view reply_without_waiting() { return {}; }
};

}  // namespace tlspolicyd::postfix
