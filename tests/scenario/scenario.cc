#include "scenario.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace tlspolicyd::scenario {
namespace {

std::string without_indent(const std::string& line) {
  const auto begin = line.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : line.substr(begin);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool open = false;
  for (char c : text) {
    if (c == '"') {
      quoted = !quoted;
      open = true;
    } else if (c == ' ' && !quoted) {
      if (open) words.push_back(word);
      word.clear();
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (open) words.push_back(word);
  return words;
}

bool begins_block(const Line& line) {
  if (line.words[0] != "https" || line.words.size() < 3) return false;
  return line.words[2] == "policy" || line.words[2] == "type";
}

}  // namespace

std::vector<Scenario> read_scenarios(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  std::vector<Scenario> scenarios;
  Line* block = nullptr;
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    const auto content = without_indent(text);
    if (block) {
      if (content == "end") {
        block = nullptr;
      } else {
        block->block.push_back(content);
      }
      continue;
    }
    if (content.empty() || content[0] == '#') continue;
    Line line{.number = number, .words = split(content), .text = content, .block = {}};
    if (line.words[0] == "scenario") {
      scenarios.push_back({content.substr(std::string("scenario ").size()), {}});
      continue;
    }
    if (scenarios.empty())
      throw std::runtime_error(fmt::format("{}:{}: no scenario yet", path, number));
    scenarios.back().lines.push_back(line);
    if (begins_block(line)) block = &scenarios.back().lines.back();
  }
  if (block) throw std::runtime_error(path + ": `end` is missing");
  return scenarios;
}

}  // namespace tlspolicyd::scenario
