#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/number.h"
#include "base/result.h"
#include "config/values.h"
#include "config/words.h"

/// Readers of single values of a configuration file, to be given to Section::text().
namespace tlspolicyd::config {

/// Stores the value that a text means, or says what is wrong with it.
using Reader = std::function<base::Result<bool>(const std::string&)>;

/// What `parse` makes of the text; all slots must outlive their readers.
template <class T, class Parse>
Reader into(T& slot, Parse parse) {
  return [&slot, parse](const std::string& text) -> base::Result<bool> {
    auto value = parse(text);
    if (!value) return value.error();
    slot = static_cast<T>(*value);
    return true;
  };
}

template <class T>
Reader duration(T& slot) {
  return into(slot, parse_duration);
}

/// A duration of whole seconds from `least` to `most`.
inline Reader duration(base::seconds& slot, base::seconds least, base::seconds most) {
  return [&slot, least, most](const std::string& text) -> base::Result<bool> {
    const auto value = parse_duration(text);
    if (!value) return value.error();
    const auto whole = std::chrono::floor<base::seconds>(*value);
    if (whole != *value || whole < least || whole > most)
      return base::Error{base::Fault::invalid,
                         fmt::format("from {} to {} s is expected", least.count(), most.count())};
    slot = whole;
    return true;
  };
}

template <class T>
Reader number(T& slot, std::uint64_t least, std::uint64_t most) {
  return into(slot, [=](const std::string& text) { return base::parse_number(text, least, most); });
}

/// A size of at least `least` MiB.
inline Reader size(std::size_t& slot, std::size_t least) {
  return [&slot, least](const std::string& text) -> base::Result<bool> {
    const auto value = parse_size(text);
    if (!value) return value.error();
    if (*value < least << 20)
      return base::Error{base::Fault::invalid, fmt::format("expected at least {}MiB", least)};
    slot = *value;
    return true;
  };
}

/// One of the words.
template <class T>
Reader choice(T& slot, const Words<T>& words) {
  return [&slot, words](const std::string& text) -> base::Result<bool> {
    std::vector<std::string> names;
    for (const auto& [word, value] : words) {
      if (text == word) {
        slot = value;
        return true;
      }
      names.push_back(word);
    }
    return base::Error{base::Fault::invalid,
                       fmt::format("one of {} is expected", fmt::join(names, ", "))};
  };
}

inline Reader boolean(bool& slot) { return choice(slot, kBoolean); }

}  // namespace tlspolicyd::config
