#include "config/yaml_text.h"

#include <algorithm>
#include <string_view>

namespace tlspolicyd::config {
namespace {

namespace Raw = YAML::ErrorMsg;

constexpr std::string_view kTab = "a tab cannot indent: use blanks";
constexpr std::string_view kColumns =
    "this does not belong to what is before it: keys of one section begin in the same column";
constexpr std::string_view kColon =
    "a key cannot be here: keys of one section begin in the same column, and a value with \": \" "
    "in it needs quotes";
constexpr std::string_view kAfterValue =
    "this does not belong to what is before it: keys of one section begin in the same column, and "
    "nothing follows a value in quotes or brackets";
constexpr std::string_view kItem =
    "an item of a list (- ) begins a line, in the column of the others";
constexpr std::string_view kMark = "a value that begins with & or * needs quotes";
constexpr std::string_view kTag = "a value that begins with ! needs quotes";
constexpr std::string_view kEscape =
    "in double quotes \\ begins an escape sequence, and this is none: write \\\\, or use single "
    "quotes";
constexpr std::string_view kOpenQuote = "a value in quotes is not closed";
constexpr std::string_view kBlock =
    "nothing but the end of the line is expected after | or >; a value that begins so needs quotes";
constexpr std::string_view kDirective = "a line cannot begin with %";

/// What the parser says, by its beginning, and what is meant.
const std::pair<std::string_view, std::string_view> kWords[] = {
    {Raw::FLOW_END, "] without [, or } without {"},
    {Raw::END_OF_SEQ_FLOW, "a list that begins here or above with [ is not closed with ]"},
    {Raw::END_OF_MAP_FLOW, "what begins here or above with { is not closed with }"},
    {Raw::MAP_VALUE, kColon},
    {Raw::MAP_KEY, kColon},
    {Raw::END_OF_MAP, kAfterValue},
    {Raw::END_OF_SEQ, kItem},
    {Raw::BLOCK_ENTRY, kItem},
    {Raw::UNKNOWN_TOKEN, "a value that begins with this character needs quotes"},
    {Raw::TAB_IN_INDENTATION, kTab},
    {Raw::ALIAS_NOT_FOUND, kMark},
    {Raw::ANCHOR_NOT_FOUND, kMark},
    {Raw::CHAR_IN_ALIAS, kMark},
    {Raw::CHAR_IN_ANCHOR, kMark},
    {Raw::UNKNOWN_ANCHOR, kMark},
    {Raw::ALIAS_CONTENT, kMark},
    {Raw::MULTIPLE_ANCHORS, kMark},
    {Raw::MULTIPLE_ALIASES, kMark},
    {Raw::CHAR_IN_TAG_HANDLE, kTag},
    {Raw::TAG_WITH_NO_SUFFIX, kTag},
    {Raw::END_OF_VERBATIM_TAG, kTag},
    {Raw::MULTIPLE_TAGS, kTag},
    {Raw::INVALID_ESCAPE, kEscape},
    {Raw::INVALID_HEX, kEscape},
    {Raw::INVALID_UNICODE, kEscape},
    {Raw::EOF_IN_SCALAR, kOpenQuote},
    {Raw::DOC_IN_SCALAR, kOpenQuote},
    {Raw::CHAR_IN_SCALAR, kOpenQuote},
    {Raw::ZERO_INDENT_IN_BLOCK, kBlock},
    {Raw::CHAR_IN_BLOCK, kBlock},
    {Raw::YAML_DIRECTIVE_ARGS, kDirective},
    {Raw::YAML_VERSION, kDirective},
    {Raw::YAML_MAJOR_VERSION, kDirective},
    {Raw::REPEATED_YAML_DIRECTIVE, kDirective},
    {Raw::TAG_DIRECTIVE_ARGS, kDirective},
    {Raw::REPEATED_TAG_DIRECTIVE, kDirective},
};

/// A line of a text, which counts from 1; "" beyond its end.
std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool is_indented_by_tab(std::string_view line) {
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

std::string_view plain_words(std::string_view raw, std::string_view line) {
  if (is_indented_by_tab(line)) return kTab;
  const auto* const found =
      std::find_if(std::begin(kWords), std::end(kWords),
                   [&](const auto& words) { return raw.starts_with(words.first); });
  return found == std::end(kWords) ? "this is no YAML" : found->second;
}

bool has_separator(std::string_view text) {
  return text.starts_with("---") || text.find("\n---") != std::string_view::npos ||
         text.find("\n...") != std::string_view::npos;
}

}  // namespace

YAML::Node read_yaml(const std::string& text, Mistakes& mistakes) {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.empty()) return {};
    // What is farther to the left than the first key is taken for a document of its own.
    if (documents.size() > 1)
      mistakes.push_back({documents[1].Mark().line + 1, has_separator(text)
                                                            ? "only one document is expected (---)"
                                                            : std::string(kColumns)});
    return documents.front();
  } catch (const YAML::Exception& error) {
    const int line = error.mark.line + 1;
    mistakes.push_back({line, std::string(plain_words(error.msg, line_of(text, line)))});
    return YAML::Node(YAML::NodeType::Undefined);
  }
}

}  // namespace tlspolicyd::config
