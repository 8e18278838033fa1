#include <doctest/doctest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "config/effective.h"
#include "config/read_config.h"

using namespace tlspolicyd;
using namespace tlspolicyd::config;

/// The example file, the manual page and README name the keys that there are, with the defaults
/// that they have.
namespace {

std::string file(const std::string& name) {
  std::ifstream stream(std::string(SOURCE_ROOT) + "/" + name);
  REQUIRE_MESSAGE(stream, name);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The example with its keys in force: "#key" becomes "key", "# words" stay.
std::string with_keys(const std::string& example) {
  return std::regex_replace(example, std::regex("(^|\n)( *)#(?=[a-z_]+:)"), "$1$2");
}

std::vector<Setting> without_remarks(std::vector<Setting> settings) {
  for (auto& setting : settings) setting.remark.clear();
  return settings;
}

std::string complaints(const ReadConfig& read) {
  std::string out;
  for (const auto& mistake : read.mistakes) out += text_of(mistake, "file") + "\n";
  return out;
}

}  // namespace

TEST_CASE("the example file as it stands is the defaults") {
  const auto read = read_config(file("contrib/tlspolicyd.yaml"));
  CHECK(complaints(read) == "");
  CHECK(settings_of(read.config) == settings_of(Config{}));
}

TEST_CASE("the example file has every key with its default, and no other") {
  const auto text = with_keys(file("contrib/tlspolicyd.yaml"));
  const auto read = read_config(text);
  CHECK(complaints(read) == "");
  CHECK(text_of(without_remarks(settings_of(read.config))) ==
        text_of(without_remarks(settings_of(Config{}))));
  // One that is missing would have its default, too.
  const auto written = text_of(without_remarks(settings_of(Config{})));
  std::string keys;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (std::regex_search(line, std::regex("^ *[a-z_]+:"))) keys += line + "\n";
  CHECK(keys == written);
}

TEST_CASE("each key of the example file has its words before it") {
  std::istringstream lines(file("contrib/tlspolicyd.yaml"));
  std::string before;
  const std::regex key("^( *)#[a-z_]+: .+");
  for (std::string line; std::getline(lines, line); before = line) {
    CAPTURE(line);
    if (std::regex_match(line, key)) CHECK(std::regex_search(before, std::regex("^ *# [^ ].*")));
  }
}

TEST_CASE("README's configuration names every key with its default, and no other") {
  const auto readme = file("README.md");
  const auto begin = readme.find("```yaml\n", readme.find("## Configuration"));
  REQUIRE(begin != std::string::npos);
  const auto block = readme.substr(begin + 8, readme.find("\n```", begin) - begin - 7);
  const auto read = read_config(block);
  CHECK(complaints(read) == "");
  auto ours = without_remarks(settings_of(Config{}));
  auto its = without_remarks(settings_of(read.config));
  for (auto* settings : {&ours, &its})
    for (auto& setting : *settings)
      if (setting.name() == "cache.path") setting.value = "where the state is";
  CHECK(text_of(its) == text_of(ours));
  for (const auto& setting : ours) {
    CAPTURE(setting.name());
    CHECK(std::regex_search(block, std::regex("(^|[\n{, ])" + setting.key + ":")));
  }
}

TEST_CASE("tlspolicyd.yaml(5) names every key with its default, and no other") {
  // .It Cm SECTION.KEY : Ar DEFAULT
  const auto page = file("man/tlspolicyd.yaml.5");
  std::string said;
  const std::regex item("^\\.It Cm ([a-z_.]+) : Li (.+)$");
  std::istringstream lines(page);
  std::smatch match;
  for (std::string line; std::getline(lines, line);)
    if (std::regex_match(line, match, item))
      said += match[1].str() + ": " +
              std::regex_replace(match[2].str(), std::regex(R"(\\\(dq)"), "\"") + "\n";
  std::string ours;
  for (const auto& setting : settings_of(Config{}))
    ours += setting.name() + ": " + setting.value + "\n";
  CHECK(said == ours);
}
