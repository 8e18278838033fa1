#include "net/listener.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <memory>

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
