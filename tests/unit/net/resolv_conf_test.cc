#include "net/resolv_conf.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace tlspolicyd;
using namespace tlspolicyd::net;
using namespace std::string_literals;

namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const std::vector<base::Endpoint>& servers) {
  Texts texts;
  for (const auto& server : servers) texts.push_back(server.text());
  return texts;
}

/// Fires when the test says so.
class HandTimers final : public base::Timers {
 public:
  base::OperationPtr after(base::milliseconds delay, std::function<void()> fire) override {
    last_delay = delay;
    fire_ = std::move(fire);
    return std::make_unique<base::Operation>();
  }
  base::OperationPtr in_own_turn(std::function<void()> work) override {
    return after(base::milliseconds(0), std::move(work));
  }
  void fire() { std::exchange(fire_, nullptr)(); }
  base::milliseconds last_delay{};

 private:
  std::function<void()> fire_;
};

class File {
 public:
  File() {
    std::string pattern = (std::filesystem::temp_directory_path() / "resolv-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~File() { std::filesystem::remove_all(directory_); }
  std::string path() const { return (directory_ / "resolv.conf").string(); }
  void write(const std::string& text) const { std::ofstream(path()) << text; }
  // As resolvconf and NetworkManager do it.
  void replace(const std::string& text) const {
    std::ofstream(path() + ".new") << text;
    std::filesystem::rename(path() + ".new", path());
  }
  void remove() const { std::filesystem::remove(path()); }

 private:
  std::filesystem::path directory_;
};

}  // namespace

TEST_CASE("resolv.conf(5) is read for its name servers") {
  struct Row {
    std::string text;
    Texts servers;
  };
  const Row rows[] = {
      {"", {"127.0.0.1:53"}},
      {"search example.org\noptions edns0\n", {"127.0.0.1:53"}},
      {"nameserver 192.0.2.1\n", {"192.0.2.1:53"}},
      {"nameserver 192.0.2.1", {"192.0.2.1:53"}},
      {"nameserver\t192.0.2.1  \r\n", {"192.0.2.1:53"}},
      {"nameserver 192.0.2.1\nnameserver 2001:db8::1\n", {"192.0.2.1:53", "[2001:db8::1]:53"}},
      {"# nameserver 192.0.2.1\n;nameserver 192.0.2.2\nnameserver ::1\n", {"[::1]:53"}},
      {"nameserver 192.0.2.1 # the good one\n", {"192.0.2.1:53"}},
      {"nameserver fe80::1%eth0\nnameserver 192.0.2.1\n", {"[fe80::1%eth0]:53", "192.0.2.1:53"}},
      {"nameserver fe80::53%lo\n", {"[fe80::53%lo]:53"}},
      {"nameserver fe80::53\n", {"127.0.0.1:53"}},
      {"nameserver 2001:db8::1%lo\n", {"127.0.0.1:53"}},
      {"nameserver dns.example.org\nnameserver 192.0.2.300\nnameserver\n", {"127.0.0.1:53"}},
      {"nameserver 192.0.2.1:5353\nnameserver [::1]\n", {"127.0.0.1:53"}},
      {"nameservers 192.0.2.1\nname server 192.0.2.1\n nameserver 192.0.2.1\n", {"127.0.0.1:53"}},
      {"name\0server 192.0.2.1\nnameserver 192.0.2.2\n"s, {"192.0.2.2:53"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(texts_of(parse_resolv_conf(row.text).servers) == row.servers);
  }
}

TEST_CASE("of many name servers eight are taken, in their order") {
  std::string text;
  for (int i = 1; i <= 20; ++i) text += "nameserver 192.0.2." + std::to_string(i) + "\n";
  const auto servers = parse_resolv_conf(text).servers;
  REQUIRE(servers.size() == 8);
  CHECK(servers.front().text() == "192.0.2.1:53");
  CHECK(servers.back().text() == "192.0.2.8:53");
}

TEST_CASE("F2 D10 a nameserver line that cannot be used is named, with its number and why") {
  struct Row {
    const char* line;
    const char* server;
    const char* reason;
  };
  const Row rows[] = {
      {"nameserver fe80::53%nosuch0", "fe80::53%nosuch0", "there is no interface nosuch0"},
      {"nameserver fe80::53", "fe80::53",
       "a link-local address needs an interface, as in fe80::53%eth0"},
      {"nameserver 2001:db8::1%lo", "2001:db8::1%lo",
       "an interface is for link-local addresses (fe80::/10) only"},
      {"nameserver fe80::1%", "fe80::1%", "not the name of an interface"},
      {"nameserver dns.example.org", "dns.example.org", "not an IP address"},
      {"nameserver 192.0.2.1:5353", "192.0.2.1:5353", "not an IP address"},
      {"nameserver \x1b[31m", "?[31m", "not an IP address"},
      {"nameserver", "", "not an IP address"},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.line));
    const auto read =
        parse_resolv_conf("# first\n" + std::string(row.line) + "\nnameserver 192.0.2.9\n");
    CHECK(read.problems == std::vector<ResolvConf::Problem>{{2, row.server, row.reason}});
    CHECK(read.servers.back().text() == "192.0.2.9:53");
  }
  CHECK(parse_resolv_conf("nameserver fe80::53%lo\nnameserver fe80::53%1\n").problems.empty());
  const auto is_long = parse_resolv_conf("nameserver " + std::string(9000, 'x') + "\n");
  REQUIRE(is_long.problems.size() == 1);
  CHECK(is_long.problems[0].server == std::string(64, 'x'));
}

TEST_CASE("F2 the problems of one file are bounded, and those beyond eight servers are named") {
  std::string text;
  for (int i = 1; i <= 20; ++i) text += "nameserver 192.0.2." + std::to_string(i) + "\n";
  const auto read = parse_resolv_conf(text);
  REQUIRE(read.problems.size() == ResolvConf::kMaxProblems);
  CHECK(read.problems.front() == ResolvConf::Problem{9, "192.0.2.9", "more than 8 name servers"});
}

TEST_CASE("F2 the problems are told once for each change of the file") {
  HandTimers timers;
  File file;
  file.write("nameserver nonsense\nnameserver 192.0.2.1\n");
  std::vector<std::string> told;
  const ResolvConfWatch watch(
      timers, file.path(), [](auto) {},
      [&](const ResolvConf::Problem& problem) { told.push_back(problem.server); });
  CHECK(told == std::vector<std::string>{"nonsense"});
  CHECK(watch.problems().size() == 1);
  timers.fire();
  timers.fire();
  CHECK(told.size() == 1);
  file.replace("nameserver other\nnameserver 192.0.2.1\n");
  timers.fire();
  CHECK(told == std::vector<std::string>{"nonsense", "other"});
}

TEST_CASE("a changed resolv.conf is noticed at the next look") {
  HandTimers timers;
  File file;
  file.write("nameserver 192.0.2.1\n");
  std::vector<Texts> told;
  ResolvConfWatch watch(timers, file.path(),
                        [&](auto servers) { told.push_back(texts_of(servers)); });
  CHECK(texts_of(watch.servers()) == Texts{"192.0.2.1:53"});
  CHECK(timers.last_delay == base::milliseconds(5000));
  timers.fire();
  CHECK(told.empty());
  SUBCASE("written in place") {
    file.write("nameserver 192.0.2.22\n");
    timers.fire();
    CHECK(told == std::vector<Texts>{{"192.0.2.22:53"}});
  }
  SUBCASE("replaced") {
    file.replace("nameserver 192.0.2.2\n");
    timers.fire();
    timers.fire();
    CHECK(told == std::vector<Texts>{{"192.0.2.2:53"}});
    file.replace("nameserver 192.0.2.3\n");
    timers.fire();
    CHECK(told.size() == 2);
  }
  SUBCASE("replaced with the same servers") {
    file.replace("# new\nnameserver 192.0.2.1\n");
    timers.fire();
    CHECK(told.empty());
  }
  SUBCASE("away for a while") {
    file.remove();
    timers.fire();
    CHECK(told.empty());
    CHECK(texts_of(watch.servers()) == Texts{"192.0.2.1:53"});
    file.write("nameserver 192.0.2.4\n");
    timers.fire();
    CHECK(told == std::vector<Texts>{{"192.0.2.4:53"}});
  }
}

TEST_CASE("without resolv.conf the name server is this host") {
  HandTimers timers;
  File file;
  ResolvConfWatch watch(timers, file.path(), [](auto) {});
  CHECK(texts_of(watch.servers()) == Texts{"127.0.0.1:53"});
}

TEST_CASE("the watch may be destroyed by what it calls") {
  HandTimers timers;
  File file;
  std::unique_ptr<ResolvConfWatch> watch;
  watch = std::make_unique<ResolvConfWatch>(timers, file.path(), [&](auto servers) {
    watch.reset();
    CHECK(texts_of(servers) == Texts{"192.0.2.4:53"});
  });
  file.write("nameserver 192.0.2.4\n");
  timers.fire();
  CHECK_FALSE(watch);
}
