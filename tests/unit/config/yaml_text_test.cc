#include "config/yaml_text.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace tlspolicyd::config;

namespace {

/// "LINE: TEXT" of the only mistake, "" if there is none.
std::string complaint(const std::string& text) {
  Mistakes mistakes;
  const auto root = read_yaml(text, mistakes);
  if (mistakes.empty()) {
    CHECK(root.IsDefined());
    return {};
  }
  CHECK(mistakes.size() == 1);
  return std::to_string(mistakes.front().line) + ": " + mistakes.front().text;
}

}  // namespace

TEST_CASE("what is no YAML is told at its line, in words for people") {
  struct Row {
    const char* text;
    const char* begins;
  };
  const Row rows[] = {
      {"a: [b, c\nd: 1\n", "2: a list that begins here or above with [ is not closed"},
      {"a: {b: 1\n", "2: what begins here or above with { is not closed with }"},
      {"a: [b]]\n", "1: ] without [, or } without {"},
      {"a: [b}\n", "1: ] without [, or } without {"},
      {"a:\n\tb: 1\n", "2: a tab cannot indent"},
      {"a:\n  b: 1\n\tc: 1\n", "3: a tab cannot indent"},
      {"a: 1\n b: 2\n", "2: a key cannot be here"},
      {"a: b: c\n", "1: a key cannot be here"},
      {"a 1\nb: 2\n", "2: a key cannot be here"},
      {"a:\n  b: 1\n c: 2\n", "3: this does not belong to what is before it"},
      {"a: \"x\" y\n", "1: this does not belong to what is before it"},
      {"  a: 1\nb: 2\n", "2: this does not belong to what is before it"},
      {"- a\nb: 1\n", "2: this does not belong to what is before it"},
      {"a: 1\n---\nb: 1\n", "3: only one document is expected (---)"},
      {"a: - b\n", "1: an item of a list (- ) begins a line"},
      {"- - a\n -b: 1\n", "2: an item of a list (- ) begins a line"},
      {"a: @x\n", "1: a value that begins with this character needs quotes"},
      {"a: *x\n", "1: a value that begins with & or * needs quotes"},
      {"a: & x\n", "1: a value that begins with & or * needs quotes"},
      {"a: !<x\n", "1: a value that begins with ! needs quotes"},
      {"a: \"\\q\"\n", "1: in double quotes \\ begins an escape sequence"},
      {"a: \"\\xZZ\"\n", "1: in double quotes \\ begins an escape sequence"},
      {"a: \"b\n---\n", "2: a value in quotes is not closed"},
      {"a: |x\n", "1: nothing but the end of the line is expected after | or >"},
      {"%YAML 9.1\n---\na: 1\n", "1: a line cannot begin with %"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto found = complaint(row.text);
    CHECK(found.substr(0, std::string_view(row.begins).size()) == row.begins);
  }
}

TEST_CASE("YAML, or nothing at all") {
  for (const char* text : {"", "# nothing\n", "a: 1\n", "---\na: 1\n", "a: [b, {c: 1}]\n"}) {
    CAPTURE(text);
    CHECK(complaint(text).empty());
  }
}
