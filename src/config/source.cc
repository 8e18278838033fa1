#include "config/source.h"

#include <filesystem>
#include <utility>

namespace tlspolicyd::config {

Source::Source(std::string named, std::string usual)
    : named_(!named.empty()), path_(named_ ? std::move(named) : std::move(usual)) {}

ReadConfig Source::read() {
  std::error_code error;
  const bool nobody_there = !std::filesystem::exists(path_, error) && !error;
  if (nobody_there && !named_ && !present_) return {};  // what is built in
  auto read = read_config_file(path_);
  present_ = present_ || read.mistakes.empty();
  return read;
}

}  // namespace tlspolicyd::config
