#include "base/keyed_hash.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <random>

namespace tlspolicyd::base {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

/// At most eight octets, the first one lowest, on every machine.
std::uint64_t word_of(std::string_view octets) {
  std::uint64_t word = 0;
  std::memcpy(&word, octets.data(), octets.size());
  return std::endian::native == std::endian::big ? __builtin_bswap64(word) : word;
}

}  // namespace

KeyedHash::Key KeyedHash::random_key() {
  std::random_device random;
  const auto word = [&random] { return std::uint64_t{random()} << 32 | random(); };
  return {word(), word()};
}

std::uint64_t KeyedHash::operator()(std::string_view text) const {
  State state{key_.low ^ 0x736f6d6570736575, key_.high ^ 0x646f72616e646f6d,
              key_.low ^ 0x6c7967656e657261, key_.high ^ 0x7465646279746573};
  auto rest = text;
  for (; rest.size() >= 8; rest.remove_prefix(8)) state.take(word_of(rest.substr(0, 8)));
  state.take(word_of(rest) | std::uint64_t{text.size()} << 56);
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace tlspolicyd::base
