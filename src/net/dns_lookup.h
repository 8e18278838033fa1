#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/dns_exchange.h"
#include "net/dns_places.h"
#include "net/dns_pulse.h"
#include "net/dns_resolver.h"

namespace tlspolicyd::net {

/// One question of DnsResolver: waits for a place, asks one server after the other, follows CNAMEs
/// that lead out of an answer. It holds a place exactly while it has a socket or is about to.
class DnsLookup final : public base::Operation {
 public:
  /// `resolver` must outlive it.
  DnsLookup(DnsResolver& resolver, DnsQuestion question, Resolver::Done done);

 private:
  enum class State {
    in_line,    ///< waits for a place
    asking,     ///< an attempt is in progress
    pausing,    ///< every server has failed; the next attempt comes after a pause
    listening,  ///< the attempts are used up; servers that have not failed may still answer
    over
  };
  /// A server that was asked and has not failed.
  struct Asked {
    unsigned ticket;
    std::size_t server;
    std::unique_ptr<DnsExchange> exchange;
  };

  void on_place();
  void begin_attempt();
  void ask_next();
  void arm(base::milliseconds delay);
  void on_time();
  void pause();
  void listen();
  void on_pulse(bool alive);
  void told(unsigned ticket, DnsExchange::Outcome outcome);
  const std::vector<base::Endpoint>& list() const { return servers_->list(); }
  bool is_trusted(std::size_t server) const;
  bool has_attempts_left() const { return attempt_ + 1 < options_->attempts; }
  void answered(std::size_t server, DnsAnswer answer);
  void follow(std::size_t server, Follow target);
  void failed(std::size_t server, DnsExchange::Failure failure);
  base::milliseconds time_left() const;
  base::milliseconds attempt_time() const;
  std::string question_text() const;
  base::Error silence() const;
  base::Error verdict() const;
  void finish(base::Result<DnsAnswer> result);

  DnsResolver& resolver_;
  DnsQuestion question_;
  Resolver::Done done_;
  DnsResolver::Servers servers_;
  std::shared_ptr<const DnsResolver::Options> options_;
  const base::SteadyTime deadline_;
  base::SteadyTime began_{};
  State state_ = State::in_line;

  std::size_t first_ = 0;  ///< the server of the first attempt
  unsigned attempt_ = 0;
  std::size_t asked_in_attempt_ = 0;
  unsigned tickets_ = 0;
  std::optional<DnsExchange::Failure> failure_;  ///< the most telling one so far
  std::size_t failed_server_ = 0;                ///< whose it was
  bool no_pulse_ = false;                        ///< none of the servers answers anything

  // What the messages so far have in common, see follow().
  unsigned cnames_left_ = kMaxCnames;
  std::chrono::seconds ttl_ = std::chrono::seconds::max();
  bool authenticated_ = true;

  DnsPlaces::Claim place_;
  std::vector<Asked> asked_;
  std::unique_ptr<DnsPulse> pulse_;
  base::OperationPtr timer_;
};

}  // namespace tlspolicyd::net
