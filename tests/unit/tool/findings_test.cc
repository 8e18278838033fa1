#include "tool/findings.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace tlspolicyd::tool;

TEST_CASE("findings: a line each, what mends it, and the sum") {
  Findings found;
  Check(found, "daemon").ok("inet:127.0.0.1:8461 answers");
  CHECK(as_text(found) == "ok       daemon: inet:127.0.0.1:8461 answers\n1 ok\n");
  CHECK_FALSE(any_failed(found));
  Check(found, "clock").warning("late", "timedatectl set-ntp true");
  Check(found, "cache").skipped("not seen", "sudo tlspolicy doctor");
  CHECK_FALSE(any_failed(found));
  Check(found, "HTTPS").failed("refused", "nft insert rule");
  CHECK(any_failed(found));
  CHECK(as_text(found) ==
        "ok       daemon: inet:127.0.0.1:8461 answers\n"
        "warning  clock: late\n         mend: timedatectl set-ntp true\n"
        "skipped  cache: not seen\n         mend: sudo tlspolicy doctor\n"
        "failed   HTTPS: refused\n         mend: nft insert rule\n"
        "1 failed, 1 warning, 1 skipped, 1 ok\n");
  const auto document = nlohmann::json::parse(as_json(found));
  CHECK(document["failed"] == true);
  CHECK(document["findings"].size() == 4);
  CHECK(document["findings"][3] == nlohmann::json{{"check", "HTTPS"},
                                                  {"verdict", "failed"},
                                                  {"text", "refused"},
                                                  {"mend", "nft insert rule"}});
}

TEST_CASE("A-16 whatever a file holds, a line stays a line") {
  Findings found;
  Check(found, "main.cf").failed("a\nfailed b: c\x1b[2J", "x\ny");
  CHECK(found.front().text == "a\\x0afailed b: c\\x1b[2J");
  CHECK(found.front().mend == "x\\x0ay");
}

TEST_CASE("words for the shell") {
  CHECK(shell_word("/etc/postfix") == "/etc/postfix");
  CHECK(shell_word("a b = c") == "'a b = c'");
  CHECK(shell_word("it's $HOME") == "'it'\\''s $HOME'");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("`id`") == "'`id`'");
}
