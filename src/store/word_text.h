#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/shared_cache.h"

/// How a Word is written in the shared cache; SCHEMA.md describes it for people. Pure.
namespace tlspolicyd::store {

/// The longest text that is read: the policy file of 64 KiB and its columns fit twice.
inline constexpr std::size_t kMaxWordText = 128 * 1024;

/// Error: Fault::system if the word's row would not read back as an equal one (see to_record()).
base::Result<std::string> text_of(const Word& word);

/// Read strictly: whatever text_of() does not write is an error, Fault::invalid, with a text that
/// says which field is wrong. A checksum finds damage, not forgery.
base::Result<Word> parse_word(std::string_view text);

}  // namespace tlspolicyd::store
