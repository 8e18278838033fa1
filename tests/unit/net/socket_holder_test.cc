#include "net/socket_holder.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "net/file_descriptor.h"

using namespace tlspolicyd;
using namespace tlspolicyd::net;

TEST_CASE("proc(5): the inode of the socket that listens on a port") {
  const std::string head =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n";
  const std::string connected =
      "   0: 0100007F:210D 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 "
      "111 1 0 20 4 30 10 -1\n";
  const std::string listens =
      "   1: 0100007F:210D 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 "
      "222 1 0 100 0 0 10 0\n";
  CHECK(listening_inode(head + connected + listens, 8461) == "222");
  CHECK(listening_inode(head + connected, 8461) == std::nullopt);
  CHECK(listening_inode(head + listens, 8462) == std::nullopt);
  CHECK(listening_inode(head + "   1: 0100007F:210D 00000000:0000 0A", 8461) == std::nullopt);
  CHECK(listening_inode("", 8461) == std::nullopt);
}

TEST_CASE("who listens on a port") {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto endpoint = base::Endpoint::parse("127.0.0.1:1", 0).value();
  endpoint.port = 0;
  const base::SocketAddress any(endpoint);
  REQUIRE(::bind(socket.get(), any.get(), any.length) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  endpoint.port = ntohs(bound.sin_port);
  CHECK(holder_of(endpoint) == ::getpid());
  CHECK(process_text(::getpid()).find("unit-net") != std::string::npos);
}

TEST_CASE("who listens on a unix socket") {
  const auto path =
      (std::filesystem::temp_directory_path() / ("holder." + std::to_string(::getpid()))).string();
  const auto address = parse_listen_address("unix:" + path).value();
  CHECK(holder_of(address) == std::nullopt);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.data(), path.size());
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(socket.get(), 1) == 0);
  CHECK(holder_of(address) == ::getpid());
  std::filesystem::remove(path);
}
