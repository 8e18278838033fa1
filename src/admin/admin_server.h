#pragma once

#include "admin/commands.h"
#include "admin/observation.h"
#include "admin/sources.h"
#include "base/log.h"
#include "net/http_server.h"

namespace tlspolicyd::admin {

/// The operator's endpoint, which tells all and lets things be changed, and the one for monitoring,
/// which does neither (see Commands and serve_metrics()). Who may use the former is said by its
/// unix socket's mode.
class AdminServer {
 public:
  /// All that is given, and all that it refers to, must outlive it.
  AdminServer(net::Loop& loop, Sources sources, Controls controls, const base::Log& log)
      : sources_(sources),
        surveyor_(sources_.book, sources_.clock, sources_.timers),
        commands_(sources_, surveyor_, std::move(controls)),
        operators_(
            loop,
            [this](const auto& request, auto done) {
              return commands_.handle(request, std::move(done));
            },
            log),
        metrics_(
            loop,
            [this](const auto& request, const auto& done) {
              return serve_metrics(request, sources_, surveyor_, done);
            },
            log) {}

  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  net::HttpServer& operators() { return operators_; }
  net::HttpServer& metrics() { return metrics_; }

  void stop_accepting() {
    operators_.stop_accepting();
    metrics_.stop_accepting();
  }
  bool is_busy() const { return operators_.is_busy() || metrics_.is_busy(); }

 private:
  Sources sources_;
  Surveyor surveyor_;
  Commands commands_;
  net::HttpServer operators_;
  net::HttpServer metrics_;
};

}  // namespace tlspolicyd::admin
