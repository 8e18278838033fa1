#include "tool/main_cf.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tool/main_cf_output.h"

using namespace tlspolicyd;
using namespace tlspolicyd::tool;

namespace {

constexpr const char* kBundle = "/etc/ssl/certs/ca-certificates.crt";

/// A Postfix that knows nothing of the daemon yet, beside a daemon on its defaults.
MainCfFacts fresh(const PostfixVersion& version = {3, 7, 11}) {
  MainCfFacts facts;
  facts.version = version;
  facts.effective = {{"queue_directory", "/var/spool/postfix"},
                     {"compatibility_level", "3.6"},
                     {"smtp_host_lookup", "dns"},
                     {"smtp_tls_enforce_peername", "yes"},
                     {"tls_append_default_CA", "no"}};
  facts.smtp_services = {{"smtp", "y"}, {"relay", "y"}};
  facts.listen = {net::parse_listen_address("inet:127.0.0.1:8461").value()};
  facts.ca_bundle = kBundle;
  return facts;
}

/// As main.cf sets it, without any $name.
MainCfFacts with(const Settings& settings, MainCfFacts facts = fresh()) {
  for (const auto& [name, value] : settings) facts.written[name] = facts.effective[name] = value;
  return facts;
}

Settings lines_of(const MainCf& wanted) {
  Settings lines;
  for (const auto& line : wanted.lines) CHECK(lines.emplace(line.name, line.value).second);
  return lines;
}
Settings lines_of(const MainCfFacts& facts) { return lines_of(main_cf(facts).value()); }

std::string all(const std::vector<std::string>& texts) {
  std::string text;
  for (const auto& one : texts) text += one + "\n";
  return text;
}
bool remarked(const MainCfFacts& facts, const char* text) {
  return all(main_cf(facts)->remarks).find(text) != std::string::npos;
}
bool refused(const MainCfFacts& facts, const char* text) {
  return all(main_cf(facts)->problems).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("who asks: the lines for a fresh Postfix of each generation") {
  Settings wanted{{"smtp_tls_policy_maps", "socketmap:inet:127.0.0.1:8461:postfix"},
                  {"smtp_tls_CAfile", kBundle},
                  {"smtp_tls_security_level", "may"},
                  {"smtp_dns_support_level", "dnssec"},
                  {"smtp_delivery_status_filter", "socketmap:inet:127.0.0.1:8461:dsn"}};
  for (const PostfixVersion& version :
       {PostfixVersion{3, 4, 0}, {3, 7, 11}, {3, 9, 99}, {3, 10, -1}}) {
    CAPTURE(version.text());
    CHECK(lines_of(fresh(version)) == wanted);
    CHECK(main_cf(fresh(version))->remarks.empty());
    CHECK(main_cf(fresh(version))->problems.empty());
  }
  wanted["smtp_tls_policy_maps"] = "socketmap:inet:127.0.0.1:8461:postfix-tlsrpt";
  for (const PostfixVersion& version : {PostfixVersion{3, 10, 0}, {3, 10, 13}, {3, 12, -1}}) {
    CAPTURE(version.text());
    CHECK(lines_of(fresh(version)) == wanted);
    CHECK(remarked(fresh(version), "smtp_tlsrpt_enable"));
  }
}

TEST_CASE("0.10 a Postfix before 3.4 is refused, with the reason") {
  const auto refusal = main_cf(fresh({3, 3, 22}));
  REQUIRE_FALSE(refusal.ok());
  CHECK(refusal.error().text.find("Postfix 3.3.22") != std::string::npos);
  CHECK(refusal.error().text.find("upgrade to 3.4") != std::string::npos);
}

TEST_CASE("0.8 from which version on Postfix compares MX names itself") {
  CHECK(remarked(fresh({3, 10, 4}), "does not compare the names of MX hosts"));
  CHECK_FALSE(remarked(fresh({3, 10, 5}), "does not compare the names of MX hosts"));
  CHECK_FALSE(remarked(fresh({3, 7, 11}), "does not compare the names of MX hosts"));
  CHECK(remarked(with({{"smtp_tls_enforce_sts_mx_patterns", "no"}}, fresh({3, 11, 0})),
                 "smtp_tls_enforce_sts_mx_patterns = no"));
}

TEST_CASE("0.14 trust anchors that are there stay, else the system's are named") {
  const auto lines = [](const Settings& settings) { return lines_of(with(settings)); };
  CHECK(lines({{"smtp_tls_CAfile", "/etc/own.pem"}})["smtp_tls_CAfile"] == "/etc/own.pem");
  for (const char* name : {"smtp_tls_CApath", "tls_append_default_CA"}) {
    const auto found = lines({{name, "yes"}});
    CHECK(found.at(name) == "yes");
    CHECK_FALSE(found.contains("smtp_tls_CAfile"));
  }
  CHECK(lines({{"smtp_tls_CAfile", ""}})["smtp_tls_CAfile"] == kBundle);
  // $smtpd_tls_CAfile may be empty.
  auto facts = with({{"smtp_tls_CAfile", "$smtpd_tls_CAfile"}});
  facts.effective["smtp_tls_CAfile"] = "";
  CHECK(lines_of(facts)["smtp_tls_CAfile"] == kBundle);
  facts.effective["smtp_tls_CAfile"] = "/etc/own.pem";
  CHECK(lines_of(facts)["smtp_tls_CAfile"] == "$smtpd_tls_CAfile");

  auto jailed = with({{"smtp_tls_CApath", "/etc/own"}});
  CHECK(remarked(jailed, "/var/spool/postfix/etc/own must hold the certificates"));
  jailed.smtp_services = {{"smtp", "n"}};
  CHECK(main_cf(jailed)->remarks.empty());
  // Debian's own setting: the system's directory, of which the chroot may have no copy.
  for (const char* path : {"/etc/ssl/certs", "/etc/ssl/certs/"}) {
    auto debian = with({{"smtp_tls_CApath", path}});
    CHECK(lines_of(debian)["smtp_tls_CAfile"] == kBundle);
    debian.smtp_services = {{"smtp", "n"}};
    CHECK_FALSE(lines_of(debian).contains("smtp_tls_CAfile"));
  }

  auto without = fresh();
  without.ca_bundle = "";
  CHECK(refused(without, "ca-certificates"));
  CHECK_FALSE(lines_of(without).contains("smtp_tls_CAfile"));
}

TEST_CASE("0.16 the level for everybody else is never weakened") {
  struct {
    Settings settings;
    const char* level;
  } const rows[] = {
      {{}, "may"},
      {{{"smtp_tls_security_level", ""}}, "may"},
      {{{"smtp_tls_security_level", "none"}}, "may"},
      {{{"smtp_tls_security_level", "NONE"}, {"smtp_enforce_tls", "yes"}}, "may"},
      {{{"smtp_tls_security_level", "may"}}, "may"},
      {{{"smtp_tls_security_level", "encrypt"}}, "encrypt"},
      {{{"smtp_tls_security_level", "dane"}}, "dane"},
      {{{"smtp_tls_security_level", "secure"}}, "secure"},
      {{{"smtp_use_tls", "yes"}}, "may"},
      {{{"smtp_enforce_tls", "yes"}}, "verify"},
      {{{"smtp_enforce_tls", "yes"}, {"smtp_tls_enforce_peername", "no"}}, "encrypt"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.level);
    CHECK(lines_of(with(row.settings))["smtp_tls_security_level"] == row.level);
  }
}

TEST_CASE("0.16 levels that Postfix would stop reading are a problem, named before they are lost") {
  CHECK(refused(with({{"smtp_tls_per_site", "hash:/etc/postfix/per_site"}}), "smtp_tls_per_site"));
  CHECK_FALSE(refused(with({{"smtp_tls_per_site", "hash:/p"}, {"smtp_tls_policy_maps", "hash:/q"}}),
                      "smtp_tls_per_site"));
}

TEST_CASE("D18, 0.13 dane-only can be satisfied, or the lines are not to be applied") {
  CHECK(lines_of(with({{"smtp_dns_support_level", "enabled"}}))["smtp_dns_support_level"] ==
        "dnssec");
  const Settings hindrances[] = {{{"smtp_dns_support_level", "disabled"}},
                                 {{"disable_dns_lookups", "yes"}},
                                 {{"smtp_host_lookup", "native"}},
                                 {{"ignore_mx_lookup_error", "yes"}},
                                 {{"smtp_dns_resolver_options", "res_dnsrch"}},
                                 {{"smtp_dns_resolver_options", "res_defnames, res_dnsrch"}}};
  for (const auto& hindrance : hindrances) {
    CAPTURE(hindrance.begin()->first);
    auto facts = with(hindrance);
    CHECK(refused(facts, "dane: {mode: off}"));
    facts.uses_dane = false;
    CHECK(main_cf(facts)->problems.empty());
    CHECK_FALSE(lines_of(facts).contains("smtp_dns_support_level"));
  }
  CHECK_FALSE(
      lines_of(with({{"smtp_dns_support_level", "disabled"}})).contains("smtp_dns_support_level"));
  CHECK(main_cf(with({{"smtp_host_lookup", "dns, native"}}))->problems.empty());
}

TEST_CASE("S35: before 3.10.5 remembered TLS sessions end, if there are any") {
  const auto* name = "smtp_tls_session_cache_database";
  const Settings debian{{name, "btree:${data_directory}/smtp_scache"}};
  CHECK_FALSE(lines_of(fresh()).contains(name));
  CHECK(lines_of(with(debian)).at(name) == "");
  CHECK(lines_of(with(debian, fresh({3, 10, 4}))).at(name) == "");
  CHECK_FALSE(lines_of(with(debian, fresh({3, 10, 5}))).contains(name));
  const Settings ended{{name, ""}};
  CHECK(lines_of(with(ended)).at(name) == "");
}

TEST_CASE("decision 21: the delivery status filter is ours, or the administrator's stays") {
  const char* name = "smtp_delivery_status_filter";
  const std::string ours = "socketmap:inet:127.0.0.1:8461:dsn";
  for (const char* old : {"", "socketmap:inet:127.0.0.1:8461:dsn",
                          "socketmap:inet:localhost:8461:dsn", "socketmap:unix:old/socket:dsn"}) {
    CAPTURE(old);
    CHECK(lines_of(with({{name, old}}))[name] == ours);
  }
  for (const char* own : {"pcre:/etc/postfix/dsn", "pcre:/a, socketmap:inet:127.0.0.1:8461:dsn",
                          "socketmap:inet:192.0.2.1:1:texts"}) {
    CAPTURE(own);
    CHECK_FALSE(lines_of(with({{name, own}})).contains(name));
    CHECK(remarked(with({{name, own}}), own));
  }
}

TEST_CASE("0.15 a socket that chrooted services cannot reach is a problem, else a remark") {
  auto facts = fresh();
  facts.listen = {net::UnixAddress{.path = "/run/tlspolicyd/map", .mode = 0666, .group = {}}};
  CHECK(refused(facts, "(smtp, relay)"));
  facts.smtp_services = {{"smtp", "n"}, {"relay", "-"}};
  CHECK(main_cf(facts)->problems.empty());
  CHECK(remarked(facts, "only while smtp(8) does not run chrooted"));
  facts.effective["compatibility_level"] = "0";
  CHECK(refused(facts, "(relay)"));
  facts.listen.emplace_back(net::parse_listen_address("inet:127.0.0.1:8461").value());
  CHECK(main_cf(facts)->problems.empty());
}

TEST_CASE("1.6 a socket that Postfix's user may not connect to is remarked") {
  auto facts = fresh();
  net::UnixAddress socket{.path = "/var/spool/postfix/tlspolicyd/map", .mode = 0660, .group = {}};
  facts.listen = {socket};
  CHECK(lines_of(facts)["smtp_tls_policy_maps"] == "socketmap:unix:tlspolicyd/map:postfix");
  CHECK(remarked(facts, "group: postfix"));
  socket.group = "postfix";
  facts.listen = {socket};
  CHECK_FALSE(remarked(facts, "group: postfix"));
}

TEST_CASE("what master.cf has of its own is remarked, if it is about one of the lines") {
  auto facts = fresh();
  facts.overrides = {{"relay/unix", "smtp_tls_policy_maps", "hash:/relay"},
                     {"relay/unix", "syslog_name", "postfix/relay"}};
  CHECK(remarked(facts, "relay/unix has its own smtp_tls_policy_maps = hash:/relay"));
  CHECK_FALSE(remarked(facts, "syslog_name"));
  facts.master_cf_trouble = "no such file";
  CHECK(remarked(facts, "no such file"));
}

TEST_CASE("1.3 a daemon that does not answer is remarked") {
  auto facts = fresh();
  facts.daemon_trouble = "inet:127.0.0.1:8461: Connection refused";
  CHECK(remarked(facts, "Connection refused"));
}

TEST_CASE("applied once, nothing changes any more") {
  const MainCfFacts starts[] = {
      fresh(),
      fresh({3, 12, 0}),
      with({{"smtp_tls_policy_maps",
             "hash:/a, socketmap:inet:127.0.0.1:8642:QUERY inline:{ {a=b} }"},
            {"smtp_tls_CApath", "/etc/ssl/certs"},
            {"smtp_tls_security_level", "none"}}),
      with({{"smtp_enforce_tls", "yes"}, {"smtp_delivery_status_filter", "pcre:/dsn"}}),
  };
  for (const auto& start : starts) {
    const auto first = main_cf(start).value();
    CHECK_FALSE(changes(first, start.written).empty());
    auto after = with(lines_of(first), start);
    const auto second = main_cf(after).value();
    CHECK(lines_of(second) == lines_of(first));
    CHECK(changes(second, after.written).empty());
  }
}

TEST_CASE("changes say what was there") {
  const auto facts = with({{"smtp_tls_security_level", "none"}, {"smtp_tls_CAfile", kBundle}});
  Settings were;
  for (const auto& change : changes(main_cf(facts).value(), facts.written))
    were[change.name] = change.was.value_or("(nothing)");
  CHECK(were == Settings{{"smtp_tls_policy_maps", "(nothing)"},
                         {"smtp_tls_security_level", "none"},
                         {"smtp_dns_support_level", "(nothing)"},
                         {"smtp_delivery_status_filter", "(nothing)"}});
}

TEST_CASE("the text is lines of main.cf and comments, nothing else") {
  auto facts = with({{"smtp_tls_per_site", "hash:/p"}});
  facts.daemon_trouble = "silence";
  const auto wanted = main_cf(facts).value();
  auto text = as_text(wanted) + as_text(changes(wanted, facts.written), "postfix reload");
  std::string rest;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (!line.starts_with("# ")) rest += line + "\n";
    text.erase(0, line.size() + 1);
  }
  std::string lines;
  for (const auto& line : wanted.lines) lines += line.text() + "\n";
  CHECK(rest == lines);
}

TEST_CASE("the JSON has all of it, whatever bytes main.cf holds") {
  const auto facts = with({{"smtp_tls_policy_maps", "hash:/\xff"}});
  const auto wanted = main_cf(facts).value();
  const auto json = nlohmann::json::parse(as_json(wanted, changes(wanted, facts.written), false));
  CHECK(json["postfix"] == "3.7.11");
  CHECK(json["lines"]["smtp_tls_CAfile"] == kBundle);
  CHECK(json["lines"].size() == wanted.lines.size());
  CHECK(json["changes"]["smtp_tls_CAfile"]["from"].is_null());
  CHECK(json["changes"]["smtp_tls_policy_maps"]["to"] == json["lines"]["smtp_tls_policy_maps"]);
  CHECK(json["applied"] == false);
}
