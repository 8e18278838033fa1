#include "net/http_server.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace tlspolicyd::net {
namespace {

constexpr int kPatienceSeconds = 10;
constexpr int kMostHeaders = 8192;
constexpr int kMostBody = 4096;

std::string decoded(const char* text) {
  if (text == nullptr) return {};
  std::size_t length = 0;
  const std::unique_ptr<char, base::Deleter<std::free>> plain(evhttp_uridecode(text, 0, &length));
  return plain ? std::string(plain.get(), length) : std::string();
}

HttpServer::Request read(evhttp_request* request) {
  const auto* uri = evhttp_request_get_evhttp_uri(request);
  HttpServer::Request out{.post = evhttp_request_get_command(request) == EVHTTP_REQ_POST,
                          .path = decoded(evhttp_uri_get_path(uri)),
                          .query = {}};
  if (const char* query = evhttp_uri_get_query(uri)) {
    evkeyvalq pairs{};
    if (evhttp_parse_query_str(query, &pairs) == 0)
      for (const auto* pair = pairs.tqh_first; pair != nullptr; pair = pair->next.tqe_next)
        out.query[pair->key] = pair->value;
    evhttp_clear_headers(&pairs);
  }
  return out;
}

void send(evhttp_request* request, const HttpServer::Response& response) {
  auto* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", response.type.c_str());
  // What is told is of the operator's daemon, for nobody's cache.
  evhttp_add_header(headers, "Cache-Control", "no-store");
  const std::unique_ptr<evbuffer, base::Deleter<evbuffer_free>> body(evbuffer_new());
  evbuffer_add(body.get(), response.body.data(), response.body.size());
  evhttp_send_reply(request, response.status, nullptr, body.get());
}

}  // namespace

/// A request that is being worked on.
struct HttpServer::Pending {
  evhttp_request* request;
  base::OperationPtr work{};
};

HttpServer::HttpServer(Loop& loop, Handler handler)
    : handler_(std::move(handler)), http_(evhttp_new(loop.base())) {
  if (!http_) throw std::runtime_error("evhttp_new failed");
  evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET | EVHTTP_REQ_POST);
  evhttp_set_max_headers_size(http_.get(), kMostHeaders);
  evhttp_set_max_body_size(http_.get(), kMostBody);
  evhttp_set_timeout(http_.get(), kPatienceSeconds);
  evhttp_set_gencb(http_.get(), &HttpServer::on_request, this);
}

HttpServer::~HttpServer() {
  // Its connections end first, and thereby the work for them.
  http_.reset();
}

void HttpServer::serve(FileDescriptor listening) {
  if (evhttp_accept_socket_with_handle(http_.get(), listening.get()) == nullptr)
    throw std::runtime_error("evhttp does not take the listening socket");
  listening.release();
}

void HttpServer::on_request(evhttp_request* request, void* self) {
  static_cast<HttpServer*>(self)->answer(request);
}

void HttpServer::answer(evhttp_request* request) {
  pending_.push_back(std::make_unique<Pending>(Pending{request}));
  auto* const pending = pending_.back().get();
  auto* const connection = evhttp_request_get_connection(request);
  evhttp_connection_set_closecb(connection, &HttpServer::on_close, this);
  auto work = handler_(read(request), [this, pending](const Response& response) {
    // The client may leave while this is written.
    auto* const to = std::exchange(pending->request, nullptr);
    if (to != nullptr) send(to, response);
    // Removing it destroys the work, and with it this function.
    auto* const over = pending;
    pending_.remove_if([over](const auto& one) { return one.get() == over; });
  });
  for (const auto& one : pending_)
    if (one.get() == pending) one->work = std::move(work);
}

void HttpServer::on_close(evhttp_connection* connection, void* self) {
  static_cast<HttpServer*>(self)->pending_.remove_if([&](const auto& pending) {
    return pending->request != nullptr &&
           evhttp_request_get_connection(pending->request) == connection;
  });
}

}  // namespace tlspolicyd::net
