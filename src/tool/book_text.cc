#include "tool/book_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/log.h"
#include "explain/labelled_lines.h"

namespace tlspolicyd::tool {
namespace {

using nlohmann::json;

/// The text of a value; nothing that a terminal would obey.
std::string word(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return base::printable(value.get_ref<const std::string&>());
  return value.dump();
}

std::string words(const json& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(word(value));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string ago(const json& seconds) { return duration_text(seconds.get<std::int64_t>()) + " ago"; }

/// How long until something, which may be over.
std::string ahead(const json& seconds) {
  if (seconds.is_null()) return "-";
  const auto left = seconds.get<std::int64_t>();
  return left > 0 ? duration_text(left) : "now";
}

std::string left_text(const json& seconds) {
  const auto left = seconds.get<std::int64_t>();
  return left > 0 ? duration_text(left) : fmt::format("expired {} ago", duration_text(-left));
}

/// A key of an object, and what its number counts.
using Parts = std::vector<std::pair<const char*, const char*>>;

using Lines = explain::LabelledLines;
constexpr int kLabels = 14;

void write_policy(Lines& lines, const json& of) {
  lines.line("mode", "{}{}", word(of.at("mode")),
             of.at("applied").get<bool>() ? "" : ", not applied");
  lines.line("id", "{}", word(of.at("id")));
  lines.line("fetched", "{} ({})", ago(of.at("age")), word(of.at("fetched_at")));
  lines.line("time left", "{} (until {})", left_text(of.at("left")), word(of.at("expires_at")));
  lines.line("next refresh", "{}", ahead(of.at("refresh_in")));
  if (const auto failures = of.at("failures").get<std::uint64_t>(); failures > 0)
    lines.line("refreshes", "{} failed since then, the last at {}", failures,
               word(of.at("tried_at")));
  bool first = true;
  for (const auto& line : of.at("policy")) {
    lines.line(first ? "policy" : "", "{}", word(line));
    first = false;
  }
}

void write_mx(Lines& lines, const json& mx, bool judged) {
  const auto fresh = mx.at("fresh_for").get<std::int64_t>();
  lines.line("MX hosts", "{}, {}",
             mx.at("authenticated").get<bool>() ? "authenticated by DNSSEC" : "not authenticated",
             fresh > 0 ? fmt::format("looked up again in {}", duration_text(fresh))
                       : "looked up again with the next question");
  for (const auto& host : mx.at("hosts")) {
    if (!judged) {
      lines.line("", "{}", word(host.at("name")));
    } else if (host.at("pattern").is_null()) {
      lines.line("", "{}: no pattern of the policy matches", word(host.at("name")));
    } else {
      lines.line("", "{}: matches {}", word(host.at("name")), word(host.at("pattern")));
    }
  }
}

/// What governs, whatever is remembered.
void write_operators_word(Lines& lines, const json& of) {
  if (of.at("observe").get<bool>())
    lines.line("operator", "observe: true: every answer is \"no policy\"");
  const auto& said = of.at("operator");
  if (said.is_null()) return;
  const auto what = said.value("word", "");
  if (what == "off")
    lines.line("operator", "off: the answer is \"no policy\", whatever the domain has published");
  if (what == "policy")
    lines.line("operator", "the answer is \"{}\", whatever the domain has published",
               word(said.at("policy")));
  if (what == "pinned") lines.line("operator", "pinned: mail is deferred while no policy is known");
  if (said.contains("dane"))
    lines.line("operator", "DANE for this domain: {}", word(said.at("dane")));
}

/// The same in a column.
std::string operators_column(const json& said) {
  if (said.is_null()) return "-";
  return said.contains("word") ? word(said.at("word")) : "dane " + word(said.at("dane"));
}

/// Both lines make the same sum.
void write_answers(Lines& lines, const json& answers) {
  const auto line = [&](std::string_view label, const Parts& parts) {
    std::vector<std::string> texts;
    for (const auto& [key, text] : parts)
      texts.push_back(fmt::format("{} {}", word(answers.at(key)), text));
    lines.line(label, "{}", fmt::join(texts, ", "));
  };
  lines.line("answers", "{}", word(answers.at("all")));
  line("", {{"settled", "known at once"},
            {"live", "looked up"},
            {"overruled", "by the operator's word"},
            {"no-domain", "to no domain"},
            {"delivery-status", "to delivery statuses"}});
  line("", {{"secure", "secure"},
            {"dane-only", "dane-only"},
            {"notfound", "not found"},
            {"temp", "temporary"},
            {"operator", "by the operator's word"},
            {"explained", "explained"}});
  const auto observed = answers.find("observed");
  if (observed == answers.end()) return;
  std::vector<std::string> texts;
  for (const auto& [kind, number] : observed->items())
    texts.push_back(fmt::format("{} {}", word(number), word(kind)));
  lines.line("", "of \"not found\", but for observe: {}", fmt::join(texts, ", "));
}

}  // namespace

std::string duration_text(std::int64_t seconds) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array kUnits{Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "min"}, Unit{1, "s"}};
  for (std::size_t at = 0; at < kUnits.size(); ++at) {
    const auto& unit = kUnits[at];
    if (seconds < unit.seconds && unit.seconds > 1) continue;
    auto text = fmt::format("{} {}", seconds / unit.seconds, unit.name);
    const auto rest = seconds % unit.seconds;
    // Of minutes the seconds are of no interest.
    if (unit.seconds > 60 && rest >= kUnits[at + 1].seconds)
      text += fmt::format(" {} {}", rest / kUnits[at + 1].seconds, kUnits[at + 1].name);
    return text;
  }
  return "";
}

std::string status_text(const json& of) {
  Lines lines(kLabels);
  const auto& configuration = of.at("configuration");
  const auto& policies = of.at("policies");
  const auto& answers = of.at("answers");
  const auto& disk = of.at("disk");
  const auto& refresh = of.at("refresh");
  const auto& file = configuration.at("file").get_ref<const std::string&>();
  lines.line("tlspolicyd", "{}, up for {}, {}", word(of.at("version")),
             duration_text(of.at("uptime").get<std::int64_t>()),
             of.at("well").get<bool>() ? "well" : "not well");
  for (const auto& trouble : of.at("troubles")) lines.line("trouble", "{}", word(trouble));
  if (of.at("observe").get<bool>())
    lines.line("observe", "every question is answered \"no policy\"");
  lines.line("configuration", "{}, read at {}", file.empty() ? "built-in" : base::printable(file),
             word(configuration.at("loaded_at")));
  if (const auto mistake = configuration.find("mistake"); mistake != configuration.end())
    lines.line("", "the file is wrong, what was read before is in force: {}", word(*mistake));
  if (const auto& keys = configuration.at("awaits_restart"); !keys.empty())
    lines.line("", "counts from the next start on: {}", words(keys));
  for (const auto& served : of.at("endpoints"))
    lines.line("listens on", "{}: {}", word(served.at("service")), word(served.at("endpoint")));
  lines.line("policies", "{} enforce, {} testing, {} none, {} expired",
             word(policies.at("enforce")), word(policies.at("testing")), word(policies.at("none")),
             word(policies.at("expired")));
  lines.line("no policy", "{} domain(s) known", word(of.at("negatives")));
  // A daemon of an earlier version does not report it.
  if (const auto cache = of.find("cache"); cache != of.end())
    lines.line("memory", "{} of {} MiB", cache->at("bytes").get<std::uint64_t>() >> 20,
               cache->at("limit_bytes").get<std::uint64_t>() >> 20);
  lines.line("refreshes", "{} under way, {} failing", word(refresh.at("under_way")),
             word(refresh.at("failing")));
  if (const auto oldest = refresh.find("oldest_failing"); oldest != refresh.end())
    lines.line("", "{} fails since {}: {} left", word(oldest->at("domain")),
               word(oldest->at("fetched_at")), left_text(oldest->at("left")));
  lines.line("look-ups", "{} under way", word(of.at("in_flight")));
  lines.line("clients", "{} socketmap, {} policy service",
             word(of.at("connections").at("socketmap")),
             word(of.at("connections").at("policy_service")));
  write_answers(lines, answers);
  if (disk.at("ok").get<bool>()) {
    lines.line("disk", "ok, {}", word(disk.at("file")));
  } else {
    lines.line("disk", "fails since {}: {}; {} policies are not saved", word(disk.at("since")),
               word(disk.at("why")), word(disk.at("unsaved")));
  }
  if (const auto& fleet = of.at("shared_cache"); !fleet.is_null()) {
    lines.line("shared cache", "{}, {} since {}", word(fleet.at("server")),
               fleet.at("connected").get<bool>() ? "connected" : "away", word(fleet.at("since")));
    if (const auto why = fleet.find("why"); why != fleet.end()) lines.line("", "{}", word(*why));
    lines.line("", "{} adopted, {} told, {} refused, {} without a place, {} forgotten",
               word(fleet.at("adopted")), word(fleet.at("told")), word(fleet.at("refused")),
               word(fleet.at("unplaced")), word(fleet.at("forgotten")));
    if (const auto why = fleet.find("why_untold"); why != fleet.end())
      lines.line("", "{} not taken by the server: {}", word(fleet.at("untold")), word(*why));
  }
  lines.line("DNSSEC", "the resolver: {}", word(of.at("resolver").at("dnssec")));
  return lines.take();
}

std::string list_text(const json& policies) {
  constexpr std::size_t kColumns = 8;
  using Row = std::array<std::string, kColumns>;
  std::vector<Row> rows{
      {"DOMAIN", "MODE", "ID", "FETCHED", "TIME LEFT", "REFRESH IN", "FAILED", "OPERATOR"}};
  for (const auto& of : policies)
    rows.push_back({word(of.at("domain")), word(of.at("mode")), word(of.at("id")),
                    ago(of.at("age")), left_text(of.at("left")), ahead(of.at("refresh_in")),
                    word(of.at("failures")), operators_column(of.at("operator"))});
  std::array<std::size_t, kColumns> widths{};
  for (const auto& row : rows)
    for (std::size_t at = 0; at < kColumns; ++at) widths[at] = std::max(widths[at], row[at].size());
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t at = 0; at + 1 < kColumns; ++at)
      out += fmt::format("{:<{}}  ", row[at], widths[at]);
    out += row.back() + "\n";
  }
  return out;
}

std::string record_text(const json& of) {
  Lines lines(kLabels);
  const bool has_policy = of.contains("mode");
  lines.line("domain", "{}", word(of.at("domain")));
  write_operators_word(lines, of);
  if (has_policy) {
    write_policy(lines, of);
  } else {
    lines.line("policy", "none is known");
  }
  // Of a domain of which there is the operator's word alone nothing is remembered.
  if (!has_policy && !of.contains("txt")) return lines.take();
  const auto& txt = of.at("txt");
  if (!txt.at("absence").is_null())
    lines.line("TXT record", "{}{}", word(txt.at("absence")),
               txt.at("denied_by_dnssec").get<bool>() ? ", denied by DNSSEC" : "");
  lines.line("TXT check in", "{}",
             txt.at("check_in").is_null() ? "now" : ahead(txt.at("check_in")));
  if (has_policy && !of.at("confirmed_at").is_null())
    lines.line("TXT same id", "{}", word(of.at("confirmed_at")));
  if (const auto mx = of.find("mx"); mx != of.end()) write_mx(lines, *mx, has_policy);
  for (const auto& failed : of.at("failed_fetches"))
    lines.line("failed", "id {}: {} [{}]; tried again in {}", word(failed.at("id")),
               word(failed.at("why")), word(failed.at("fault")), ahead(failed.at("retry_in")));
  for (const auto& reply : of.at("replies"))
    lines.line("answer kept", "{}, {}, port {}, for {}", word(reply.at("answer")),
               word(reply.at("profile")), word(reply.at("port")), ahead(reply.at("for")));
  lines.line("last asked", "{}", word(of.at("used_at")));
  return lines.take();
}

std::string forgotten_text(const json& of) {
  const auto& policy = of.at("policy");
  if (policy.is_null())
    return fmt::format("{}: forgotten that it has no policy\n", word(of.at("domain")));
  return fmt::format("{}: forgotten its policy of mode {}, id {}, fetched {}\n",
                     word(of.at("domain")), word(policy.at("mode")), word(policy.at("id")),
                     ago(policy.at("age")));
}

std::string refreshed_text(const json& of) {
  auto out = fmt::format("{}: {}: {}\n", word(of.at("domain")), word(of.at("outcome")),
                         word(of.at("why")));
  if (const auto policy = of.find("policy"); policy != of.end())
    out += fmt::format("{}: mode {}, id {}, {} left\n", word(of.at("domain")),
                       word(policy->at("mode")), word(policy->at("id")),
                       left_text(policy->at("left")));
  return out;
}

}  // namespace tlspolicyd::tool
