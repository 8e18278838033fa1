#include "net/service_manager.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "ask.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;

namespace {

using base::milliseconds;
using Datagrams = std::vector<std::string>;

constexpr pid_t kSelf = 4711;

milliseconds interval(const char* usec, std::optional<std::string> pid = {}) {
  const auto parsed = parse_watchdog({"@x", usec, std::move(pid)}, kSelf);
  REQUIRE(parsed.ok());
  return *parsed;
}

std::string complaint(const char* usec, std::optional<std::string> pid = {}) {
  const auto parsed = parse_watchdog({"@x", usec, std::move(pid)}, kSelf);
  return parsed ? "none" : parsed.error().text;
}

/// A manager at an abstract address.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    where_.sun_family = AF_UNIX;
    std::memcpy(where_.sun_path + 1, name_.data() + 1, name_.size() - 1);
    length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    REQUIRE(::bind(socket_.get(), address(), length_) == 0);
  }

  const std::string& name() const { return name_; }

  /// All that has arrived.
  Datagrams read() const {
    Datagrams datagrams;
    std::array<char, 4096> buffer;
    for (;;) {
      const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) return datagrams;
      datagrams.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  /// Leaves no room for a further datagram.
  void be_busy() const {
    const FileDescriptor sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    while (::sendto(sender.get(), "X=1", 3, 0, address(), length_) == 3) continue;
    REQUIRE(errno == EAGAIN);
  }

 private:
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&where_); }

  std::string name_ = "@tlspolicyd-manager-" + std::to_string(::getpid());
  FileDescriptor socket_;
  sockaddr_un where_{};
  socklen_t length_ = 0;
};

/// The service's side.
struct Service {
  explicit Service(const NotifyVariables& variables) : word(loop, log, variables) {}

  Loop loop;
  std::vector<std::string> lines;
  base::Log log{base::Severity::debug, base::Log::Format::text,
                [this](base::Severity, std::string_view line) { lines.emplace_back(line); }};
  ServiceManager word;
};

/// What arrives next while the loop turns, however long it takes; nothing after 20 s.
Datagrams next(const Manager& manager, Service& service) {
  Datagrams told;
  for (int n = 0; n < 1000 && told.empty(); ++n) {
    net::turn(service.loop, milliseconds(20));
    told = manager.read();
  }
  return told;
}

}  // namespace

TEST_CASE("sd_watchdog_enabled(3): a sign of life at half of the time, for this process only") {
  CHECK(parse_watchdog({}, kSelf).value() == milliseconds(0));
  CHECK(interval("30000000") == milliseconds(15'000));
  CHECK(interval("30000000", "4711") == milliseconds(15'000));
  CHECK(interval("30000000", "4712") == milliseconds(0));
  CHECK(interval("1") == milliseconds(1));
  CHECK(interval("3000") == milliseconds(1));
  CHECK(interval("9223372036854775807") > milliseconds(1));
  for (const char* text : {"", "0", "-1", "30s", "infinity", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK(complaint(text).starts_with("WATCHDOG_USEC: a whole number "));
  }
  CHECK(complaint("1000000", "me").starts_with("WATCHDOG_PID: a whole number "));
}

TEST_CASE("sd_notify(3): readiness and the end are told, each once") {
  const Manager manager;
  Service service({manager.name(), {}, {}});
  CHECK(manager.read().empty());
  service.word.ready("answering on inet:127.0.0.1:8461");
  CHECK(manager.read() == Datagrams{"READY=1\nSTATUS=answering on inet:127.0.0.1:8461\n"});
  net::turn(service.loop, milliseconds(50));
  CHECK(manager.read().empty());
  service.word.stopping("a\nREADY=1");
  CHECK(manager.read() == Datagrams{"STOPPING=1\nSTATUS=a\\x0aREADY=1\n"});
  CHECK(service.lines.empty());
}

TEST_CASE("sd_notify(3): the watchdog is fed by the loop, and from readiness on") {
  const Manager manager;
  Service service({manager.name(), "40000", std::to_string(::getpid())});
  net::turn(service.loop, milliseconds(100));
  CHECK(manager.read().empty());
  service.word.ready("");
  CHECK(manager.read() == Datagrams{"READY=1\nSTATUS=\n", "WATCHDOG=1\n"});
  for (int n = 0; n < 3; ++n) {
    const auto told = next(manager, service);
    REQUIRE_FALSE(told.empty());
    for (const auto& datagram : told) CHECK(datagram == "WATCHDOG=1\n");
  }
  // A loop that does not turn says nothing.
  ::usleep(200'000);
  CHECK(manager.read().empty());
  CHECK_FALSE(next(manager, service).empty());
}

TEST_CASE("a manager without room is not waited for, and told later") {
  const Manager manager;
  Service service({manager.name(), "40000", {}});
  manager.be_busy();
  service.word.ready("");  // a call that waits would never return
  net::turn(service.loop, milliseconds(200));
  for (const auto& datagram : manager.read()) CHECK(datagram == "X=1");
  const auto told = next(manager, service);
  REQUIRE_FALSE(told.empty());
  CHECK(told.front() == "READY=1\nSTATUS=\n");
  CHECK(service.lines.empty());
}

TEST_CASE("without a manager nothing is done, and one that is gone is one warning") {
  {
    Service service({{}, "40000", {}});
    service.word.ready("");
    net::turn(service.loop, milliseconds(100));
    service.word.stopping("");
    CHECK(service.lines.empty());
  }
  Service service({"/nonexistent/notify", "40000", {}});
  service.word.ready("");
  net::turn(service.loop, milliseconds(200));
  CHECK(service.lines ==
        std::vector<std::string>{
            "warning: the service manager cannot be told trouble=\"No such file or directory\""});
}

TEST_CASE("variables that make no sense are a warning: mail is worth more") {
  for (const auto& name : {std::string("run/notify"), std::string("vsock:2:1234"), std::string("@"),
                           "/" + std::string(107, 'x')}) {
    CAPTURE(name);
    Service service({name, {}, {}});
    service.word.ready("");
    REQUIRE(service.lines.size() == 1);
    CHECK(service.lines[0].starts_with("warning: the service manager is told nothing"));
  }
  const Manager manager;
  Service service({manager.name(), "soon", {}});
  CHECK(service.lines.size() == 1);
  service.word.ready("");
  CHECK(manager.read() == Datagrams{"READY=1\nSTATUS=\n"});
}

TEST_CASE("a reload has its time, by the clock that systemd looks at, before its end") {
  const Manager manager;
  Service service({manager.name(), {}, {}});
  const auto before = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  service.word.reloading();
  service.word.ready("again");
  const auto told = manager.read();
  REQUIRE(told.size() == 2);
  const std::string begin = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(told[0].starts_with(begin));
  CHECK(std::stoll(told[0].substr(begin.size())) >= before.count());
  CHECK(told[1] == "READY=1\nSTATUS=again\n");
}
