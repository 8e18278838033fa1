#include "hosts_seen.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "event.h"

namespace tlspolicyd::property {

using base::seconds;
using base::SteadyTime;
using net::RecordType;

namespace {

// Four questions in a row, each within the resolver's deadline.
constexpr seconds kLook{41};
// Whoever joins the gate late is told what it found in the beginning (its patience is 15 s), and
// what is kept of its answer is counted from its end.
constexpr seconds kGate{16};
constexpr seconds kGatePatience{15};
constexpr seconds kLongestError{300};
// More than any question takes.
constexpr seconds kQuestion{100};

seconds believed(seconds ttl) { return std::clamp(ttl, seconds{60}, seconds{3600}); }

/// The name that TLSA records of this port are for; "" if the name is of another form.
std::string base_of(const std::string& name, std::uint16_t port) {
  const auto prefix = fmt::format("_{}._tcp.", port);
  return name.starts_with(prefix) ? name.substr(prefix.size()) : "";
}

struct BaseAndPort {
  std::string base;
  std::uint16_t port;
};

BaseAndPort base_and_port(const net::DnsQuestion& question) {
  for (const auto port : HostsSeen::kPorts)
    if (auto base = base_of(question.name.text(), port); !base.empty()) return {base, port};
  return {"", 0};
}

}  // namespace

/// Puts answers together in every way in which one look at the host may have had them.
class HostsSeen::Reading {
 public:
  Reading(const Host& host, std::uint16_t port) : host_(host), port_(port) {
    for (const auto& a : host.a)
      for (const auto& aaaa : host.aaaa) read(a, aaaa);
    for (const auto& a : host.a) read_alone(a);
    for (const auto& aaaa : host.aaaa) read_alone(aaaa);
  }

  /// The answers so far: their least TTL, and the last of them.
  struct Sofar {
    seconds ttl;
    const Answer* last;
    bool own_trouble = false;
  };
  struct End {
    HostIs state;
    Sofar sofar;
  };
  /// What may have come of it.
  std::vector<End> ends;
  /// What may be asked after the addresses, and where.
  std::vector<std::pair<RecordType, std::string>> questions;

 private:
  static Sofar add(const Sofar& sofar, const Answer& answer) {
    const bool failed = answer.says == Says::error;
    return {failed ? sofar.ttl : std::min(sofar.ttl, answer.ttl), &answer, answer.own_trouble};
  }

  void end(HostIs state, const Sofar& sofar) { ends.push_back({state, sofar}); }

  void read(const Answer& a, const Answer& aaaa) {
    const bool a_last = aaaa.at < a.at || (aaaa.at == a.at && a.number > aaaa.number);
    auto sofar = add(add({seconds::max(), nullptr}, a_last ? aaaa : a), a_last ? a : aaaa);
    const auto verdict = addresses(a.says, aaaa.says);
    if (verdict == Addresses::absent) return end(HostIs::absent, sofar);
    if (verdict == Addresses::error) {
      const auto is_remote = [](const Answer& answer) {
        return answer.says == Says::error && !answer.own_trouble;
      };
      sofar.own_trouble = !is_remote(a) && !is_remote(aaaa);
      return end(HostIs::error, sofar);
    }
    follow(verdict, {&a, &aaaa}, sofar);
  }

  /// F10: one family settles it while the other is silent, as far as it can where that fails.
  void read_alone(const Answer& answer) {
    const auto verdict = addresses(answer.says, Says::error);
    if (verdict == Addresses::absent || verdict == Addresses::error) return;
    follow(verdict, {&answer}, add({seconds::max(), nullptr}, answer));
  }

  void follow(Addresses verdict, std::initializer_list<const Answer*> answers, const Sofar& sofar) {
    const bool secure = verdict == Addresses::secure;
    for (const auto* answer : answers) {
      if (answer->says == Says::error || (secure && answer->says != Says::secure)) continue;
      const bool is_alias = answer->end != host_.name;
      if (secure) {
        read_tlsa(sofar, is_alias ? std::vector{answer->end, host_.name} : std::vector{host_.name});
      } else if (is_alias) {
        read_alias(sofar);
      } else {
        end(HostIs::none, sofar);
      }
    }
  }

  /// The chain as a whole is insecure; its first link may be secure (D6).
  void read_alias(const Sofar& sofar) {
    questions.emplace_back(RecordType::cname, host_.name);
    for (const auto& answer : host_.cname) {
      if (answer.number < sofar.last->number) continue;
      const auto next = add(sofar, answer);
      if (answer.says == Says::secure) {
        read_tlsa(next, {host_.name});
      } else {
        end(answer.says == Says::error ? HostIs::error : HostIs::none, next);
      }
    }
  }

  void read_tlsa(const Sofar& sofar, std::vector<std::string> bases) {
    questions.emplace_back(RecordType::tlsa, bases.front());
    const auto known = host_.tlsa.find({bases.front(), port_});
    if (known == host_.tlsa.end()) return;
    bases.erase(bases.begin());
    for (const auto& answer : known->second) {
      if (answer.number < sofar.last->number) continue;
      const auto next = add(sofar, answer);
      switch (tlsa(answer.says, answer.has_usable)) {
        case Base::usable: end(HostIs::usable, next); break;
        case Base::none: end(HostIs::none, next); break;
        case Base::error: end(HostIs::error, next); break;
        case Base::next:
          if (bases.empty()) {
            end(HostIs::none, next);
          } else {
            read_tlsa(next, bases);
          }
      }
    }
  }

  const Host& host_;
  std::uint16_t port_;
};

std::string HostsSeen::host_of(const net::DnsQuestion& question) {
  auto name =
      question.type == RecordType::tlsa ? base_and_port(question).base : question.name.text();
  if (question.type == RecordType::tlsa && name.starts_with(kAliasPrefix))
    name.erase(0, kAliasPrefix.size());
  return is_host(name) ? name : "";
}

std::string HostsSeen::asked(const net::DnsQuestion& question, SteadyTime now) {
  const auto name = host_of(question);
  auto& host = hosts_[name];
  host.name = name;
  // One answer leads to the next question at once.
  if (host.under_way++ == 0 && host.idle_since != now) host.busy_since = now;
  if (question.type == RecordType::a || question.type == RecordType::aaaa) return "";
  forget_before(host, now - kLook);
  const auto [base, port] = base_and_port(question);
  const auto wanted = std::pair(question.type, port == 0 ? name : base);
  const auto may_be = Reading(host, port).questions;
  if (std::find(may_be.begin(), may_be.end(), wanted) != may_be.end()) return "";
  return fmt::format("D5, D6: {} {} is asked for, though the addresses do not lead to it",
                     name_of(question.type), question.name.text());
}

void HostsSeen::answered(const net::DnsQuestion& question,
                         const base::Result<net::DnsAnswer>& answer, SteadyTime now) {
  auto& host = hosts_[host_of(question)];
  --host.under_way;
  host.idle_since = now;
  forget_before(host, now - kLook);
  Answer seen{.says = says(answer),
              .has_usable = answer && std::any_of(answer->tlsa.begin(), answer->tlsa.end(),
                                                  [](const auto& tlsa) { return is_usable(tlsa); }),
              .own_trouble = !answer && base::is_own_trouble(answer.error().fault),
              .end = answer ? answer->canonical_name : "",
              .ttl = answer ? answer->ttl : seconds{0},
              .at = now,
              .number = ++answers_};
  const auto [base, port] = base_and_port(question);
  auto& like = question.type == RecordType::a      ? host.a
               : question.type == RecordType::aaaa ? host.aaaa
               : question.type == RecordType::tlsa ? host.tlsa[{base, port}]
                                                   : host.cname;
  like.push_back(std::move(seen));
  for (const auto any : kPorts) {
    for (const auto& [state, sofar] : Reading(host, any).ends) {
      if (sofar.last->number != answers_) continue;  // it ended before
      const auto holds = state != HostIs::error ? believed(sofar.ttl)
                         : sofar.own_trouble    ? seconds{0}
                                                : kLongestError;
      host.found.push_back({state, any, now, now + holds});
    }
  }
}

void HostsSeen::dropped(const net::DnsQuestion& question, SteadyTime now) {
  const auto known = hosts_.find(host_of(question));
  if (known == hosts_.end() || known->second.under_way == 0) return;  // of the life before
  --known->second.under_way;
  known->second.idle_since = now;
}

void HostsSeen::forget_before(Host& host, SteadyTime when) {
  const auto forget = [&](Answers& answers) {
    std::erase_if(answers, [&](const Answer& answer) { return answer.at < when; });
  };
  forget(host.a);
  forget(host.aaaa);
  forget(host.cname);
  for (auto& [base, answers] : host.tlsa) forget(answers);
  std::erase_if(host.found, [&](const Found& found) { return found.until + kQuestion < when; });
}

void HostsSeen::killed() { hosts_.clear(); }

bool HostsSeen::is_quiet() const {
  return std::all_of(hosts_.begin(), hosts_.end(),
                     [](const auto& host) { return host.second.under_way == 0; });
}

unsigned HostsSeen::states(const std::string& name, std::uint16_t port, SteadyTime began,
                           SteadyTime now, std::optional<SteadyTime> since) const {
  const auto known = hosts_.find(name);
  if (known == hosts_.end()) return 0;
  const auto& host = known->second;
  unsigned states = 0;
  for (const auto& found : host.found) {
    if (found.port != port || (since && found.at < *since)) continue;
    if (found.at >= began || found.until + kGate > began)
      states |= 1U << static_cast<unsigned>(found.state);
  }
  if (host.under_way > 0 && now - host.busy_since >= kGatePatience)
    states |= 1U << static_cast<unsigned>(HostIs::error);
  return states;
}

}  // namespace tlspolicyd::property
