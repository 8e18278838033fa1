#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tlspolicyd::net {

/// Which files a trust store is made of, and in which state they are: equal stamps, equal stores.
class TrustStamp {
 public:
  /// Of `ca_file` as for TlsContext, "" for the system's trust store. `now` in nanoseconds since
  /// the epoch. Nothing if a file has changed so lately that another change might not show.
  static std::optional<TrustStamp> of(const std::string& ca_file, std::int64_t now);
  /// The same at this moment.
  static std::optional<TrustStamp> of(const std::string& ca_file);

  bool operator==(const TrustStamp&) const = default;

 private:
  struct File {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed = 0;  ///< st_ctim: no program can set that back
    bool operator==(const File&) const = default;
  };

  void add(const std::string& path);

  std::vector<File> files_;
};

}  // namespace tlspolicyd::net
