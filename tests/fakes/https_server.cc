#include "fakes/https_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace tlspolicyd::fakes {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

int listen_at(const base::Endpoint& endpoint) {
  const base::SocketAddress address(endpoint);
  const int fd = ::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  require(fd >= 0 && ::bind(fd, address.get(), address.length) == 0 && ::listen(fd, 64) == 0,
          "listen");
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  require(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(address.sin_port);
}

}  // namespace

HttpsServer::Connection::Connection(SSL_CTX* context, int fd) : ssl_(SSL_new(context)), fd_(fd) {
  SSL_set_fd(ssl_.get(), fd);
}

bool HttpsServer::Connection::handshake() { return SSL_accept(ssl_.get()) == 1; }

std::string HttpsServer::Connection::request() {
  std::string text;
  char buffer[4096];
  while (text.find("\r\n\r\n") == std::string::npos) {
    const int count = SSL_read(ssl_.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

bool HttpsServer::Connection::write(std::string_view bytes) {
  return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
}

void HttpsServer::Connection::write_for_ever(std::string_view bytes) {
  while (write(bytes)) continue;
}

bool HttpsServer::Connection::has_input() const {
  pollfd poll{.fd = fd_, .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, 0) != 0;
}

void HttpsServer::Connection::close_notify() { SSL_shutdown(ssl_.get()); }

void HttpsServer::Connection::wait() {
  pollfd poll{.fd = fd_, .events = POLLIN, .revents = 0};
  ::poll(&poll, 1, -1);
}

void HttpsServer::Connection::pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

void HttpsServer::Connection::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

HttpsServer::HttpsServer(const Identity& identity, Script script)
    : HttpsServer(identity, std::move(script), Options()) {}

HttpsServer::HttpsServer(const Identity& identity, Script script, Options options)
    : options_(std::move(options)), context_(SSL_CTX_new(TLS_server_method())) {
  identity.install(context_.get());
  if (options_.max_version != 0) {
    // OpenSSL 3.0 offers SHA-1 signatures, and so TLS 1.1, only at security level 0.
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), options_.max_version);
  }
  // The macros for these two cast in the old style.
  SSL_CTX_callback_ctrl(context_.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(&HttpsServer::on_server_name));
  SSL_CTX_ctrl(context_.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, this);
  listener_ = listen_at({base::Address::parse(options_.address).value(), options_.port});
  port_ = port_of(listener_);
  thread_ = std::thread([this, script = std::move(script)] { run(script); });
}

HttpsServer::~HttpsServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  {
    const std::lock_guard lock(mutex_);
    if (present_ >= 0) ::shutdown(present_, SHUT_RDWR);
  }
  thread_.join();
  ::close(listener_);
}

HttpsServer::Script HttpsServer::answering(std::string response) {
  return [response = std::move(response)](Connection& connection) {
    if (!connection.handshake()) return;
    connection.request();
    connection.write(response);
    connection.close_notify();
  };
}

std::vector<std::string> HttpsServer::server_names() const {
  const std::lock_guard lock(mutex_);
  return server_names_;
}

bool HttpsServer::is_busy() const {
  const std::lock_guard lock(mutex_);
  return present_ >= 0;
}

int HttpsServer::on_server_name(SSL* ssl, int* alert, void* self) {
  auto& server = *static_cast<HttpsServer*>(self);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  {
    const std::lock_guard lock(server.mutex_);
    server.server_names_.emplace_back(name != nullptr ? name : "");
  }
  if (name == nullptr && server.options_.refuses_without_server_name) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_OK;
}

void HttpsServer::run(const Script& script) {
  while (!stopping_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    {
      const std::lock_guard lock(mutex_);
      present_ = fd;
      if (stopping_) ::shutdown(fd, SHUT_RDWR);
    }
    {
      Connection connection(context_.get(), fd);
      script(connection);
    }
    {
      const std::lock_guard lock(mutex_);
      present_ = -1;
    }
    ::close(fd);
  }
}

}  // namespace tlspolicyd::fakes
