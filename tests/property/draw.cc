#include <array>
#include <random>

#include "event.h"

namespace tlspolicyd::property {
namespace {

using base::milliseconds;
using base::seconds;

/// The generator's own numbers are the same everywhere, those of std::distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : bits_(seed) {}
  std::size_t below(std::size_t limit) { return bits_() % limit; }
  bool one_in(std::size_t many) { return below(many) == 0; }
  template <class T, std::size_t N>
  T of(const std::array<T, N>& choice) {
    return choice[below(N)];
  }

 private:
  std::mt19937_64 bits_;
};

milliseconds dns_delay(Dice& dice) {
  constexpr std::array<int, 10> kDelays{1, 1, 1, 1, 1, 20, 500, 1'900, 4'000, 9'900};
  return milliseconds{dice.of(kDelays)};
}

milliseconds https_delay(Dice& dice) {
  constexpr std::array<int, 12> kDelays{1,   1,     1,     1,      1,      50,
                                        800, 3'000, 7'000, 20'000, 45'000, 90'000};
  return milliseconds{dice.of(kDelays)};
}

void draw_txt(Dice& dice, Event& event) {
  constexpr std::array<int, 16> kWhats{
      Event::id,     Event::id,       Event::id,      Event::id,
      Event::id,     Event::id,       Event::id,      Event::absent,
      Event::denied, Event::servfail, Event::timeout, Event::unreachable,
      Event::silent, Event::several,  Event::invalid, Event::id};
  constexpr std::array<int, 7> kTtls{0, 30, 60, 60, 300, 3'600, 86'400};
  event.what = dice.of(kWhats);
  event.number = static_cast<int>(dice.below(7));
  event.seconds = seconds{dice.of(kTtls)};
  event.time = dns_delay(dice);
}

void draw_https(Dice& dice, Event& event) {
  constexpr std::array<int, 14> kWhats{
      Event::policy,    Event::policy, Event::policy,  Event::policy,    Event::policy,
      Event::policy,    Event::policy, Event::policy,  Event::status,    Event::fault,
      Event::own_fault, Event::mute,   Event::garbage, Event::wrong_type};
  event.what = dice.of(kWhats);
  // Half of the policies are the one that enforces longest among the usual ones.
  if (!dice.one_in(3)) event.number = static_cast<int>(dice.below(policies_of(0).size()));
  event.time = https_delay(dice);
}

void draw_mx(Dice& dice, Event& event) {
  constexpr std::array<int, 8> kWhats{Event::names,       Event::names,    Event::names,
                                      Event::names,       Event::implicit, Event::null,
                                      Event::mx_servfail, Event::mx_silent};
  constexpr std::array<int, 4> kTtls{0, 60, 300, 7'200};
  event.what = dice.of(kWhats);
  event.number = static_cast<int>(dice.below(mx_sets_of(0).size()));
  event.secure = !dice.one_in(4);
  event.seconds = seconds{dice.of(kTtls)};
  event.time = dns_delay(dice);
}

void draw_hosts(Dice& dice, Event& event) {
  constexpr std::array<int, 18> kWhats{
      Event::a_signed,     Event::a_signed,         Event::a_signed,        Event::a_signed,
      Event::a_signed,     Event::a_signed,         Event::a_signed,        Event::a_unsigned,
      Event::a_unsigned,   Event::a_signed_half,    Event::a_unsigned_half, Event::a_absent,
      Event::a_failed,     Event::a_silent,         Event::a_unreachable,   Event::alias_signed,
      Event::alias_signed, Event::alias_to_unsigned};
  constexpr std::array<int, 4> kTtls{0, 60, 300, 7'200};
  event.what = dice.one_in(30) ? Event::alias_unsigned : dice.of(kWhats);
  event.number = static_cast<int>(dice.below(hosts_of(0).size()));
  event.seconds = seconds{dice.of(kTtls)};
  event.time = dns_delay(dice);
}

void draw_tlsa(Dice& dice, Event& event) {
  constexpr std::array<int, 16> kWhats{
      Event::tlsa_usable,    Event::tlsa_usable,          Event::tlsa_usable,
      Event::tlsa_usable,    Event::tlsa_absent,          Event::tlsa_absent,
      Event::tlsa_absent,    Event::tlsa_absent,          Event::tlsa_unusable,
      Event::tlsa_unusable,  Event::tlsa_absent_unsigned, Event::tlsa_unsigned,
      Event::tlsa_failed,    Event::tlsa_failed,          Event::tlsa_silent,
      Event::tlsa_usable_too};
  constexpr std::array<int, 4> kPorts{0, 0, 25, 587};
  constexpr std::array<int, 4> kTtls{0, 60, 300, 7'200};
  event.what = dice.one_in(8) ? Event::tlsa_unreachable : dice.of(kWhats);
  event.number = static_cast<int>(dice.below(hosts_of(0).size()));
  event.port = dice.of(kPorts);
  event.at_alias = dice.one_in(5);
  event.seconds = seconds{dice.of(kTtls)};
  event.time = dns_delay(dice);
}

void draw_resolver(Dice& dice, Event& event) {
  constexpr std::array<int, 5> kWhats{Event::validates, Event::validates, Event::does_not,
                                      Event::does_not, Event::not_told};
  event.what = dice.of(kWhats);
}

void draw_ask(Dice& dice, Event& event) {
  event.what = static_cast<int>(dice.below(spellings(event.domain).size()));
  event.number = static_cast<int>(dice.below(dice.one_in(4) ? kMaps.size() : 2));
  event.waits = !dice.one_in(3);
}

void draw_time(Dice& dice, Event& event) {
  constexpr std::array<int, 10> kShort{1,      40,     900,    2'500,  5'000,
                                       12'000, 20'000, 31'000, 61'000, 62'000};
  constexpr std::array<int, 4> kLong{125'000, 301'000, 310'000, 601'000};
  event.time = milliseconds{dice.one_in(8) ? dice.of(kLong) : dice.of(kShort)};
}

void draw_stop(Dice& dice, Event& event) {
  constexpr std::array<int, 8> kHours{1, 1, 2, 7, 14, 27, 100, 260};
  event.time = milliseconds{std::chrono::hours{dice.of(kHours)}} / (dice.one_in(3) ? 4 : 1);
}

void draw_jump(Dice& dice, Event& event) {
  constexpr std::array<long, 7> kBy{1,          250,         3'000,           86'400,
                                    7 * 86'400, 40 * 86'400, 2 * 365 * 86'400};
  event.seconds = seconds{dice.of(kBy) * (dice.one_in(2) ? 1 : -1)};
}

Event::Kind draw_kind(Dice& dice) {
  using enum Event::Kind;
  const auto roll = dice.below(100);
  struct Share {
    Event::Kind kind;
    std::size_t upto;
  };
  constexpr std::array<Share, 14> kShares{{{ask, 40},
                                           {pass, 60},
                                           {txt, 67},
                                           {https, 74},
                                           {mx, 79},
                                           {hosts, 82},
                                           {tlsa, 86},
                                           {resolver, 88},
                                           {stop, 91},
                                           {jump, 93},
                                           {disk, 95},
                                           {kill, 97},
                                           {storm, 98},
                                           {bogus, 99}}};
  for (const auto& share : kShares)
    if (roll < share.upto) return share.kind;
  return hang_up;
}

Event draw_event(Dice& dice, std::size_t domains) {
  Event event;
  event.kind = draw_kind(dice);
  event.domain = dice.below(domains);
  switch (event.kind) {
    case Event::Kind::ask: draw_ask(dice, event); break;
    case Event::Kind::bogus:
      event.what = static_cast<int>(dice.below(bogus_keys().size()));
      event.number = static_cast<int>(dice.below(kMaps.size()));
      break;
    case Event::Kind::storm: event.number = static_cast<int>(5 + dice.below(40)); break;
    case Event::Kind::pass: draw_time(dice, event); break;
    case Event::Kind::stop: draw_stop(dice, event); break;
    case Event::Kind::jump: draw_jump(dice, event); break;
    case Event::Kind::txt: draw_txt(dice, event); break;
    case Event::Kind::https: draw_https(dice, event); break;
    case Event::Kind::mx: draw_mx(dice, event); break;
    case Event::Kind::hosts: draw_hosts(dice, event); break;
    case Event::Kind::tlsa: draw_tlsa(dice, event); break;
    case Event::Kind::resolver: draw_resolver(dice, event); break;
    case Event::Kind::disk: {
      constexpr std::array<int, 8> kWhats{Event::works, Event::works, Event::works, Event::works,
                                          Event::slow,  Event::slow,  Event::full,  Event::dead};
      constexpr std::array<int, 4> kDelays{200, 3'000, 4'500, 40'000};
      event.what = dice.of(kWhats);
      event.time = milliseconds{event.what == Event::slow ? dice.of(kDelays) : 1};
      break;
    }
    case Event::Kind::hang_up:
    case Event::Kind::kill: break;
  }
  return event;
}

/// Without it most sequences would tell of domains that have no policy, and of hosts that do not
/// exist.
void publish(Dice& dice, std::size_t domain, std::vector<Event>& events) {
  Event txt{.kind = Event::Kind::txt, .domain = domain, .what = Event::id};
  txt.time = dns_delay(dice);
  txt.seconds = seconds{300};
  Event https{.kind = Event::Kind::https, .domain = domain, .what = Event::policy};
  https.number = static_cast<int>(dice.below(policies_of(domain).size()));
  https.time = milliseconds{1};
  Event mx{.kind = Event::Kind::mx, .domain = domain, .what = Event::names};
  mx.time = milliseconds{1};
  mx.seconds = seconds{300};
  mx.secure = !dice.one_in(4);
  for (const auto& event : {txt, https, mx}) events.push_back(event);
  for (const int host : {0, 1, 2}) {
    Event hosts{.kind = Event::Kind::hosts, .domain = domain, .what = Event::a_signed};
    hosts.number = host;
    hosts.time = milliseconds{1};
    // Some are believed for longer than the resolver takes to be seen to turn, and back.
    hosts.seconds = seconds{dice.one_in(3) ? 7'200 : 300};
    events.push_back(hosts);
    Event tlsa = hosts;
    tlsa.kind = Event::Kind::tlsa;
    tlsa.what = dice.one_in(2) ? Event::tlsa_usable : Event::tlsa_absent;
    events.push_back(tlsa);
  }
}

}  // namespace

std::vector<Event> draw(std::uint64_t seed, std::size_t length) {
  Dice dice(seed);
  const auto domains = 3 + dice.below(kDomains.size() - 2);
  std::vector<Event> events;
  for (std::size_t domain = 0; domain < domains; ++domain) publish(dice, domain, events);
  while (events.size() < length) {
    events.push_back(draw_event(dice, domains));
    // Else the resolver has mostly turned again before anybody sees it.
    if (events.back().kind == Event::Kind::resolver && !dice.one_in(3))
      events.push_back({.kind = Event::Kind::pass, .time = milliseconds{601'000}});
  }
  return events;
}

}  // namespace tlspolicyd::property
