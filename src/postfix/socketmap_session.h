#pragma once

#include "postfix/responder.h"
#include "postfix/session.h"

namespace tlspolicyd::postfix {

/// A client of Postfix's socketmap protocol (socketmap_table(5)): netstrings both ways.
class SocketmapSession final : public Session {
 public:
  /// The responder must outlive it.
  explicit SocketmapSession(Responder& responder) : responder_(responder) {}

  Step serve(std::string_view bytes, std::string& out, Done done) override;

 private:
  Responder& responder_;
  LastPolicy last_;
};

}  // namespace tlspolicyd::postfix
