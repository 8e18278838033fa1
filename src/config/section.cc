#include "config/section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/log.h"
#include "config/values.h"

namespace tlspolicyd::config {
std::string text_of(const Mistake& mistake, std::string_view file) {
  if (mistake.line == 0) return fmt::format("{}: {}", file, mistake.text);
  return fmt::format("{}:{}: {}", file, mistake.line, mistake.text);
}

Section::Section(const YAML::Node& node, std::string path, Mistakes& mistakes)
    : node_(node), path_(std::move(path)), mistakes_(mistakes) {
  if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) {
    complain(node_, path_.empty() ? "the file must be a map of keys"
                                  : fmt::format("{}: keys are expected below it", path_));
    node_ = YAML::Node();
  }
}

void Section::complain(const YAML::Node& node, const std::string& text) {
  mistakes_.push_back({node.Mark().line + 1, base::printable(text)});
}

void Section::complain_of_value(const YAML::Node& node, std::string_view name,
                                std::string_view value, std::string_view why) {
  complain(node, fmt::format("{}: \"{}\": {}", name, value, why));
}

bool Section::has(std::string_view key) const {
  return node_.IsMap() && std::any_of(node_.begin(), node_.end(), [&](const auto& pair) {
           return pair.first.IsScalar() && pair.first.Scalar() == key;
         });
}

void Section::complain_of(std::string_view key, const std::string& text) {
  const auto whole = fmt::format("{}: {}", named(key), text);
  for (const auto& pair : node_)
    if (pair.first.IsScalar() && pair.first.Scalar() == key)
      // Where nothing stands, nothing has a line.
      return complain(pair.second.IsNull() ? pair.first : pair.second, whole);
  complain(node_, whole);
}

std::string Section::named(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

YAML::Node Section::take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  if (node_.IsMap())
    for (const auto& pair : node_)
      if (pair.first.IsScalar() && pair.first.Scalar() == key) return pair.second;
  return YAML::Node(YAML::NodeType::Undefined);
}

void Section::text(std::string_view key,
                   const std::function<base::Result<bool>(const std::string&)>& read) {
  const auto node = take(key);
  if (!node.IsDefined()) return;
  if (!node.IsScalar()) {
    complain(node, fmt::format("{}: a single value is expected", named(key)));
    return;
  }
  if (const auto result = read(node.Scalar()); !result)
    complain_of_value(node, named(key), node.Scalar(), result.error().text);
}

void Section::secret(std::string_view key,
                     const std::function<base::Result<bool>(const std::string&)>& read) {
  const auto node = take(key);
  if (!node.IsDefined()) return;
  const base::Error no_scalar{base::Fault::invalid, "a single value is expected"};
  const auto result = node.IsScalar() ? read(node.Scalar()) : base::Result<bool>(no_scalar);
  if (!result) complain(node, fmt::format("{}: {}", named(key), result.error().text));
}

void Section::list(std::string_view key, const std::function<void()>& begin,
                   const std::function<base::Result<bool>(const YAML::Node&)>& read) {
  const auto node = take(key);
  if (!node.IsDefined()) return;
  begin();
  if (!node.IsSequence()) {
    complain(node, fmt::format("{}: a list is expected, such as [a, b]", named(key)));
    return;
  }
  for (const auto& item : node)
    if (const auto result = read(item); !result)
      complain(item, fmt::format("{}: {}", named(key), result.error().text));
}

void Section::value(std::string_view key, const std::function<void(const YAML::Node&)>& read) {
  if (const auto node = take(key); node.IsDefined()) read(node);
}

void Section::section(std::string_view key, const std::function<void(Section&)>& read) {
  const auto node = take(key);
  if (!node.IsDefined()) return;
  Section below(node, named(key), mistakes_);
  read(below);
  below.finish();
}

void Section::each(const std::function<void(const std::string&, Section&)>& read) {
  each({}, {}, read);
}

void Section::each(const std::function<base::Result<bool>(const std::string&)>& name,
                   const std::function<base::Result<bool>(const std::string&)>& word,
                   const std::function<void(const std::string&, Section&)>& read) {
  if (!node_.IsMap()) return;
  for (const auto& pair : node_) {
    if (!pair.first.IsScalar()) continue;
    const auto& key = pair.first.Scalar();
    known_.push_back(key);
    if (name) {
      if (const auto result = name(key); !result) {
        complain(pair.first, fmt::format("{}: {}", named(key), result.error().text));
        continue;
      }
    }
    if (word && pair.second.IsScalar()) {
      if (const auto result = word(pair.second.Scalar()); !result)
        complain_of_value(pair.second, named(key), pair.second.Scalar(), result.error().text);
      continue;
    }
    Section below(pair.second, named(key), mistakes_);
    read(key, below);
    below.finish();
  }
}

void Section::finish() {
  if (!node_.IsMap()) return;
  std::vector<std::string> seen;
  for (const auto& pair : node_) {
    if (!pair.first.IsScalar()) {
      complain(pair.first, path_.empty() ? "a key must be a word"
                                         : fmt::format("{}: a key must be a word", path_));
      continue;
    }
    const auto& key = pair.first.Scalar();
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      complain(pair.first, fmt::format("{}: given twice", named(key)));
    } else if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      complain(pair.first, fmt::format("{}: unknown key{}", named(key), nearest(key)));
    }
    seen.push_back(key);
  }
}

std::string Section::nearest(std::string_view unknown) const {
  const auto best = nearest_word(unknown, known_);
  return best.empty() ? fmt::format("; known here: {}", fmt::join(known_, ", "))
                      : fmt::format("; did you mean {}?", best);
}

}  // namespace tlspolicyd::config
