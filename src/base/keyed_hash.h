#pragma once

#include <cstdint>
#include <string_view>

namespace tlspolicyd::base {

/// SipHash-2-4 under a secret key: who does not know the key cannot choose texts whose hashes
/// collide. For hash tables and shares whose keys come from the network.
class KeyedHash {
 public:
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
  };

  explicit KeyedHash(Key key) : key_(key) {}

  /// A key from the system's random numbers.
  static Key random_key();

  std::uint64_t operator()(std::string_view text) const;

 private:
  Key key_;
};

}  // namespace tlspolicyd::base
