#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fakes/fake_store.h"
#include "fakes/fake_time.h"
#include "hosts_seen.h"
#include "known.h"
#include "web.h"

namespace tlspolicyd::property {

/// A question that was put to the service.
struct Question {
  unsigned number;     ///< each has its own
  std::size_t domain;  ///< of kDomains
  bool by_patterns;    ///< asked in the tlsrpt profile
  bool bracketed;      ///< the next-hop is a host
  bool testing_enforced;
  std::uint16_t port;
  base::SteadyTime began;
};

/// Knows what the service may and may not answer, from what the network delivered, what the disk
/// was able to keep and what was answered before; never from the service's own state. The
/// invariants are those of RFC 8461 and decisions.md:
///
/// I1 an unexpired enforce policy is answered until an authenticated one replaces it
/// I2 secure is answered only for an unexpired policy that was delivered, and says just what it
/// says I3, I4 what is on disk was delivered, and expires when it must I5 what was answered while
/// the disk worked is answered after kill -9 I6 replies are those of the vocabulary I7 remote
/// trouble never gives TEMP where nothing must be enforced, own trouble never NOTFOUND I8 one fetch
/// at a time, 60 s between fetches, 300 s between failures of one id and that refreshes come before
/// expiry I11 an enforce policy is answered as the DANE gate's table says for some MX set and
/// findings that may be believed: no secure where a host has usable TLSA records, no dane-only
/// where none has, no TEMP where the table has none I12 nobody looks at MX records, addresses and
/// TLSA records but for a question that the gate must be passed for. I9 and I10 are the player's.
class Oracle final : public Witness {
 public:
  Oracle(const fakes::FakeTime& time, const fakes::FakeStore& store) : time_(time), store_(store) {}

  /// The first thing that was wrong, if any was.
  const std::optional<std::string>& verdict() const { return verdict_; }
  void blame(std::string what);

  // What happens to the service.
  void asked(const Question& question);
  void hung_up(const Question& question) { pending_.erase(question.number); }
  void answered(const Question& question, std::string_view reply);
  void clock_was_set(base::seconds by);
  void killed();
  /// True if nobody waits for the DNS but for a TXT record.
  bool dns_is_quiet() const { return hosts_.is_quiet(); }
  void stopped(base::milliseconds duration) { stopped_ += duration; }
  void txt_changed(std::size_t domain);
  /// How the disk does from now on.
  void disk_changed(fakes::FakeStore::Health health, base::milliseconds delay);
  /// After every event.
  void look();

  void dns_asked(const net::DnsQuestion& question) override;
  void dns_answered(const net::DnsQuestion& question,
                    const base::Result<net::DnsAnswer>& answer) override;
  void fetch_began(const std::string& host) override;
  void fetch_ended(const std::string& host, const base::Result<net::HttpsReply>& reply) override;
  void dns_dropped(const net::DnsQuestion& question) override;
  void fetch_dropped(const std::string& host) override;

 private:
  Known* known_of(std::string_view name, std::string_view prefix);
  void txt_answered(Known& known, const base::Result<net::DnsAnswer>& answer);
  void mx_answered(Known& known, const std::string& domain,
                   const base::Result<net::DnsAnswer>& answer);
  void deliver(Known& known, const PolicyText& policy);
  void fetch_failed(Known& known, base::Fault fault);

  void narrow(Known& known) const;
  void note_expiry(Known& known) const;
  void check_refresh(Known& known, const std::string& domain);
  void check_disk();
  bool enforces_now(const Known& known, const Question& question) const;
  bool gate_is_on() const { return validation_ != Validation::does_not; }
  bool needs_mx(const Question& question) const;
  bool may_use(const MxSeen& mx, const Question& question) const;
  bool gate_may_say(Governs what, const Question& question, const MxSeen& mx) const;
  bool gate_may_say(Governs what, const Question& question, const Known& known) const;
  void check_mx_question(const std::string& domain);
  void check_address_question(const std::string& host);
  void root_answered(const base::Result<net::DnsAnswer>& answer);
  void applied(Known& known, int version) const;
  void check_dane_only(const Question& question, Known& known);
  void check_secure(const Question& question, Known& known, std::string_view text);
  void check_not_found(const Question& question, const Known& known);
  void check_temporary(const Question& question, const Known& known);

  base::milliseconds ran() const;
  bool disk_is_trusted() const;
  std::string state_of(std::size_t domain) const;

  const fakes::FakeTime& time_;
  const fakes::FakeStore& store_;
  std::map<std::string, Known, std::less<>> known_;
  std::map<unsigned, Question> pending_;
  HostsSeen hosts_;
  /// As the self-test was told last.
  enum class Validation { unknown, validates, does_not } validation_ = Validation::unknown;
  /// What was learnt before is not to be used by who asks later.
  std::optional<base::SteadyTime> outdated_;
  base::milliseconds stopped_{0};
  /// Running time from which on the disk keeps what it is given and has caught up.
  std::optional<base::milliseconds> disk_trusted_from_{base::milliseconds{0}};
  bool disk_works_ = true;
  bool disk_is_dead_now_ = false;
  bool disk_is_dead_ = false;  ///< was dead in this life: writes begun then never end
  int writes_seen_ = 0;
  std::optional<std::string> verdict_;
};

}  // namespace tlspolicyd::property
