#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/address.h"
#include "fakes/certificates.h"

namespace tlspolicyd::fakes {

/// An HTTPS server that does what a script says, however hostile, one connection at a time, in its
/// own thread. The process must ignore SIGPIPE.
class HttpsServer {
 public:
  /// One accepted connection, before the TLS handshake. A function that returns bool says false
  /// when the client (or the end of the test) has closed it.
  class Connection {
   public:
    Connection(SSL_CTX* context, int fd);

    bool handshake();
    /// Reads up to the empty line.
    std::string request();
    bool write(std::string_view bytes);
    /// Writes it again and again until that fails.
    void write_for_ever(std::string_view bytes);
    /// True when the client has closed or sent something.
    bool has_input() const;
    void close_notify();
    /// Waits until the client sends something more or closes.
    void wait();
    void pause(int milliseconds);
    /// Makes the close a TCP reset.
    void reset();

    int fd() const { return fd_; }
    SSL* ssl() { return ssl_.get(); }

   private:
    std::unique_ptr<SSL, base::Deleter<SSL_free>> ssl_;
    int fd_;
  };

  using Script = std::function<void(Connection&)>;

  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: the kernel's choice
    bool refuses_without_server_name = false;
    int max_version = 0;  ///< e.g. TLS1_1_VERSION; 0: any
  };

  HttpsServer(const Identity& identity, Script script, Options options);
  HttpsServer(const Identity& identity, Script script);
  ~HttpsServer();

  /// A script that answers each request with these bytes and closes properly.
  static Script answering(std::string response);

  std::uint16_t port() const { return port_; }
  /// How many connections were accepted.
  int connections() const { return connections_; }
  /// True while a script runs.
  bool is_busy() const;
  /// The server names that clients have sent ("" for none), one a handshake.
  std::vector<std::string> server_names() const;

 private:
  static int on_server_name(SSL* ssl, int* alert, void* self);
  void run(const Script& script);

  Options options_;
  std::unique_ptr<SSL_CTX, base::Deleter<SSL_CTX_free>> context_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  int present_ = -1;  ///< the socket of the present connection
  std::vector<std::string> server_names_;
  std::thread thread_;
};

}  // namespace tlspolicyd::fakes
