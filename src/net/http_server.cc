#include "net/http_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/socket_watch.h"

namespace tlspolicyd::net {
namespace {

// What a refused client may still be sending; a reset would take our reply from it.
constexpr base::seconds kDrainPatience{2};

constexpr std::size_t kMaxSuperfluous = 1'048'576;

// A client that has closed its writing side may have gone away altogether, which TCP does not say:
// its reply is not made for longer than this. An explanation of a domain takes less.
constexpr base::seconds kHalfClosedPatience{120};

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

std::string_view phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return status < 400 ? "OK" : "Error";
  }
}

bool is_unix(const FileDescriptor& socket) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  return ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
         own.ss_family == AF_UNIX;
}

/// The fields besides Content-* keep a browser from taking it for anything but what it is.
std::string text_of(const HttpReply& reply) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\n"
      "Content-Type: {}\r\n"
      "Content-Length: {}\r\n"
      "{}"
      "Cache-Control: no-store\r\n"
      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Connection: close\r\n"
      "\r\n"
      "{}",
      reply.status, phrase(reply.status), reply.media_type, reply.body.size(),
      reply.allow.empty() ? "" : fmt::format("Allow: {}\r\n", reply.allow), reply.body);
}

HttpReply refusal(int status, std::string_view why) {
  return {.status = status,
          .body = fmt::format("{{\"error\": \"{}\"}}\n", why),
          .allow = status == 405 ? "GET, POST" : ""};
}

}  // namespace

/// One client: reads its request, waits for the handler, writes the reply, in this order.
class HttpServer::Connection {
 public:
  Connection(HttpServer& server, FileDescriptor socket)
      : server_(server),
        socket_(std::move(socket)),
        readable_(server.loop_, socket_.get(), SocketWatch::For::reading,
                  [this] { on_readable(); }),
        deadline_(server.loop_.after(kRequestPatience, [this] { end(); })) {}

  /// For a reply of ours: not to be closed for want of room.
  bool is_waiting() const { return waiting_ != nullptr; }
  /// Its request is complete or refused; its reply is not complete.
  bool is_served() const { return parser_.state() != HttpRequestParser::State::need_more; }

 private:
  // Each returns at once after end(), which destroys this.
  void on_readable() {
    char room[4096];
    const auto length = ::recv(socket_.get(), room, sizeof room, 0);
    if (length < 0 && would_block(errno)) return;
    if (length < 0) return end();
    if (length == 0) return on_end_of_input();
    // What comes after the request is for nobody; not reading it would hide that the client left.
    if (is_served()) {
      superfluous_ += static_cast<std::size_t>(length);
      if (superfluous_ > kMaxSuperfluous) end();
      return;
    }
    const std::string_view bytes(room, static_cast<std::size_t>(length));
    switch (parser_.feed(bytes)) {
      case HttpRequestParser::State::need_more: return;
      case HttpRequestParser::State::refused:
        return reply(refusal(parser_.status(), parser_.why()));
      case HttpRequestParser::State::complete: break;
    }
    deadline_.reset();
    auto request = parser_.request();
    request.over_unix = is_unix(socket_);
    auto handling = server_.handler_(request, [this](HttpReply answer) {
      waiting_.reset();
      reply(answer);
    });
    if (handling.reply) return reply(*handling.reply);
    waiting_ = std::move(handling.waiting);
  }

  /// The client may read on: a complete request is answered. A unix socket tells whether it does.
  void on_end_of_input() {
    pollfd status{.fd = socket_.get(), .events = 0, .revents = 0};
    const bool gone = ::poll(&status, 1, 0) == 1 && (status.revents & (POLLHUP | POLLERR)) != 0;
    if (gone || !is_served() || (!waiting_ && sent_ == out_.size())) return end();
    readable_.pause();
    if (waiting_) deadline_ = server_.loop_.after(kHalfClosedPatience, [this] { end(); });
  }

  void reply(const HttpReply& answer) {
    out_ = text_of(answer);
    deadline_ = server_.loop_.after(kReplyPatience, [this] { end(); });
    flush();
  }

  void flush() {
    const auto rest = std::string_view(out_).substr(sent_);
    const auto length = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (length < 0 && !would_block(errno)) return end();
    if (length > 0) sent_ += static_cast<std::size_t>(length);
    if (sent_ == out_.size()) return finish();
    if (!writable_)
      writable_.emplace(server_.loop_, socket_.get(), SocketWatch::For::writing,
                        [this] { flush(); });
  }

  void finish() {
    if (parser_.state() == HttpRequestParser::State::complete) return end();
    writable_.reset();
    ::shutdown(socket_.get(), SHUT_WR);
    deadline_ = server_.loop_.after(kDrainPatience, [this] { end(); });
  }

  void end() { server_.ended(*this); }

  HttpServer& server_;
  FileDescriptor socket_;
  HttpRequestParser parser_;
  std::string out_;
  std::size_t sent_ = 0;
  std::size_t superfluous_ = 0;  ///< octets read after the request
  SocketWatch readable_;
  std::optional<SocketWatch> writable_;
  base::OperationPtr deadline_;
  base::OperationPtr waiting_;
};

HttpServer::HttpServer(Loop& loop, Handler handler, const base::Log& log)
    : loop_(loop), handler_(std::move(handler)), log_(log) {}

HttpServer::~HttpServer() = default;

void HttpServer::listen(const ListenAddress& address) {
  listeners_.push_back(std::make_unique<Listener>(loop_, address, callbacks()));
}

void HttpServer::listen(FileDescriptor inherited) {
  listeners_.push_back(std::make_unique<Listener>(loop_, std::move(inherited), callbacks()));
}

Listener::Callbacks HttpServer::callbacks() {
  return {.accepted = [this](FileDescriptor socket) { accept(std::move(socket)); },
          .out_of_room = [this] { return close_oldest(); }};
}

void HttpServer::stop_accepting() {
  listeners_.clear();
  std::erase_if(connections_, [](const auto& connection) { return !connection->is_served(); });
}

bool HttpServer::is_busy() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->is_served(); });
}

void HttpServer::accept(FileDescriptor socket) {
  if (connections_.size() >= kMaxConnections && !close_oldest()) {
    const auto busy = text_of(refusal(503, "all connections wait for replies"));
    ::send(socket.get(), busy.data(), busy.size(), MSG_NOSIGNAL);
    log_.warning("HTTP client refused: all connections wait for replies",
                 {{"clients", connections_.size()}});
    return;
  }
  connections_.push_back(std::make_unique<Connection>(*this, std::move(socket)));
}

bool HttpServer::close_oldest() {
  const auto oldest =
      std::find_if(connections_.begin(), connections_.end(),
                   [](const auto& connection) { return !connection->is_waiting(); });
  if (oldest == connections_.end()) return false;
  connections_.erase(oldest);
  return true;
}

void HttpServer::ended(Connection& connection) {
  std::erase_if(connections_, [&](const auto& held) { return held.get() == &connection; });
}

}  // namespace tlspolicyd::net
