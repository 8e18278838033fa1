#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tlspolicyd::tool {

/// One thing that was looked at.
struct Finding {
  enum class Verdict {
    ok,
    warning,  ///< mail goes on, but something that could be had is not
    failed,   ///< policies are not enforced, or mail is deferred
    skipped   ///< it could not be seen
  };
  std::string check;  ///< one word or two, e.g. "resolver"
  Verdict verdict = Verdict::ok;
  std::string text;  ///< printable, no final dot
  std::string mend;  ///< a command, or the line of a file; "" where nothing is to be done
  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

/// "ok", "warning", "failed", "skipped".
std::string_view name_of(Finding::Verdict verdict);

/// For people: one line each, what mends it below, and how many there are of each at the end.
std::string as_text(const Findings& findings);

/// For programs: one JSON object.
std::string as_json(const Findings& findings);

bool any_failed(const Findings& findings);

/// A word as sh(1) takes it, quoted where it must be.
std::string shell_word(std::string_view word);

/// Collects findings of one check.
class Check {
 public:
  Check(Findings& out, std::string name) : out_(out), name_(std::move(name)) {}
  void ok(std::string_view text) { add(Finding::Verdict::ok, text, ""); }
  void warning(std::string_view text, std::string_view mend) {
    add(Finding::Verdict::warning, text, mend);
  }
  void failed(std::string_view text, std::string_view mend) {
    add(Finding::Verdict::failed, text, mend);
  }
  /// `mend` lets it be seen.
  void skipped(std::string_view text, std::string_view mend) {
    add(Finding::Verdict::skipped, text, mend);
  }
  void add(Finding::Verdict verdict, std::string_view text, std::string_view mend);

 private:
  Findings& out_;
  std::string name_;
};

}  // namespace tlspolicyd::tool
