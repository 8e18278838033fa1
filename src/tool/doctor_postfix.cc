#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/ascii.h"
#include "tool/doctor_judge.h"
#include "tool/main_cf_changes.h"
#include "tool/policy_maps.h"
#include "tool/postfix_commands.h"
#include "tool/postfix_cure.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {
namespace {

class PostfixJudge {
 public:
  PostfixJudge(const PostfixFacts& facts, Findings& out)
      : facts_(facts),
        main_cf_(facts.main_cf),
        out_(out),
        commands_(facts.directory),
        endpoints_(main_cf_.listen, effective("queue_directory")) {}

  void judge() {
    const auto wanted = main_cf(main_cf_);
    if (!wanted)
      return check("Postfix").failed(wanted.error().text,
                                     "apt-get install --only-upgrade postfix, of a newer release");
    version();
    const auto changed = changes(*wanted, main_cf_.written);
    for (const auto& line : wanted->lines) {
      const auto change = std::find_if(changed.begin(), changed.end(), [&](const auto& candidate) {
        return candidate.name == line.name;
      });
      if (change == changed.end()) {
        kept(line);
      } else {
        differs(line);
      }
    }
    for (const auto& text : wanted->problems) problem(text);
    status_filter();
    patterns();
    overrides(*wanted);
  }

 private:
  Check check(std::string name) { return {out_, std::move(name)}; }
  std::string effective(std::string_view name) const { return value_in(main_cf_.effective, name); }

  void version() {
    const auto& version = main_cf_.version;
    const auto name = "Postfix " + version.text();
    if (version < kFirstWithReports) {
      check("Postfix").ok(name + ": the map postfix fits");
    } else if (version < kFirstWithMxPatterns) {
      check("Postfix").warning(name +
                                   " does not compare the names of MX hosts with the policy, "
                                   "as 3.10.5 does",
                               "apt-get install --only-upgrade postfix");
    } else {
      check("Postfix").ok(name + ": the map postfix-tlsrpt fits");
    }
  }

  void kept(const MainCfLine& line) {
    if (line.name == "smtp_tls_CAfile") return ca_file();
    if (line.name == "smtp_delivery_status_filter") return;  // see status_filter()
    check(line.name).ok(line.value.empty() ? "none" : line.value);
  }

  void differs(const MainCfLine& line) {
    const auto mend = commands_.set(line.name, line.value);
    auto found = check(line.name);
    if (line.name == "smtp_tls_policy_maps") {
      policy_maps(found, mend);
    } else if (line.name == "smtp_tls_CAfile") {
      found.failed("no CA certificates: every enforced domain is deferred", mend);
    } else if (line.name == "smtp_dns_support_level") {
      found.failed(fmt::format("\"{}\": what the daemon answers dane-only is deferred",
                               effective(line.name)),
                   mend);
    } else if (line.name == "smtp_tls_session_cache_database") {
      found.failed(fmt::format("{}: by a remembered session mail goes on to a host that its domain "
                               "has removed from the policy",
                               effective(line.name)),
                   mend);
    } else if (line.name == "smtp_delivery_status_filter") {
      if (const auto filters = socketmaps(line.name); ours_in(filters) != nullptr) return;
      found.warning("senders are not told that MTA-STS deferred their mail", mend);
    } else {
      found.warning(fmt::format("\"{}\": {}", effective(line.name), line.why), mend);
    }
  }

  std::vector<SocketmapTable> socketmaps(std::string_view name) const {
    std::vector<SocketmapTable> found;
    for (const auto& table : split_tables(effective(name)))
      if (auto socketmap = parse_socketmap_table(table)) found.push_back(std::move(*socketmap));
    return found;
  }
  const SocketmapTable* ours_in(const std::vector<SocketmapTable>& tables) const {
    const auto found = std::find_if(tables.begin(), tables.end(), [&](const auto& table) {
      return endpoints_.contain(table.endpoint);
    });
    return found == tables.end() ? nullptr : &*found;
  }

  void policy_maps(Check& found, const std::string& mend) {
    const auto tables = socketmaps("smtp_tls_policy_maps");
    const auto* ours = ours_in(tables);
    if (ours == nullptr && tables.empty())
      return found.failed("nothing there asks the daemon: no policy is enforced", mend);
    if (ours == nullptr)
      return found.failed(fmt::format("{} is asked, the daemon serves {}", tables.front().endpoint,
                                      endpoints_.choice().text),
                          mend);
    if (main_cf_.version < kFirstWithReports && ours->map == "postfix-tlsrpt")
      return found.failed(
          "the map postfix-tlsrpt is asked, which this Postfix cannot read: what "
          "is enforced is deferred",
          mend);
    found.warning(fmt::format("{} is not the best for this Postfix", ours->text()), mend);
  }

  void ca_file() {
    auto found = check("CA certificates");
    if (!facts_.ca_file) return;
    const auto& file = *facts_.ca_file;
    if (file.trouble == EACCES)
      return found.skipped("Postfix: " + file.where + " cannot be read by this user",
                           "run it as root: sudo tlspolicy doctor");
    if (file.trouble == 0 && file.certificates > 0)
      return found.ok(fmt::format("Postfix: {} in {}", file.certificates, file.where));
    const auto why = file.trouble != 0 ? std::generic_category().message(file.trouble)
                                       : std::string("there is none in it");
    const bool other = facts_.in_bundle > 0 && main_cf_.ca_bundle != file.where;
    found.failed(fmt::format("Postfix: smtp_tls_CAfile = {}: {}: every enforced domain is deferred",
                             file.where, why),
                 other ? commands_.set("smtp_tls_CAfile", main_cf_.ca_bundle)
                       : "apt-get install --reinstall ca-certificates && update-ca-certificates");
  }

  void problem(const std::string& text) {
    check("main.cf").failed(text.substr(0, text.rfind('.')),
                            cure_of(text, commands_, effective("queue_directory")));
  }

  /// The daemon knows by the connection which delivery is meant.
  void status_filter() {
    const auto* name = "smtp_delivery_status_filter";
    const auto filters = socketmaps(name);
    const auto maps = socketmaps("smtp_tls_policy_maps");
    const auto* filter = ours_in(filters);
    const auto* map = ours_in(maps);
    if (filter == nullptr) {
      if (!effective(name).empty() && filters.empty())
        check(name).ok(effective(name) + " is your own; so senders are not told of MTA-STS");
      return;
    }
    if (map == nullptr) return;
    const auto right = SocketmapTable{map->endpoint, "dsn"}.text();
    const bool proxied = effective(name).find("proxy:") != std::string::npos;
    if (filter->endpoint != map->endpoint || proxied)
      return check(name).warning(
          "it does not go the way of smtp_tls_policy_maps: the daemon cannot "
          "tell which delivery is meant",
          commands_.set(name, right));
    if (effective("smtp_tls_policy_maps").find("proxy:" + map->text()) != std::string::npos)
      return check(name).warning(
          "smtp_tls_policy_maps asks by proxy: the daemon cannot tell which "
          "delivery is meant",
          "take proxy: out of smtp_tls_policy_maps");
    check(name).ok(effective(name));
  }

  void patterns() {
    const auto* name = "smtp_tls_enforce_sts_mx_patterns";
    auto value = effective(name);
    std::transform(value.begin(), value.end(), value.begin(), base::to_lower);
    if (value == "no")
      check(name).warning("no: mail goes to MX hosts that are not in the policy",
                          commands_.remove(name));
  }

  void overrides(const MainCf& wanted) {
    auto found = check("master.cf");
    if (!main_cf_.master_cf_trouble.empty())
      return found.skipped("it could not be looked at: " + main_cf_.master_cf_trouble,
                           "run it as root: sudo tlspolicy doctor");
    for (const auto& own : main_cf_.overrides)
      if (std::any_of(wanted.lines.begin(), wanted.lines.end(),
                      [&](const auto& line) { return line.name == own.name; }))
        found.warning(fmt::format("{} has its own {} = {}", own.service, own.name, own.value),
                      commands_.remove_override(own.service + "/" + own.name));
    const auto jailed = chrooted_services(main_cf_);
    found.ok(jailed.empty() ? "smtp(8) is not chrooted"
                            : fmt::format("chrooted to {}: {}", effective("queue_directory"),
                                          fmt::join(jailed, ", ")));
  }

  const PostfixFacts& facts_;
  const MainCfFacts& main_cf_;
  Findings& out_;
  const PostfixCommands commands_;
  const DaemonEndpoints endpoints_;
};

}  // namespace

Findings judge_postfix(const PostfixFacts& facts) {
  Findings found;
  if (facts.unavailable.empty()) {
    PostfixJudge(facts, found).judge();
  } else {
    Check(found, "Postfix")
        .failed(
            facts.unavailable,
            "apt-get install postfix, or tlspolicy doctor --postfix-config DIR, of its main.cf");
  }
  return found;
}

}  // namespace tlspolicyd::tool
