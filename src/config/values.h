#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

/// The values of a configuration file, read from their text as it stands in the file. YAML's own
/// ideas of numbers and booleans (010 is 8, no is false) do not apply. Errors: Fault::invalid with
/// a text that says what is expected.
namespace tlspolicyd::config {

/// "500ms", "10s", "5m", "24h", "180d": a whole number and a unit; greater than zero.
base::Result<base::milliseconds> parse_duration(std::string_view text);

/// "0%" to "50%".
base::Result<int> parse_percent(std::string_view text);

/// "512KiB", "256MiB", "2GiB": a whole number and a unit, in bytes; greater than zero.
base::Result<std::size_t> parse_size(std::string_view text);

/// An octal file mode such as "0660", at most 0777.
base::Result<std::uint32_t> parse_file_mode(std::string_view text);

/// How many single-letter changes turn one word into the other (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The one of `words` that was probably meant by `wrong`; "" if none is near enough.
std::string nearest_word(std::string_view wrong, const std::vector<std::string>& words);

}  // namespace tlspolicyd::config
