// The baseline of a cold question: fetches each host's policy with blocking sockets and OpenSSL,
// one after the other, and nothing else: no DNS, no event loop, no parser. Prints, as JSON, what
// one fetch cost. Hosts are read from standard input, as `HOST ADDRESS` on each line.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/deleter.h"

namespace {

using tlspolicyd::base::Deleter;
using ContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;

void require(bool good, const std::string& what) {
  if (!good) throw std::runtime_error(what);
}

double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

ContextPtr make_context() {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  require(context != nullptr && SSL_CTX_set_default_verify_paths(context.get()) == 1, "context");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

int connect_to(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(443);
  require(inet_pton(AF_INET, address.c_str(), &to.sin_addr) == 1, address);
  require(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, address);
  return fd;
}

void fetch(SSL_CTX* context, const std::string& host, const std::string& address) {
  const int fd = connect_to(address);
  const SslPtr ssl(SSL_new(context));
  SSL_set_fd(ssl.get(), fd);
  SSL_set1_host(ssl.get(), host.c_str());
  SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(host.c_str()));
  require(SSL_connect(ssl.get()) == 1, host + ": TLS handshake");
  const auto request = fmt::format(
      "GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host);
  require(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())) > 0, host);
  std::array<char, 4096> buffer;
  std::string response;
  for (int got = 0; (got = SSL_read(ssl.get(), buffer.data(), buffer.size())) > 0;)
    response.append(buffer.data(), static_cast<std::size_t>(got));
  require(response.starts_with("HTTP/1.1 200"), host + ": no policy");
  SSL_shutdown(ssl.get());
  close(fd);
}

}  // namespace

int main() {
  try {
    const auto context = make_context();
    std::string host, address;
    unsigned fetches = 0;
    const auto before = cpu_microseconds();
    for (; std::cin >> host >> address; ++fetches) fetch(context.get(), host, address);
    const auto spent = cpu_microseconds() - before;
    require(fetches > 0, "no hosts");
    fmt::print("{{\"fetches\": {}, \"cpu_us\": {:.1f}}}\n", fetches, spent / fetches);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bare_fetch: " << error.what() << '\n';
    return 1;
  }
}
