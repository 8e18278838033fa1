#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tlspolicyd::net {

/// A DNS message as it came.
using WireMessage = std::span<const std::uint8_t>;

/// The header (RFC 1035 4.1.1).
constexpr std::size_t kDnsHeaderSize = 12;

/// Where one resource record lies in a message (RFC 1035 4.1.3): its frame, not its meaning.
struct RecordFrame {
  enum class Section : std::uint8_t { answer, authority, additional };

  Section section = Section::answer;
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  std::uint32_t ttl = 0;
  std::size_t owner = 0;  ///< offset of the owner's name
  std::size_t rdata = 0;  ///< offset of the data
  std::uint16_t rdlength = 0;
};

/// Longest name on the wire, its lengths and the root included (RFC 1035 2.3.4). Octets.
constexpr std::size_t kMaxWireName = 255;

/// The offset behind the name at `at`; nothing unless the whole name is sound: labels inside the
/// message, at most kMaxWireName octets of them, and compression pointers that only lead backwards,
/// at most 127 of them (RFC 1035 4.1.4). So reading a name takes at most 255 steps.
std::optional<std::size_t> end_of_name(WireMessage message, std::size_t at);

/// The name at `at` in canonical wire form: lower case, uncompressed (RFC 4034 6.2). Names of this
/// form are equal exactly when their octets are. Nothing if it is not sound.
std::optional<std::string> canonical_name_at(WireMessage message, std::size_t at);

/// Whether records as many as the header claims could stand behind offset `first`.
/// REQUIRES: a whole header, `first` inside the message.
bool has_plausible_counts(WireMessage message, std::size_t first);

/// Frames of all records from offset `first` on, by the counts of the header. Nothing if a frame
/// does not fit into the message. REQUIRES: as above.
std::optional<std::vector<RecordFrame>> split_records(WireMessage message, std::size_t first);

}  // namespace tlspolicyd::net
