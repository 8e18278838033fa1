#pragma once

#include <string>

#include "config/config.h"
#include "config/read_config.h"

namespace tlspolicyd::config {

/// Where the configuration comes from: the file that the operator named, or the default one if it
/// is there, else what is built in.
class Source {
 public:
  /// `named` is the file of the command line, "" for none; `usual` the one to look for then.
  explicit Source(std::string named, std::string usual = kDefaultPath);

  /// Reads it, whatever is there at that time. A named file that is absent is a mistake, and so is
  /// the default one if it was there before: it is being replaced, or was lost.
  ReadConfig read();

  /// The file's path, whether it is there or not.
  const std::string& path() const { return path_; }
  /// The same, "" if the last read() found none.
  std::string file() const { return present_ ? path_ : std::string(); }

 private:
  bool named_;
  std::string path_;
  bool present_ = false;
};

}  // namespace tlspolicyd::config
