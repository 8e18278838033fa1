// Values of the shared cache, which anybody who can reach it may have written: what reads as a word
// is written back as the same text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/word_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tlspolicyd;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto word = store::parse_word(text);
  if (!word) return 0;
  const auto written = store::text_of(*word);
  if (!written || *written != text) std::abort();
  return 0;
}
