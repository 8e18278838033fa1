#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "event.h"
#include "fakes/fake_service.h"
#include "oracle.h"
#include "postfix/responder.h"
#include "web.h"

namespace tlspolicyd::property {

/// Plays a sequence of events to the real service in a faked world. Checks I9 (every question is
/// answered within 56 s) and I10 (a key without policy domain causes no traffic) itself, all else
/// is the oracle's.
class Player {
 public:
  /// With a transcript: writes down there what happens, what is answered and what the log says.
  explicit Player(std::string* transcript = nullptr);
  ~Player();

  /// Returns what was wrong, nothing if all was well. At the end everything works again, and must
  /// then be as it should.
  std::optional<std::string> play(const std::vector<Event>& events);

 private:
  struct Asked {
    Question question;
    std::string key;
    std::optional<std::string> reply;
    base::OperationPtr waiting;
  };

  void play(const Event& event);
  void ask(const Event& event);
  void ask_bogus(const Event& event);
  void stop(base::milliseconds duration);
  void change_disk(const Event& event);
  void kill();
  void start();
  void end_well(std::size_t domain);

  Asked& begin(std::size_t domain, const std::string& map, std::size_t spelling);
  void pass(base::milliseconds duration);
  /// Lets time pass until there is a reply.
  void wait_for(Asked& asked);
  void sweep();
  void note(const std::string& line);

  std::string* transcript_;
  fakes::FakeTime time_;
  fakes::FakeStore store_{time_};
  Oracle oracle_{time_, store_};
  Web web_{time_, oracle_};
  base::Log log_;
  std::unique_ptr<fakes::Life> life_;
  std::unique_ptr<postfix::Responder> responder_;
  postfix::LastPolicy last_policy_;
  std::list<Asked> asked_;
  unsigned questions_ = 0;
};

}  // namespace tlspolicyd::property
