#include "tool/postconf_output.h"

#include <doctest/doctest.h>

namespace tlspolicyd::tool {
namespace {

TEST_CASE("settings as postconf -n prints them") {
  const auto settings = parse_settings(
      "smtp_tls_policy_maps = $mine, inline:{ {a.example=may, foo}, { b=secure } } x:y\n"
      "smtp_tls_CAfile =\n"
      "smtp_tls_security_level = may");
  CHECK(settings == Settings{{"smtp_tls_policy_maps",
                              "$mine, inline:{ {a.example=may, foo}, { b=secure } } x:y"},
                             {"smtp_tls_CAfile", ""},
                             {"smtp_tls_security_level", "may"}});
  CHECK(parse_settings("").empty());
  CHECK(parse_settings("no setting\n= nameless\n").empty());
}

TEST_CASE("1.6 which services run smtp(8), and whether chrooted") {
  const auto services = parse_smtp_services(
      "smtp       inet  n       -       y       -       -       smtpd\n"
      "smtp       unix  -       -       y       -       -       smtp\n"
      "relay      unix  -       -       -       -       -       smtp -o syslog_name=postfix/relay\n"
      "slow       unix  -       -       n       -       2       smtp\n"
      "lmtp       unix  -       -       y       -       -       lmtp\n"
      "uucp       unix  -       n       n       -       -       pipe flags=F user=uucp argv=smtp\n"
      "short      unix  -\n");
  CHECK(services == std::vector<SmtpService>{{"smtp", "y"}, {"relay", "-"}, {"slow", "n"}});
}

TEST_CASE("what services of master.cf set for themselves") {
  const auto overrides = parse_overrides(
      "relay/unix/syslog_name = postfix/$service_name\n"
      "private/odd/unix/smtp_tls_policy_maps =\n"
      "nonsense = 1\n");
  CHECK(overrides ==
        std::vector<ServiceOverride>{{"relay/unix", "syslog_name", "postfix/$service_name"},
                                     {"private/odd/unix", "smtp_tls_policy_maps", ""}});
}

TEST_CASE("of many complaints the fatal one is told, on one printable line") {
  CHECK(parse_complaint("postconf: warning: unused parameter: a=b\n"
                        "postconf: fatal: open main.cf: Permission denied\n"
                        "more\n") == "postconf: fatal: open main.cf: Permission denied");
  CHECK(parse_complaint("first\nlast \x1b[1m\n\n") == "last \\x1b[1m");
  CHECK(parse_complaint("") == "");
}

}  // namespace
}  // namespace tlspolicyd::tool
