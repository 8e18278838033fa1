#include "net/trust_store_watch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <optional>

#include "fakes/certificates.h"
#include "fakes/https_server.h"
#include "fakes/scripted_resolver.h"

using namespace std::chrono_literals;
using namespace tlspolicyd;
using namespace tlspolicyd::fakes;
using namespace tlspolicyd::net;

namespace {

const std::string kHost = "mta-sts.example.com";

const CertificateAuthority& authority() {
  static const CertificateAuthority ca;
  return ca;
}

using base::milliseconds;

struct World {
  CertificateAuthority other{"Other Root"};
  TemporaryFile ca{authority().pem()};
  HttpsServer server{authority().issue({.common_name = kHost, .dns_names = {kHost}}),
                     HttpsServer::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")};
  Loop loop;
  Mailbox mailbox{loop};
  ScriptedResolver resolver{loop};
  std::vector<std::string> lines;
  base::Log log{base::Severity::debug, base::Log::Format::text,
                [this](base::Severity, std::string_view line) { lines.emplace_back(line); }};
  SecureHttpsClient https{loop, resolver, options()};
  milliseconds delay{0};  ///< of the thread, before its work
  std::atomic<int> threads = 0;
  std::atomic<std::thread::id> thread;
  int changes = 0;
  std::optional<TrustStoreWatch> watch;

  World() {
    std::signal(SIGPIPE, SIG_IGN);
    resolver.addresses({"127.0.0.1"});
  }

  SecureHttpsClient::Options options() const {
    SecureHttpsClient::Options options;
    options.port = server.port();
    options.ca_file = ca.path();
    options.allow_addresses = {base::Prefix::parse("127.0.0.0/8").value()};
    return options;
  }

  void write(const std::string& text) const { std::ofstream(ca.path()) << text; }

  void watch_every(milliseconds interval) {
    watch.emplace(
        loop, mailbox, https, log,
        [this](std::function<void()> work) {
          return std::thread([this, work = std::move(work)] {
            ++threads;
            thread = std::this_thread::get_id();
            std::this_thread::sleep_for(delay);
            work();
          });
        },
        [this] { ++changes; }, interval);
  }

  void pass(milliseconds time) {
    const auto end = loop.after(time, [&] { loop.stop(); });
    loop.run();
  }

  /// Turns the loop until that is true, and fails if it does not become true.
  void until(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) pass(10ms);
    CHECK(condition());
  }
  bool has_logged(std::string_view text) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  base::Result<HttpsReply> get() {
    std::optional<base::Result<HttpsReply>> result;
    const auto operation =
        https.get({base::DomainName::parse(kHost).value(), "/"}, [&](auto reply) {
          result = std::move(reply);
          loop.stop();
        });
    loop.run();
    REQUIRE(result.has_value());
    return std::move(*result);
  }
};

}  // namespace

TEST_CASE("D10: a CA that the system no longer trusts is refused without a restart") {
  World world;
  CHECK(world.get().ok());
  world.write(world.other.pem());
  // Nothing has looked yet.
  CHECK(world.get().ok());
  world.watch_every(50ms);
  world.until([&] { return world.changes > 0; });
  const auto reply = world.get();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().fault == base::Fault::certificate);
  CHECK(world.has_logged("trust store reloaded"));
  CHECK(world.has_logged(world.ca.path()));
  // And one that it has come to trust is taken.
  world.write(world.other.pem() + authority().pem());
  world.until([&] { return world.get().ok(); });
}

TEST_CASE("D10: the loop serves others while the trust store is read") {
  World world;
  world.write(world.other.pem());
  world.delay = 400ms;
  world.watch_every(20ms);
  int ticks = 0;
  base::OperationPtr timer;
  std::function<void()> tick = [&] {
    ++ticks;
    timer = world.loop.after(10ms, tick);
  };
  tick();
  world.pass(350ms);
  CHECK(world.threads == 1);
  CHECK(world.changes == 0);
  CHECK(ticks > 5);
  CHECK(world.thread.load() != std::this_thread::get_id());
  world.until([&] { return world.changes == 1; });
}

TEST_CASE("D10: a trust store that cannot be read leaves the one before in use") {
  World world;
  world.write("this is no certificate\n");
  world.watch_every(50ms);
  world.until([&] { return world.has_logged("trust store reload failed"); });
  CHECK(world.get().ok());
  CHECK(world.changes == 0);
  // It is tried again.
  world.write(world.other.pem());
  world.until([&] { return !world.get().ok(); });
}

TEST_CASE("D10: files that are as they were are not read again") {
  World world;
  std::this_thread::sleep_for(1100ms);  // until the stamp can vouch for them
  world.https.set_options(world.options());
  const auto before = world.https.trust().context;
  world.watch_every(30ms);
  world.until([&] { return world.threads >= 3; });
  CHECK(world.https.trust().context == before);
  CHECK(world.lines.empty());
  CHECK(world.changes == 0);
}

TEST_CASE("D10: a reload of the configuration meanwhile is not undone") {
  World world;
  const TemporaryFile another(authority().pem());
  world.write(world.other.pem());
  world.delay = 1s;
  world.watch_every(20ms);
  world.pass(100ms);
  auto options = world.options();
  options.ca_file = another.path();
  world.https.set_options(options);
  const auto chosen = world.https.trust().context;
  world.until([&] { return world.threads >= 2; });  // the first one's result has come
  CHECK(world.https.trust().context == chosen);
  CHECK(world.changes == 0);
  CHECK(world.get().ok());
}

TEST_CASE("D10: it ends while a read is in progress, and no thread is refused for ever") {
  World world;
  world.write(world.other.pem());
  world.delay = 200ms;
  world.watch_every(10ms);
  world.until([&] { return world.threads == 1; });
  world.watch.reset();
  int refusals = 0;
  world.watch.emplace(
      world.loop, world.mailbox, world.https, world.log,
      [&](const std::function<void()>&) -> std::thread {
        ++refusals;
        throw std::system_error(EAGAIN, std::generic_category());
      },
      [] {}, 20ms);
  world.until([&] { return refusals > 2; });
}
