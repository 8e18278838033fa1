#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tlspolicyd::config {

/// A mistake in a configuration file; `line` counts from 1, 0 if there is none.
struct Mistake {
  int line = 0;
  std::string text;
};

/// Collects all mistakes of one file, in the order in which they were found.
using Mistakes = std::vector<Mistake>;

/// "FILE:LINE: TEXT", or "FILE: TEXT".
std::string text_of(const Mistake& mistake, std::string_view file);

/// One map of a configuration file. Its keys are asked for one by one; finish() then complains of
/// those that nobody asked for and of those given twice. Mistakes never throw.
class Section {
 public:
  /// `path` is the section's own key, e.g. "resolver", "" for the file itself. A node that is no
  /// map is a mistake; a null node is an empty section. `mistakes` must outlive the section.
  Section(const YAML::Node& node, std::string path, Mistakes& mistakes);

  /// Calls `read` with the value of `key` if it is there; its error becomes a mistake at its line.
  void text(std::string_view key,
            const std::function<base::Result<bool>(const std::string&)>& read);
  /// The same for a value that may hold a password: a mistake does not repeat it.
  void secret(std::string_view key,
              const std::function<base::Result<bool>(const std::string&)>& read);
  /// The same for a list of texts, each read on its own; `begin` is called first.
  void list(std::string_view key, const std::function<void()>& begin,
            const std::function<base::Result<bool>(const YAML::Node&)>& read);
  /// The same for a value of whatever kind, which `read` complains of itself.
  void value(std::string_view key, const std::function<void(const YAML::Node&)>& read);
  /// The same for a section below this one.
  void section(std::string_view key, const std::function<void(Section&)>& read);
  /// For sections whose keys are names that the operator chose. `name` says what is wrong with one;
  /// then its value is passed over. Where a name has a single value and no section below it, `word`
  /// reads it.
  void each(const std::function<base::Result<bool>(const std::string& name)>& name,
            const std::function<base::Result<bool>(const std::string&)>& word,
            const std::function<void(const std::string& name, Section&)>& read);
  void each(const std::function<void(const std::string& name, Section&)>& read);

  void finish();

  /// A mistake in the value of one of its keys; `text` follows the key's name.
  void complain_of(std::string_view key, const std::string& text);
  bool has(std::string_view key) const;
  /// Nothing is said in it.
  bool is_empty() const { return !node_.IsMap() || node_.size() == 0; }
  /// A mistake at the place of `node`.
  void complain(const YAML::Node& node, const std::string& text);
  /// The same for the value of what is called `name`.
  void complain_of_value(const YAML::Node& node, std::string_view name, std::string_view value,
                         std::string_view why);

 private:
  YAML::Node take(std::string_view key);
  std::string nearest(std::string_view unknown) const;
  std::string named(std::string_view key) const;

  YAML::Node node_;
  std::string path_;
  Mistakes& mistakes_;
  std::vector<std::string> known_;
};

}  // namespace tlspolicyd::config
