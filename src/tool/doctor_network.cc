#include <fmt/format.h>

#include <algorithm>

#include "net/certificate_error.h"
#include "net/connect_error.h"
#include "tool/doctor_judge.h"

namespace tlspolicyd::tool {
namespace {

using base::Fault;
using Kind = net::DnsAnswer::Kind;

bool is_nameless(Fault fault) {
  return fault == Fault::dns_failed || fault == Fault::dns_timeout ||
         fault == Fault::dns_unreachable || fault == Fault::no_address;
}

class ResolverJudge {
 public:
  ResolverJudge(const ResolverFacts& facts, Check& check) : facts_(facts), check_(check) {}

  void judge(const ResolverFacts::Server& server) {
    in_configuration_ = facts_.from_configuration && !server.only_postfix;
    const auto name = server.endpoint.text() + (server.only_postfix ? ", which smtp(8) asks," : "");
    if (!server.root) return silent(server);
    if (!server.root->authenticated)
      return lacks(
          fmt::format("{} does not validate: no AD bit for the root, which is signed", name),
          local_resolver());
    // smtp(8) believes whomever it asks.
    if (!server.trusted && !server.only_postfix) return untrusted(server, name);
    judge_bogus(server, name);
  }

 private:
  /// It validates, as far as its AD bit tells.
  void untrusted(const ResolverFacts::Server& server, const std::string& name) {
    const bool stands_aside = std::any_of(
        facts_.servers.begin(), facts_.servers.end(),
        [](const auto& other) { return other.trusted && other.root && other.root->authenticated; });
    if (stands_aside)
      return check_.warning(
          name + " is not trusted to validate, so it is not asked for what DANE needs",
          without(server));
    if (net::DnsResolver::is_stub(server.endpoint.address))
      return lacks(
          name +
              " is a stub that forwards (systemd-resolved or Docker); it passes on the AD bit of "
              "upstream servers that it does not authenticate, so the bit is not trusted",
          local_resolver() +
              ", or, if the stub validates by itself (DNSSEC=yes in resolved.conf) or nobody can "
              "forge what its upstream servers answer, in the configuration resolver: "
              "{trust_ad: yes}");
    lacks(name + " validates, but is not trusted, because it is not on this machine",
          local_resolver() +
              ", or in the configuration, if nobody can come in between: resolver: "
              "{trust_ad: yes}");
  }

  void judge_bogus(const ResolverFacts::Server& server, const std::string& name) {
    const auto cannot_tell = [&](std::string_view why) {
      check_.warning(fmt::format("{} sets the AD bit, but whether it refuses forged answers could "
                                 "not be told: {}",
                                 name, why),
                     fmt::format("tlspolicy doctor --bogus-name NAME, of a name whose signature "
                                 "is broken, where {} cannot be asked for",
                                 facts_.bogus_name));
    };
    if (server.bogus && server.bogus->kind == Kind::records)
      return lacks(fmt::format("{} lets forged answers pass: {} has a broken signature", name,
                               facts_.bogus_name),
                   local_resolver());
    if (server.bogus) return cannot_tell(facts_.bogus_name + " has no address");
    const auto& error = server.bogus.error();
    if (error.fault != Fault::dns_failed) return cannot_tell(error.text);
    // A server that gets no answer at all says SERVFAIL, too.
    if (!server.ordinary) return cannot_tell(server.ordinary.error().text);
    check_.ok(
        fmt::format("{} validates: AD for the root, SERVFAIL for {}", name, facts_.bogus_name));
  }

  void silent(const ResolverFacts::Server& server) {
    const auto text =
        fmt::format("{} does not answer: {}", server.endpoint.text(), server.root.error().text);
    const bool others =
        std::any_of(facts_.servers.begin(), facts_.servers.end(), [&](const auto& other) {
          return other.only_postfix == server.only_postfix && other.root.ok();
        });
    if (others) return check_.warning(text, without(server));
    check_.failed(text, local_resolver());
  }

  /// Something that only DANE needs.
  void lacks(const std::string& text, const std::string& mend) {
    if (facts_.uses_dane) return check_.failed(text + "; so DANE cannot be respected", mend);
    check_.ok(text + "; DANE is off, so that it need not");
  }

  std::string place() const {
    return in_configuration_ ? "in the configuration resolver: {servers: [127.0.0.1]}"
                             : "in /etc/resolv.conf only \"nameserver 127.0.0.1\"";
  }
  std::string local_resolver() const {
    return "apt-get install unbound dns-root-data && systemctl restart unbound; " + place();
  }
  std::string without(const ResolverFacts::Server& server) const {
    return fmt::format(
        "take {} out of {}", server.endpoint.text(),
        in_configuration_ ? "resolver.servers in the configuration" : "/etc/resolv.conf");
  }

  const ResolverFacts& facts_;
  Check& check_;
  bool in_configuration_ = false;  ///< whether the present server is from there
};

}  // namespace

Findings judge_resolver(const ResolverFacts& facts) {
  Findings found;
  Check check(found, "resolver");
  for (const auto& problem : facts.problems) {
    const bool names_interface = problem.server.find('%') != std::string::npos;
    check.warning(
        fmt::format("{}: name server \"{}\" cannot be used: {}", problem.place, problem.server,
                    problem.reason),
        (names_interface ? "ip -brief link, for the interfaces; then correct " : "correct ") +
            problem.place);
  }
  const auto is_named = [&](const base::Endpoint& server) {
    return std::any_of(facts.problems.begin(), facts.problems.end(), [&](const auto& problem) {
      const auto named = base::Endpoint::parse(problem.server, server.port);
      return named && *named == server;
    });
  };
  ResolverJudge judge(facts, check);
  for (const auto& server : facts.servers)
    if (!is_named(server.endpoint)) judge.judge(server);
  return found;
}

namespace {

/// A connection that is there, and cannot be trusted. `text` ends with OpenSSL's words.
void judge_tls(const HttpsFacts& facts, const std::string& text, Check& check) {
  const auto another = fmt::format(
      "tlspolicy doctor --probe-domain DOMAIN, of another domain; where that fails, too, "
      "see who answers: openssl s_client -connect {0}:{1} -servername {0}",
      facts.host, facts.port);
  const auto says = [&](std::string_view words) { return text.find(words) != std::string::npos; };
  if (facts.status.error().fault == Fault::tls)
    return check.failed(text + "; somebody is in between, or that host is broken", another);
  if (says("mismatch"))
    return check.failed(text + "; somebody else answers for it, or that host is broken", another);
  if (says("expired") || says("not yet valid"))
    return check.failed(text + "; the clock is wrong, or that host is broken",
                        "timedatectl set-ntp true, if the clock is wrong; else " + another);
  if (!facts.ca_file.empty())
    return check.failed(
        fmt::format("{}; it is not in {}, or somebody is in between", text, facts.ca_file),
        "in the configuration https: {ca_file: \"\"} for the system's certificates");
  check.failed(text + "; somebody is in between, or the CA certificates are out of date",
               "apt-get install --reinstall ca-certificates && update-ca-certificates");
}

}  // namespace

Findings judge_https(const HttpsFacts& facts) {
  Findings found;
  Check check(found, "HTTPS");
  const auto url = fmt::format("https://{}{}/.well-known/mta-sts.txt", facts.host,
                               facts.port == 443 ? "" : fmt::format(":{}", facts.port));
  const auto* other = "tlspolicy doctor --probe-domain DOMAIN, of another domain";
  if (!facts.status) {
    const auto& error = facts.status.error();
    // That begins with the host's name, which is said already.
    const auto name = facts.host + ": ";
    const auto text = fmt::format(
        "{}: {}", url, error.text.substr(error.text.starts_with(name) ? name.size() : 0));
    if (is_nameless(error.fault)) {
      check.warning(text + "; whether connections leave could not be told", other);
    } else if (error.fault == Fault::address_refused) {
      check.failed(text,
                   "find out who answers the DNS with such an address; if it is right, in "
                   "the configuration https: {allow_addresses: [PREFIX]}");
    } else if (error.fault == Fault::connect || error.fault == Fault::deadline) {
      check.failed(text,
                   fmt::format("nft insert rule inet filter output tcp dport {} accept, or the "
                               "same in the firewall between",
                               facts.port));
    } else if (error.fault == Fault::system && error.text.ends_with(net::kNoUplink)) {
      check.failed(text, "ip route show default; where that prints nothing, restore the uplink");
    } else if (error.fault == Fault::certificate || error.fault == Fault::tls ||
               error.text.find(net::kWrongClock) != std::string::npos) {
      judge_tls(facts, text, check);
    } else {
      check.warning(text, other);
    }
  } else if (*facts.status != 200) {
    check.warning(fmt::format("{}: status {}", url, *facts.status), other);
  } else if (!facts.policy_trouble.empty()) {
    check.warning(fmt::format("{}: {}", url, facts.policy_trouble), other);
  } else {
    check.ok(fmt::format("{}: a valid policy ({} ms)", url, facts.took.count()));
  }
  return found;
}

}  // namespace tlspolicyd::tool
