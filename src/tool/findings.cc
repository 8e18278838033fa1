#include "tool/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace tlspolicyd::tool {
namespace {

using Verdict = Finding::Verdict;

constexpr Verdict kVerdicts[] = {Verdict::failed, Verdict::warning, Verdict::skipped, Verdict::ok};

auto count(const Findings& findings, Verdict verdict) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const auto& finding) { return finding.verdict == verdict; });
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::warning: return "warning";
    case Verdict::failed: return "failed";
    case Verdict::skipped: break;
  }
  return "skipped";
}

std::string as_text(const Findings& findings) {
  std::string text;
  for (const auto& finding : findings) {
    text += fmt::format("{:<8} {}: {}\n", name_of(finding.verdict), finding.check, finding.text);
    if (!finding.mend.empty()) text += fmt::format("         mend: {}\n", finding.mend);
  }
  std::string sum;
  for (const auto verdict : kVerdicts)
    if (const auto number = count(findings, verdict); number > 0)
      sum += fmt::format("{}{} {}", sum.empty() ? "" : ", ", number, name_of(verdict));
  return text + sum + "\n";
}

std::string as_json(const Findings& findings) {
  using nlohmann::ordered_json;
  ordered_json out{{"failed", any_failed(findings)}, {"findings", ordered_json::array()}};
  for (const auto& finding : findings)
    out["findings"].push_back({{"check", finding.check},
                               {"verdict", name_of(finding.verdict)},
                               {"text", finding.text},
                               {"mend", finding.mend}});
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

bool any_failed(const Findings& findings) { return count(findings, Verdict::failed) > 0; }

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void Check::add(Verdict verdict, std::string_view text, std::string_view mend) {
  // Files may hold anything; a line of the report stays a line.
  constexpr std::size_t kLongest = 2000;
  out_.push_back(
      {name_, verdict, base::printable(text, kLongest), base::printable(mend, kLongest)});
}

}  // namespace tlspolicyd::tool
