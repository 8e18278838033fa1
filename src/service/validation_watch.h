#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/operation.h"
#include "net/dns.h"

namespace tlspolicyd::service {

/// Watches whether the resolver validates DNSSEC and is believed when it says so, by asking for the
/// name servers of the root, which is signed (spec dane.md, D1). Says so in the log when that is
/// not the case, and when it changes. Servers that are trusted and do not answer say nothing; where
/// not even their process is there (dns_unreachable), those that are not trusted take their place:
/// found out at the next look, or at once where suspect() says so.
class ValidationWatch final : public base::Operation {
 public:
  static constexpr base::seconds kInterval{600};
  static constexpr base::seconds kRetry{30};  ///< after none, or one in place of a trusted server
  static constexpr base::seconds kSuspectPause{5};  ///< least time from a look to a suspicion's

  enum class State {
    unknown,    ///< there has been no answer yet
    validates,  ///< the AD bit was set, by a resolver that is trusted
    does_not    ///< it was not, or the resolver is not trusted
  };

  /// `changed` is called, any number of times, when `does_not` begins or ends: what was learnt
  /// before is not to be used any more. All that is given must outlive it.
  ValidationWatch(net::Resolver& resolver, base::Clock& clock, base::Timers& timers,
                  const base::Log& log, std::function<void()> changed);

  State state() const { return state_; }
  /// A question that is to be validated cannot be put to any trusted server: looks at once, but not
  /// sooner than kSuspectPause after the last look. Does nothing while a look is in progress, or
  /// where DANE is not looked at anyway. The state changes by what is found, never by the
  /// suspicion.
  void suspect();
  /// The resolver is another one: nothing is known of it, and it is looked at at once.
  void begin_anew() {
    state_ = State::unknown;
    look();
  }

 private:
  void look();
  void ask(bool validated, net::Resolver::Done done);
  void on_answer(const base::Result<net::DnsAnswer>& answer, base::seconds pause);

  net::Resolver& resolver_;
  base::Clock& clock_;
  base::Timers& timers_;
  const base::Log& log_;
  std::function<void()> changed_;
  State state_ = State::unknown;
  std::optional<base::SteadyTime> looked_;  ///< when the last look ended
  base::OperationPtr question_;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::service
