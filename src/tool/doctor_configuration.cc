#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "tool/doctor_judge.h"

namespace tlspolicyd::tool {
namespace {

const char* const kAsRoot = "run it as root: sudo tlspolicy doctor";

class ConfigurationJudge {
 public:
  ConfigurationJudge(const ConfigurationFacts& facts, Check& check)
      : facts_(facts), check_(check) {}

  void judge() {
    for (const auto& mistake : facts_.mistakes) wrong(mistake);
    if (facts_.daemon) {
      by_daemon(*facts_.daemon);
    } else {
      by_file();
    }
    if (facts_.config.observe)
      check_.failed("observe: true: every question is answered \"no policy\", nothing is protected",
                    "in the configuration observe: false, then SIGHUP");
  }

 private:
  void wrong(const config::Mistake& mistake) {
    const auto line = mistake.line > 0 ? fmt::format("+{} ", mistake.line) : "";
    check_.failed(config::text_of(mistake, facts_.path),
                  fmt::format("vi {}{}", line, shell_word(facts_.path)));
  }

  void by_daemon(const RunningDaemon& daemon) {
    const auto who =
        fmt::format("as the running daemon (process {}) says at {}", daemon.pid, daemon.admin);
    if (!daemon.mistakes.empty())
      check_.skipped(fmt::format("{}, in part: {}", who, daemon.mistakes.front().text),
                     fmt::format("{}, or tlspolicy of the daemon's version", kAsRoot));
    const auto file = daemon.file.empty() ? "defaults, without a file" : daemon.file;
    if (daemon.file != facts_.path && facts_.exists)
      return check_.warning(fmt::format("{} is not what the daemon goes by; what follows is {}: {}",
                                        facts_.path, who, file),
                            facts_.path == config::kDefaultPath
                                ? facts_.reload
                                : fmt::format("start the daemon with it (tlspolicyd -c {}), or "
                                              "leave -c away here",
                                              shell_word(facts_.path)));
    changed();
    check_.ok(fmt::format("{}: {}, read at {}", who, file, daemon.loaded_at));
  }

  /// Settings of the file that are not in force yet.
  void changed() {
    for (const bool at_start : {false, true}) {
      std::vector<std::string> names;
      for (const auto& setting : facts_.changed)
        if (setting.at_start == at_start) names.push_back(setting.name());
      if (names.empty()) continue;
      check_.warning(fmt::format("{} has other settings than the running daemon: {}", facts_.path,
                                 fmt::join(names, ", ")),
                     at_start ? facts_.restart : facts_.reload);
    }
  }

  void by_file() {
    const auto what = facts_.exists ? facts_.path : facts_.path + " is not there: defaults";
    const auto by_this = facts_.mistakes.empty() ? what : std::string("defaults");
    if (facts_.admin.empty()) {
      if (facts_.mistakes.empty()) check_.ok(what + "; the daemon has no admin socket");
    } else if (facts_.forbidden) {
      check_.skipped(fmt::format("this user may not ask the daemon at {}; what follows goes by {}",
                                 facts_.admin, by_this),
                     kAsRoot);
    } else if (facts_.process) {
      check_.warning(fmt::format("process {} is a tlspolicyd that does not tell its configuration "
                                 "({}); what follows goes by {}",
                                 facts_.process->pid, facts_.trouble, by_this),
                     "tlspolicy -a ENDPOINT doctor, with the admin socket of that daemon");
    } else if (facts_.mistakes.empty()) {
      check_.ok(fmt::format("{}; no daemon answers at {}", what, facts_.admin));
    }
  }

  const ConfigurationFacts& facts_;
  Check& check_;
};

}  // namespace

Findings judge_configuration(const ConfigurationFacts& facts) {
  Findings found;
  Check check(found, "configuration");
  ConfigurationJudge(facts, check).judge();
  return found;
}

}  // namespace tlspolicyd::tool
