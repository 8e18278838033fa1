#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/deleter.h"
#include "base/operation.h"
#include "net/file_descriptor.h"
#include "net/loop.h"

struct evhttp;
struct evhttp_request;
struct evhttp_connection;
extern "C" void evhttp_free(evhttp*);

namespace tlspolicyd::net {

/// A small HTTP/1.1 server for people and programs of the operator's, libevent's evhttp underneath:
/// GET and POST, headers of at most 8 KiB, bodies of at most 4 KiB, ten seconds of patience.
class HttpServer {
 public:
  struct Request {
    bool post = false;
    std::string path;                          ///< decoded, e.g. "/metrics"
    std::map<std::string, std::string> query;  ///< decoded; of equal names the last
  };
  struct Response {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body{};
  };
  using Reply = std::function<void(Response)>;
  /// Answers at once, or returns the work that will call `reply` later; it is destroyed when the
  /// client leaves.
  using Handler = std::function<base::OperationPtr(const Request&, Reply)>;

  /// The loop must outlive it. Throws std::runtime_error if there is no memory.
  HttpServer(Loop& loop, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Serves clients of a listening socket, which is non-blocking. Throws std::runtime_error.
  void serve(FileDescriptor listening);

 private:
  struct Pending;
  static void on_request(evhttp_request* request, void* self);
  static void on_close(evhttp_connection* connection, void* self);
  void answer(evhttp_request* request);

  Handler handler_;
  std::list<std::unique_ptr<Pending>> pending_;
  std::unique_ptr<evhttp, base::Deleter<evhttp_free>> http_;
};

}  // namespace tlspolicyd::net
