#include "net/inherited_sockets.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>

using namespace tlspolicyd;
using namespace tlspolicyd::net;

namespace {

using Names = std::vector<std::string>;

constexpr pid_t kSelf = 4711;

Names names_of(const ListenVariables& variables) {
  const auto names = parse_listen_variables(variables, kSelf);
  REQUIRE(names.ok());
  return *names;
}

std::string complaint(const ListenVariables& variables) {
  const auto names = parse_listen_variables(variables, kSelf);
  return names ? "none" : names.error().text;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t n = 0; n < times; ++n) all += text;
  return all;
}

FileDescriptor bound(int family, int type, const sockaddr* address, socklen_t length) {
  FileDescriptor socket(::socket(family, type, 0));
  REQUIRE(::bind(socket.get(), address, length) == 0);
  return socket;
}

/// At a port of the kernel's choice.
FileDescriptor bound_to_loopback(int type = SOCK_STREAM) {
  const base::SocketAddress where({base::Address::parse("127.0.0.1").value(), 0});
  return bound(AF_INET, type, where.get(), where.length);
}

FileDescriptor listening(FileDescriptor socket) {
  REQUIRE(::listen(socket.get(), 4) == 0);
  return socket;
}

/// Why it is refused.
std::string refusal(FileDescriptor descriptor) {
  try {
    take_over(std::move(descriptor), "socketmap");
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    CHECK(text.starts_with("inherited descriptor "));
    return text.substr(text.find(" (socketmap): ") + 14);
  }
  return "taken";
}

InheritedSocket at(const std::string& address, bool also_takes_v4 = false) {
  return {"", FileDescriptor(), parse_listen_address(address).value(), also_takes_v4};
}

bool covers(const std::string& mine, const std::string& wanted, bool also_takes_v4 = false) {
  return at(mine, also_takes_v4).covers(parse_listen_address(wanted).value());
}

}  // namespace

TEST_CASE("sd_listen_fds(3): sockets for this process, in order, with their names") {
  CHECK(names_of({"4711", "2", "socketmap:metrics"}) == Names{"socketmap", "metrics"});
  CHECK(names_of({"4711", "1", "tlspolicyd.socket"}) == Names{"tlspolicyd.socket"});
  CHECK(names_of({"4711", "3", "a::a"}) == Names{"a", "", "a"});
  CHECK(names_of({"4711", "2", {}}) == Names{"", ""});
  CHECK(names_of({"4711", "1", ""}) == Names{""});
  CHECK(names_of({"4711", "64", {}}) == Names(64));
  CHECK(names_of({"4711", "1", std::string(255, 'x')}) == Names{std::string(255, 'x')});
}

TEST_CASE("sd_listen_fds(3): none without the variables, or for another process") {
  CHECK(names_of({}).empty());
  CHECK(names_of({{}, "1", "socketmap"}).empty());
  CHECK(names_of({"4711", {}, "socketmap"}).empty());
  CHECK(names_of({"4711", "0", {}}).empty());
  CHECK(names_of({"4711", "0", ""}).empty());
  CHECK(names_of({"4712", "1", "socketmap"}).empty());
  // What is meant for somebody else is not ours to judge.
  CHECK(names_of({"4712", "many", "socketmap:"}).empty());
}

TEST_CASE("sd_listen_fds(3): variables that make no sense are an error, never a guess") {
  const struct {
    ListenVariables variables;
    const char* text;
  } rows[] = {
      {{"", "1", {}}, "LISTEN_PID: a whole number from 1 to 2147483647 is expected, not \"\""},
      {{"0", "1", {}}, "LISTEN_PID: a whole number from 1 to 2147483647 is expected, not \"0\""},
      {{" 4711", "1", {}},
       "LISTEN_PID: a whole number from 1 to 2147483647 is expected, not \" 4711\""},
      {{"4294972007", "1", {}},
       "LISTEN_PID: a whole number from 1 to 2147483647 is expected, not \"4294972007\""},
      {{"4711", "", {}}, "LISTEN_FDS: a whole number from 0 to 64 is expected, not \"\""},
      {{"4711", "-1", {}}, "LISTEN_FDS: a whole number from 0 to 64 is expected, not \"-1\""},
      {{"4711", "65", {}}, "LISTEN_FDS: a whole number from 0 to 64 is expected, not \"65\""},
      {{"4711", "1x", {}}, "LISTEN_FDS: a whole number from 0 to 64 is expected, not \"1x\""},
      {{"4711", "2", "socketmap"},
       "LISTEN_FDNAMES: one name for each of LISTEN_FDS=2 is expected, not \"socketmap\""},
      {{"4711", "1", "a:b"},
       "LISTEN_FDNAMES: one name for each of LISTEN_FDS=1 is expected, not \"a:b\""},
      {{"4711", "1", "a\nb"},
       "LISTEN_FDNAMES: one name for each of LISTEN_FDS=1 is expected, not \"a\\x0ab\""},
      {{"4711", "1", "\xc3\xa4"},
       "LISTEN_FDNAMES: one name for each of LISTEN_FDS=1 is expected, not \"\\xc3\\xa4\""},
  };
  for (const auto& row : rows) CHECK(complaint(row.variables) == row.text);
  CHECK(complaint({"4711", "1", std::string(256, 'x')}).starts_with("LISTEN_FDNAMES: "));
  // However long, it is a short line.
  CHECK(complaint({"4711", "1", repeated("x:", 1'000'000)}).size() < 700);
}

TEST_CASE("a listening socket is taken over: its address, non-blocking, not for children") {
  auto inet = listening(bound_to_loopback());
  const int fd = inet.get();
  const auto taken = take_over(std::move(inet), "socketmap");
  CHECK(taken.name == "socketmap");
  CHECK(taken.descriptor.get() == fd);
  const auto endpoint = std::get<base::Endpoint>(taken.address);
  CHECK(endpoint.address.text() == "127.0.0.1");
  CHECK(endpoint.port != 0);
  CHECK_FALSE(taken.also_takes_v4);
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("an abstract unix socket can be inherited") {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  const std::string abstract = std::string(1, '\0') + "tlspolicyd-" + std::to_string(::getpid());
  std::memcpy(where.sun_path, abstract.data(), abstract.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + abstract.size());
  const auto taken = take_over(
      listening(bound(AF_UNIX, SOCK_STREAM, reinterpret_cast<const sockaddr*>(&where), length)),
      "");
  CHECK(text_of(taken.address) == "unix:@" + abstract.substr(1));
}

TEST_CASE("every other kind of descriptor is refused, with the reason") {
  CHECK(refusal(bound_to_loopback(SOCK_DGRAM)) ==
        "a stream socket is expected, this is another kind (ListenStream= in a socket unit)");
  CHECK(refusal(bound_to_loopback()) == "it does not listen (Accept=no in a socket unit)");
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const FileDescriptor other(pair[1]);
  CHECK(refusal(FileDescriptor(pair[0])) == "it does not listen (Accept=no in a socket unit)");
  CHECK(refusal(FileDescriptor(::open("/dev/null", O_RDONLY))) ==
        "a listening socket is expected, this is none");
  const int closed = bound_to_loopback().get();  // by the end of this line
  CHECK(refusal(FileDescriptor(closed)) == "Bad file descriptor");
}

TEST_CASE("an inherited socket covers the endpoints whose clients arrive at it") {
  CHECK(covers("inet:127.0.0.1:8461", "inet:127.0.0.1:8461"));
  CHECK(covers("inet:127.0.0.1:8461", "inet:localhost:8461"));
  CHECK_FALSE(covers("inet:127.0.0.1:8461", "inet:127.0.0.1:8462"));
  CHECK_FALSE(covers("inet:127.0.0.1:8461", "inet:127.0.0.2:8461"));
  CHECK(covers("inet:0.0.0.0:8461", "inet:127.0.0.2:8461"));
  CHECK_FALSE(covers("inet:127.0.0.2:8461", "inet:0.0.0.0:8461"));
  CHECK(covers("inet:[::1]:8461", "inet:[::1]:8461"));
  CHECK_FALSE(covers("inet:[::1]:8461", "inet:127.0.0.1:8461"));
  CHECK(covers("inet:[::]:8461", "inet:[::1]:8461"));
  CHECK_FALSE(covers("inet:[::]:8461", "inet:127.0.0.1:8461"));
  CHECK(covers("inet:[::]:8461", "inet:127.0.0.1:8461", true));
  CHECK_FALSE(covers("inet:[::]:8461", "inet:127.0.0.1:8462", true));
  CHECK_FALSE(covers("inet:0.0.0.0:8461", "inet:[::1]:8461"));
  CHECK(covers("unix:/run/a", "unix:/run/a"));
  CHECK_FALSE(covers("unix:/run/a", "unix:/run/b"));
  CHECK_FALSE(covers("unix:/run/a", "inet:127.0.0.1:8461"));
}
