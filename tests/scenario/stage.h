#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "fakes/fake_service.h"
#include "postfix/responder.h"
#include "scenario.h"

namespace tlspolicyd::scenario {

/// The world in which one scenario is played, and the real service in it.
class Stage {
 public:
  Stage();

  /// Plays a line. Throws std::runtime_error if it cannot be read or what it expects is not so.
  void play(const Line& line);

  /// The log that the service wrote, for those who wonder why.
  const std::string& log() const { return log_text_; }

 private:
  struct Asked {
    base::SteadyTime began;
    base::SteadyTime answered;
    std::optional<std::string> reply;
    base::OperationPtr waiting;
  };

  void set(const Line& line);
  void script_dns(const Line& line, net::RecordType type);
  void script_https(const Line& line);
  Asked& begin(const std::string& name, const std::string& map, const std::string& key);
  void wait_for(const std::string& name);
  void expect(const Line& line);
  void count(const Line& line);
  void raise_curtain();
  void kill();
  void reload();
  void refresh(const std::string& domain);
  void change_disk(const Line& line);
  void find_in_log(const Line& line);

  fakes::FakeTime time_;
  fakes::FakeNetwork network_{time_};
  std::string log_text_;
  std::size_t log_seen_ = 0;
  base::Log log_;
  fakes::FakeStore store_{time_};
  fakes::Settings settings_;
  std::vector<postfix::MapTable::Map> maps_;
  std::unique_ptr<fakes::Life> life_;
  std::unique_ptr<postfix::Responder> responder_;
  postfix::LastPolicy last_policy_;  ///< all questions come on one connection
  std::map<std::string, Asked> asked_;
  Asked* last_ = nullptr;
};

}  // namespace tlspolicyd::scenario
