#include "net/listener.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ask.h"
#include "net/inherited_sockets.h"

using namespace tlspolicyd;
using net::FileDescriptor;
using net::Listener;
using net::Loop;

namespace {

/// A unix socket's path, and what happens there.
class Place {
 public:
  Place() {
    std::string pattern = (std::filesystem::temp_directory_path() / "listener-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = (directory_ / "socket").string();
  }
  ~Place() { std::filesystem::remove_all(directory_); }

  const std::string& path() const { return path_; }
  bool exists() const { return std::filesystem::exists(path_); }

  /// As a service manager does it.
  FileDescriptor bind() const {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto where = address();
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(::listen(socket.get(), 8) == 0);
    return socket;
  }

  /// Empty if it is refused.
  FileDescriptor connect() const {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const auto where = address();
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
      return {};
    return socket;
  }

 private:
  sockaddr_un address() const {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, path_.data(), path_.size());
    return where;
  }

  std::filesystem::path directory_;
  std::string path_;
};

FileDescriptor another(const FileDescriptor& held) {
  return net::take_over(FileDescriptor(::dup(held.get())), "").descriptor;
}

}  // namespace

TEST_CASE("a listener removes the unix socket that it made") {
  Place place;
  Loop loop;
  {
    const Listener listener(loop, net::UnixAddress{place.path(), 0600, ""}, {});
    CHECK(place.exists());
  }
  CHECK_FALSE(place.exists());
  CHECK_FALSE(place.connect());
}

TEST_CASE("a socket that was left behind is replaced, one in use is not") {
  Place place;
  Loop loop;
  const net::UnixAddress address{place.path(), 0600, ""};
  const auto failure = [&] {
    try {
      const Listener listener(loop, address, {});
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  auto held = place.bind();
  CHECK(failure().find("another server listens there: Address already in use") !=
        std::string::npos);
  CHECK(place.connect());
  // Its backlog is full: it is in use all the same.
  REQUIRE(::listen(held.get(), 0) == 0);
  std::vector<FileDescriptor> clients;
  for (int n = 0; n < 64; ++n) clients.push_back(place.connect());
  CHECK_FALSE(clients.back());
  CHECK(failure().find("another server listens there") != std::string::npos);
  CHECK(place.exists());
  clients.clear();
  held = {};
  CHECK(place.exists());
  CHECK(failure().empty());
}

TEST_CASE(
    "network D10: a socket that cannot be asked is left where it is, and the failure says why") {
  Place place;
  Loop loop;
  const net::UnixAddress address{place.path(), 0600, ""};
  const auto refused = [&](const char* why) {
    try {
      const Listener listener(loop, address, {});
    } catch (const std::runtime_error& error) {
      CAPTURE(error.what());
      CHECK(std::string_view(error.what()).ends_with(why));
      return;
    }
    FAIL_CHECK("it listens");
  };
  SUBCASE("no permission") {
    if (::geteuid() != 0) return;
    const auto held = place.bind();
    // Everybody but root needs write permission to connect.
    REQUIRE(::chmod(place.path().c_str(), 0) == 0);
    REQUIRE(::chmod(std::filesystem::path(place.path()).parent_path().c_str(), 0777) == 0);
    REQUIRE(::seteuid(65534) == 0);
    refused("in use: Permission denied");
    REQUIRE(::seteuid(0) == 0);
    CHECK(place.connect());
  }
  SUBCASE("no file descriptor") {
    const auto held = place.bind();
    std::vector<FileDescriptor> all;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit few{.rlim_cur = 64, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (FileDescriptor one(::dup(0)); one; one = FileDescriptor(::dup(0)))
      all.push_back(std::move(one));
    refused("socket: Too many open files");
    all.clear();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(place.connect());
  }
  SUBCASE("another kind of socket") {
    const FileDescriptor held(::socket(AF_UNIX, SOCK_DGRAM, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::memcpy(where.sun_path, place.path().data(), place.path().size());
    REQUIRE(::bind(held.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    refused("in use: Protocol wrong type for socket");
    CHECK(place.exists());
  }
  SUBCASE("no socket") {
    std::ofstream(place.path()) << "x";
    refused("bind: Address already in use");
    CHECK(std::filesystem::file_size(place.path()) == 1);
  }
}

TEST_CASE("a unix socket has the mode that was asked for, whatever the umask, which stays") {
  for (const mode_t umask : {0U, 022U, 0777U}) {
    for (const mode_t mode : {0600U, 0660U, 0666U}) {
      CAPTURE(umask);
      Place place;
      Loop loop;
      const mode_t before = ::umask(umask);
      const Listener listener(loop, net::UnixAddress{place.path(), mode, ""}, {});
      CHECK(::umask(before) == umask);
      struct stat status {};
      REQUIRE(::stat(place.path().c_str(), &status) == 0);
      CHECK((status.st_mode & 07777) == mode);
    }
  }
}

TEST_CASE("C-1: who connects to an inherited socket between two processes waits for the second") {
  Place place;
  const auto held = place.bind();
  Loop loop;
  int accepted = 0;
  const auto life = [&] {
    return std::make_unique<Listener>(loop, another(held),
                                      Listener::Callbacks{.accepted =
                                                              [&](FileDescriptor) {
                                                                ++accepted;
                                                                loop.stop();
                                                              },
                                                          .out_of_room = [] { return false; }});
  };
  auto listener = life();
  const auto first = place.connect();
  net::turn(loop, base::milliseconds(20'000));
  CHECK(accepted == 1);

  listener.reset();
  CHECK(place.exists());
  const auto between = place.connect();
  REQUIRE(between);
  CHECK(accepted == 1);

  listener = life();
  net::turn(loop, base::milliseconds(20'000));
  CHECK(accepted == 2);
}
