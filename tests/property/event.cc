#include "event.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace tlspolicyd::property {
namespace {

using base::milliseconds;
using base::seconds;

constexpr std::array kTxtWords{"id",          "absent", "denied by DNSSEC", "servfail", "timeout",
                               "unreachable", "silent", "several records",  "invalid"};
constexpr std::array kHttpsWords{"policy", "status 404",     "fault tls",   "fault system",
                                 "silent", "type text/html", "not a policy"};
constexpr std::array kMxWords{"names", "implicit", "null", "servfail", "silent"};
constexpr std::array kHostWords{
    "signed",         "unsigned", "signed, AAAA fails", "unsigned, AAAA fails", "absent",
    "servfail",       "silent",   "unreachable",        "alias, signed",        "alias to unsigned",
    "alias, unsigned"};
constexpr std::array kTlsaWords{"usable",           "usable and unusable",
                                "unusable",         "absent",
                                "absent, unsigned", "unsigned",
                                "servfail",         "silent",
                                "unreachable"};
constexpr std::array kResolverWords{"validates", "does not validate", "does not tell"};
constexpr std::array kDiskWords{"works", "slow", "full", "dead"};

template <class Words>
const char* word(const Words& words, int at) {
  return words.at(static_cast<std::size_t>(at));
}

std::vector<PolicyText> make_policies(const std::string& domain) {
  using sts::Mode;
  const std::string any = "*." + domain;
  const std::string first = "mx1." + domain;
  return {{Mode::enforce, seconds{604'800}, {any}},
          {Mode::enforce, seconds{86'400}, {first, "mail.host.test"}},
          {Mode::enforce, seconds{1'200}, {any}},
          {Mode::enforce, seconds{31'557'600}, {domain, "mx2." + domain}},
          {Mode::enforce, seconds{0}, {any}},
          {Mode::enforce, seconds{30}, {first}},
          {Mode::enforce, seconds{604'800}, {"mx"}},
          {Mode::testing, seconds{86'400}, {any}},
          {Mode::testing, seconds{604'800}, {first, "*.host.test"}},
          {Mode::none, seconds{86'400}, {}},
          {Mode::none, seconds{60}, {first}}};
}

std::vector<std::vector<std::string>> make_mx_sets(const std::string& domain) {
  return {{"mx1." + domain},
          {"mx1." + domain, "mx2." + domain, "mail.host.test"},
          {"a.b." + domain, "mail.host.test"},
          {domain, "other.test"}};
}

std::vector<std::string> make_hosts(const std::string& domain) {
  return {"mx1." + domain, "mx2." + domain, "mail.host.test",
          domain,          "a.b." + domain, "other.test"};
}

std::vector<std::string> make_spellings(const std::string& name) {
  auto upper = name;
  for (auto& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const bool is_idn = name.starts_with("xn--");
  return {name,
          name,
          is_idn ? "b\xC3\xBC"
                   "cher.test"
                 : upper,
          name + ".",
          upper + ":submission",
          "[" + name + "]",
          "[" + upper + "]:587",
          "[" + name + ".]:25"};
}

template <class Make>
auto for_each_domain(Make make) {
  std::vector<decltype(make(kDomains.front()))> all;
  for (const auto& domain : kDomains) all.push_back(make(domain));
  return all;
}

}  // namespace

std::string Event::text() const {
  const auto& name = kDomains.at(domain);
  const auto after = fmt::format("after {} ms", time.count());
  const auto at = static_cast<std::size_t>(number);
  switch (kind) {
    case Kind::ask:
      return fmt::format("ask {} {}{}", kMaps.at(at),
                         spellings(domain).at(static_cast<std::size_t>(what)),
                         waits ? " and wait" : "");
    case Kind::bogus:
      return fmt::format("ask {} {}", kMaps.at(at),
                         bogus_keys().at(static_cast<std::size_t>(what)));
    case Kind::storm: return fmt::format("ask for {} {} times at once", name, number);
    case Kind::hang_up: return "hang up";
    case Kind::pass: return fmt::format("pass {} ms", time.count());
    case Kind::stop:
      return fmt::format("stopped for {} s",
                         std::chrono::duration_cast<base::seconds>(time).count());
    case Kind::jump: return fmt::format("jump {} s", seconds.count());
    case Kind::txt:
      return fmt::format("txt {} {}{} ttl {} {}", name, word(kTxtWords, what),
                         what == id ? fmt::format("{}", number) : "", seconds.count(), after);
    case Kind::https: {
      std::string body;
      if (what == policy) body = policies_of(domain).at(at).body();
      for (auto& c : body)
        if (c == '\r' || c == '\n') c = ' ';
      return fmt::format("https {} {} {}{}", name, word(kHttpsWords, what), body, after);
    }
    case Kind::mx:
      return fmt::format(
          "mx {} {}{} {} ttl {} {}", name, secure ? "signed " : "", word(kMxWords, what),
          what == names ? fmt::format("{}", fmt::join(mx_sets_of(domain).at(at), " ")) : "",
          seconds.count(), after);
    case Kind::hosts:
      return fmt::format("host {} {} ttl {} {}", hosts_of(domain).at(at), word(kHostWords, what),
                         seconds.count(), after);
    case Kind::tlsa:
      return fmt::format("tlsa {}{}:{} {} ttl {} {}", at_alias ? kAliasPrefix : "",
                         hosts_of(domain).at(at), port == 0 ? "all" : std::to_string(port),
                         word(kTlsaWords, what), seconds.count(), after);
    case Kind::resolver: return fmt::format("resolver {}", word(kResolverWords, what));
    case Kind::disk: return fmt::format("disk {} {}", word(kDiskWords, what), after);
    case Kind::kill: return "kill -9, start";
  }
  return "";
}

const std::vector<std::string>& spellings(std::size_t domain) {
  static const auto all = for_each_domain(make_spellings);
  return all.at(domain);
}

const std::vector<std::string>& bogus_keys() {
  static const std::vector<std::string> all{".alpha.test",
                                            "[192.0.2.1]",
                                            "192.0.2.1:25",
                                            "[IPv6:2001:db8::1]:25",
                                            "[2001:db8::1]",
                                            "2001:db8::1",
                                            "localhost",
                                            "mail.local",
                                            "x.invalid",
                                            "y.onion",
                                            "alpha",
                                            "",
                                            "a..test",
                                            "/var/spool/lmtp",
                                            "alpha.test:70000",
                                            "al\x01pha.test",
                                            "a b.test",
                                            ".",
                                            "[alpha.test",
                                            "-a.test"};
  return all;
}

const std::vector<PolicyText>& policies_of(std::size_t domain) {
  static const auto all = for_each_domain(make_policies);
  return all.at(domain);
}

std::uint16_t port_of(std::size_t spelling) { return spelling == 4 || spelling == 6 ? 587 : 25; }

const std::vector<std::string>& hosts_of(std::size_t domain) {
  static const auto all = for_each_domain(make_hosts);
  return all.at(domain);
}

bool is_host(std::string_view name) {
  for (std::size_t domain = 0; domain < kDomains.size(); ++domain)
    for (const auto& host : hosts_of(domain))
      if (host == name) return true;
  return false;
}

const std::vector<std::vector<std::string>>& mx_sets_of(std::size_t domain) {
  static const auto all = for_each_domain(make_mx_sets);
  return all.at(domain);
}

}  // namespace tlspolicyd::property
