#include "tool/main_cf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/ascii.h"
#include "tool/policy_maps.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {
namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), base::to_lower);
  return text;
}

class Composer {
 public:
  explicit Composer(const MainCfFacts& facts)
      : facts_(facts), endpoints_(facts.listen, effective("queue_directory")) {}

  MainCf compose() {
    out_.version = facts_.version;
    out_.endpoint = endpoints_.choice().text;
    policy_maps();
    trust_anchors();
    security_level();
    if (facts_.uses_dane) dane();
    sessions();
    status_filter();
    reports();
    reachability();
    overrides();
    return std::move(out_);
  }

 private:
  std::string effective(const char* name) const { return value_in(facts_.effective, name); }
  bool is_yes(const char* name) const { return lower(effective(name)) == "yes"; }

  void line(const char* name, std::string value, std::string why) {
    out_.lines.push_back({name, std::move(value), std::move(why)});
  }
  /// A line for what is right as it is.
  void keep(const char* name, std::string why) {
    const bool is_default = !facts_.written.contains(name);
    line(name, is_default ? effective(name) : value_in(facts_.written, name), std::move(why));
  }
  template <class... Arguments>
  void remark(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    out_.remarks.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  void problem(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    out_.problems.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }

  void policy_maps() {
    const auto* name = "smtp_tls_policy_maps";
    const auto maps = with_daemon({.written = value_in(facts_.written, name),
                                   .effective = effective(name),
                                   .maps = facts_.maps,
                                   .reports = facts_.version >= kFirstWithReports},
                                  endpoints_);
    line(name, maps.value, "Who is asked before each delivery; the first match wins.");
    for (const auto& table : maps.replaced)
      remark(
          "{} is replaced: it is another server of MTA-STS policies, or this one where it no "
          "longer listens.",
          table);
    for (const auto& table : maps.behind)
      remark(
          "{} stands behind the daemon and is asked only where that answers NOTFOUND; entries "
          "that must win belong before it.",
          table);
    // Postfix stops reading that table as soon as there is another one (postfix.md 1.7).
    if (const auto table = effective("smtp_tls_per_site");
        !table.empty() && effective(name).empty())
      problem(
          "smtp_tls_per_site = {} would no longer be read: move its entries to a table in "
          "smtp_tls_policy_maps first.",
          table);
  }

  void trust_anchors() {
    const auto* why = "The certificates to trust; without any, every enforced domain is deferred.";
    if (!effective("smtp_tls_CAfile").empty()) return keep("smtp_tls_CAfile", why);
    if (const auto path = effective("smtp_tls_CApath"); !path.empty()) {
      const bool chrooted = !chrooted_services(facts_).empty();
      // The same certificates: whether the chroot has a copy of the directory, and a present one,
      // need not matter then.
      if (chrooted && fs::path(facts_.ca_bundle).parent_path() ==
                          fs::path(path + "/.").lexically_normal().parent_path())
        return line("smtp_tls_CAfile", facts_.ca_bundle,
                    fmt::format("{} smtp(8) is chrooted, and looks for smtp_tls_CApath = {} there.",
                                why, path));
      keep("smtp_tls_CApath", why);
      if (chrooted)
        remark(
            "smtp_tls_CApath is looked into from the chroot: {}{} must hold the certificates, too "
            "(Debian copies them when Postfix starts).",
            effective("queue_directory"), path);
      return;
    }
    if (is_yes("tls_append_default_CA")) return keep("tls_append_default_CA", why);
    if (!facts_.ca_bundle.empty()) return line("smtp_tls_CAfile", facts_.ca_bundle, why);
    problem(
        "No CA certificates were found, and every enforced domain would be deferred: install "
        "the package ca-certificates, or set smtp_tls_CAfile.");
  }

  void security_level() {
    const auto* name = "smtp_tls_security_level";
    const auto* why = "The level of mail for everybody else.";
    const auto level = lower(effective(name));
    if (!level.empty() && level != "none") return keep(name, why);
    // The older parameters count only while this one is empty, and must not be weakened by it.
    if (level.empty() && is_yes("smtp_enforce_tls"))
      return line(name, is_yes("smtp_tls_enforce_peername") ? "verify" : "encrypt",
                  "The level of mail for everybody else, as smtp_enforce_tls = yes has it.");
    line(name, "may", why);
  }

  void dane() {
    const auto defers = [&](std::string_view name, const std::string& value) {
      problem(
          "{} = {}: with it Postfix would defer what the daemon answers dane-only; change it, "
          "or set dane: {{mode: off}} in the daemon's configuration.",
          name, value);
    };
    if (lower(effective("smtp_host_lookup")) == "native") defers("smtp_host_lookup", "native");
    if (is_yes("ignore_mx_lookup_error")) defers("ignore_mx_lookup_error", "yes");
    const auto options = lower(effective("smtp_dns_resolver_options"));
    for (const auto* search : {"res_defnames", "res_dnsrch"})
      if (options.find(search) != std::string::npos) defers("smtp_dns_resolver_options", options);

    const auto* name = "smtp_dns_support_level";
    const auto* why =
        "For dane-only. Postfix needs the resolver that the daemon has: one that "
        "validates.";
    const auto level = lower(effective(name));
    if (level == "dnssec") return keep(name, why);
    // Whoever turned the DNS off has another way for mail, which must not be taken away.
    if (level == "disabled") return defers(name, level);
    if (level.empty() && is_yes("disable_dns_lookups")) return defers("disable_dns_lookups", "yes");
    line(name, "dnssec", why);
  }

  /// Before 3.10.5 a TLS session is taken up again by its own name: nobody looks at what the policy
  /// allows now (S35).
  void sessions() {
    const auto* name = "smtp_tls_session_cache_database";
    if (facts_.version >= kFirstWithMxPatterns) return;
    if (!facts_.written.contains(name) && effective(name).empty()) return;
    line(name, "",
         "No remembered TLS sessions: by one, mail would go on for an hour to a host that its "
         "domain has removed from the policy.");
  }

  void status_filter() {
    const auto* name = "smtp_delivery_status_filter";
    const auto tables = split_tables(effective(name));
    const auto old = tables.size() == 1 ? parse_socketmap_table(tables.front()) : std::nullopt;
    if (!tables.empty() && !(old && (old->map == "dsn" || endpoints_.contain(old->endpoint))))
      return remark("{} = {} stays; so senders are not told that MTA-STS deferred their mail.",
                    name, effective(name));
    line(name, SocketmapTable{endpoints_.choice().text, "dsn"}.text(),
         "Tells the sender why mail is deferred.");
  }

  void reports() {
    if (facts_.version < kFirstWithReports) return;
    if (facts_.version < kFirstWithMxPatterns)
      remark(
          "Postfix {} does not compare the names of MX hosts with the policy; 3.10.5 and later "
          "do.",
          facts_.version.text());
    if (lower(effective("smtp_tls_enforce_sts_mx_patterns")) == "no")
      remark(
          "smtp_tls_enforce_sts_mx_patterns = no lets mail out to MX hosts that are not in the "
          "policy; remove it.");
    remark(
        "For TLS reports (RFC 8460) set smtp_tlsrpt_enable = yes and smtp_tlsrpt_socket_name, "
        "where a collector runs.");
  }

  void reachability() {
    const auto choice = endpoints_.choice();
    if (choice.chroot_hides) hidden_by_chroot(choice.text);
    if (const auto* socket = std::get_if<net::UnixAddress>(&choice.listen);
        socket && socket->group.empty() && (socket->mode & 0002U) == 0)
      remark(
          "Postfix's user must be allowed to connect: in the daemon's configuration give {} "
          "group: postfix.",
          text_of(choice.listen));
    if (!facts_.daemon_trouble.empty())
      remark("The daemon does not answer now ({}); start it first, or all mail is deferred.",
             facts_.daemon_trouble);
  }

  void hidden_by_chroot(const std::string& endpoint) {
    const auto cure = fmt::format("let the daemon listen below {}, or on inet:127.0.0.1:8461",
                                  effective("queue_directory"));
    const auto hidden_from = chrooted_services(facts_);
    if (hidden_from.empty()) {
      remark("{} is reached only while smtp(8) does not run chrooted; else {}.", endpoint, cure);
    } else {
      problem(
          "{} cannot be reached by what master.cf runs chrooted ({}), and all its mail would "
          "be deferred: {}.",
          endpoint, fmt::join(hidden_from, ", "), cure);
    }
  }

  void overrides() {
    if (!facts_.master_cf_trouble.empty())
      remark("What master.cf sets for single services is not known ({}).",
             facts_.master_cf_trouble);
    for (const auto& own : facts_.overrides)
      if (std::any_of(out_.lines.begin(), out_.lines.end(),
                      [&](const auto& line) { return line.name == own.name; }))
        remark("master.cf: {} has its own {} = {}, which these lines do not change.", own.service,
               own.name, own.value);
  }

  const MainCfFacts& facts_;
  const DaemonEndpoints endpoints_;
  MainCf out_;
};

}  // namespace

base::Result<MainCf> main_cf(const MainCfFacts& facts) {
  if (facts.version < kFirstUsable)
    return base::Error{
        base::Fault::invalid,
        fmt::format("Postfix {} cannot tell an MX host which certificate is wanted, as MTA-STS "
                    "demands (servername= in a policy); upgrade to 3.4 or later",
                    facts.version.text())};
  return Composer(facts).compose();
}

}  // namespace tlspolicyd::tool
