#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <regex>

#include "admin/metrics.h"
#include "bench.h"
#include "exposition_reader.h"
#include "promql.h"

/// contrib/prometheus and contrib/grafana use the names that the daemon has.
using namespace tlspolicyd;
using namespace tlspolicyd::admin;

namespace {

/// Labels that Prometheus gives to every series.
const std::set<std::string> kTargetLabels{"job", "instance"};

Scrape emitted() {
  Bench bench;
  return read_scrape(metrics_text(bench.sources, {}));
}

std::set<std::string> labels_of(const Scrape::Family& family) {
  auto labels = kTargetLabels;
  for (const auto& sample : family.samples)
    for (const auto& [label, value] : sample.labels) labels.insert(label);
  return labels;
}

bool has_value(const Scrape::Family& family, const std::string& label, const std::string& value) {
  for (const auto& sample : family.samples)
    if (const auto found = sample.labels.find(label);
        found != sample.labels.end() && found->second == value)
      return true;
  return false;
}

std::string mistake_in(const PromQl::Matcher& matcher, const Scrape::Family& family) {
  if (kTargetLabels.contains(matcher.label)) return "";
  std::istringstream values(matcher.value);
  const bool pattern = matcher.op.ends_with("~");
  for (std::string value; std::getline(values, value, pattern ? '|' : '\n');)
    if (!has_value(family, matcher.label, value))
      return matcher.label + "=\"" + value + "\" is never emitted";
  return "";
}

std::string mistake_in(const PromQl::Selector& selector, const Scrape& scrape) {
  if (selector.metric == "up") return "";
  const auto* family = scrape.family_of(selector.metric);
  if (!family) return selector.metric + " is not emitted";
  if (family->type == "histogram" && scrape.families.contains(selector.metric))
    return selector.metric + " has no samples of that name";
  const bool grows = family->type != "gauge";
  const bool of_growth = selector.function == "rate" || selector.function == "increase";
  if (grows && !of_growth)
    return selector.metric + ": its growth, and not its value, says something";
  if (of_growth != !selector.range.empty() || of_growth != grows)
    return selector.metric + ": function, range and type do not fit together";
  for (const auto& matcher : selector.matchers)
    if (auto mistake = mistake_in(matcher, *family); !mistake.empty()) return mistake;
  return "";
}

/// What is wrong with an expression, "" if nothing; `shown` are labels that a text about its result
/// names.
std::string mistake_in(const std::string& expression, const Scrape& scrape,
                       const std::set<std::string>& shown = {}) {
  const auto query = read_promql(expression);
  if (!query.mistake.empty()) return query.mistake;
  if (query.selectors.empty()) return "selects nothing";
  std::set<std::string> labels = kTargetLabels;
  for (const auto& selector : query.selectors) {
    if (auto mistake = mistake_in(selector, scrape); !mistake.empty()) return mistake;
    if (const auto* family = scrape.family_of(selector.metric)) labels.merge(labels_of(*family));
  }
  for (const auto& label : query.grouping)
    if (!labels.contains(label)) return "no label " + label;
  const bool aggregated =
      std::regex_search(expression, std::regex("\\b(sum|max|min|avg|count)\\b"));
  for (const auto& label : shown)
    if (!(aggregated ? query.grouping : labels).contains(label))
      return "the result has no label " + label;
  return "";
}

/// The labels in {{label}} or {{ $labels.label }}.
std::set<std::string> labels_shown(const std::string& text) {
  static const std::regex kShown("\\{\\{\\s*(\\$labels\\.)?([a-z_]+)\\s*\\}\\}");
  std::set<std::string> labels;
  for (std::sregex_iterator at(text.begin(), text.end(), kShown), end; at != end; ++at)
    labels.insert((*at)[2]);
  return labels;
}

}  // namespace

TEST_CASE("every alert uses names, labels and values that are emitted, and says what to do") {
  const auto scrape = emitted();
  const auto file = YAML::LoadFile(CONTRIB "/prometheus/tlspolicyd.rules.yml");
  std::set<std::string> names;
  for (const auto& group : file["groups"])
    for (const auto& rule : group["rules"]) {
      const auto name = rule["alert"].as<std::string>();
      CAPTURE(name);
      CHECK(names.insert(name).second);
      CHECK(std::regex_match(name, std::regex("Tlspolicyd[A-Z][A-Za-z]+")));
      const auto summary = rule["annotations"]["summary"].as<std::string>();
      CHECK(mistake_in(rule["expr"].as<std::string>(), scrape, labels_shown(summary)) == "");
      CHECK(rule["annotations"]["action"].as<std::string>().size() > 40);
      const auto severity = rule["labels"]["severity"].as<std::string>();
      CHECK((severity == "critical" || severity == "warning"));
      if (rule["for"])
        CHECK(std::regex_match(rule["for"].as<std::string>(), std::regex("[0-9]+[smh]")));
      for (const auto& key : rule)
        CHECK(std::set<std::string>{"alert", "expr", "for", "labels", "annotations"}.contains(
            key.first.as<std::string>()));
    }
  CHECK(names.size() > 8);
}

TEST_CASE("every panel uses names, labels and values that are emitted") {
  const auto scrape = emitted();
  std::ifstream file(CONTRIB "/grafana/tlspolicyd.json");
  const auto board = nlohmann::json::parse(file);
  std::set<int> ids;
  int queries = 0;
  for (const auto& panel : board["panels"]) {
    const auto title = panel["title"].get<std::string>();
    CAPTURE(title);
    CHECK(ids.insert(panel["id"].get<int>()).second);
    CHECK(!panel["description"].get<std::string>().empty());
    for (const auto& target : panel["targets"]) {
      ++queries;
      const auto shown = labels_shown(target["legendFormat"].get<std::string>());
      CHECK(mistake_in(target["expr"].get<std::string>(), scrape, shown) == "");
    }
  }
  CHECK(queries > 20);
}

TEST_CASE("the dashboard's variables are labels of something that is emitted") {
  const auto scrape = emitted();
  std::ifstream file(CONTRIB "/grafana/tlspolicyd.json");
  const auto board = nlohmann::json::parse(file);
  static const std::regex kQuery("label_values\\((.*), ([a-z]+)\\)");
  int variables = 0;
  for (const auto& variable : board["templating"]["list"]) {
    if (variable["type"] != "query") continue;
    ++variables;
    const auto query = variable["query"].get<std::string>();
    CAPTURE(query);
    std::smatch parts;
    REQUIRE(std::regex_match(query, parts, kQuery));
    CHECK(mistake_in(parts[1], scrape) == "");
    CHECK(kTargetLabels.contains(parts[2]));
    CHECK(variable["name"] == parts[2].str());
  }
  CHECK(variables == 2);
}

TEST_CASE("what is not emitted, or no PromQL, is seen") {
  const auto scrape = emitted();
  for (const std::string expression :
       {"tlspolicyd_nothing > 0",                                  // no such name
        "rate(tlspolicyd_answers_total{answer=\"tmp\"}[5m]) > 0",  // no such value
        "rate(tlspolicyd_answers_total{what=\"temp\"}[5m]) > 0",   // no such label
        "increase(tlspolicyd_temporary_answers_total{cause=~\"mx|dns\"}[5m])",
        "sum by (mode) (rate(tlspolicyd_answers_total[5m]))",  // no such label
        "tlspolicyd_answers_total > 5",                        // a counter's value
        "rate(tlspolicyd_policies[5m])",                       // a gauge's growth
        "rate(tlspolicyd_answers_total)",                      // no range
        "rate(tlspolicyd_live_answer_duration_seconds[5m])",   // a histogram by itself
        "tlspolicyd_disk_failing ==", "(tlspolicyd_disk_failing == 1", "1 == 1",
        "tlspolicyd_disk_failing == 1)", "rat(tlspolicyd_answers_total[5m])",
        "tlspolicyd_policies{mode=enforce}", "tlspolicyd_policies{mode=\"enforce\"",
        "rate(tlspolicyd_answers_total[5 minutes])", "tlspolicyd_disk_failing $ 1"}) {
    CAPTURE(expression);
    CHECK(mistake_in(expression, scrape) != "");
  }
  CHECK(mistake_in("tlspolicyd_policies", scrape, {"mode"}) == "");
  CHECK(mistake_in("tlspolicyd_policies", scrape, {"answer"}) != "");
  CHECK(mistake_in("sum(tlspolicyd_policies)", scrape, {"mode"}) != "");
}
