#include "store/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "base/deleter.h"
#include "net/file_descriptor.h"

namespace tlspolicyd::store {
namespace {

namespace fs = std::filesystem;

base::Error failed(std::string_view what, const fs::path& path) {
  const int number = errno;
  return {base::Fault::system,
          fmt::format("{} {}: {}", what, path.string(), std::generic_category().message(number))};
}

base::Error refused(const std::string& directory, std::string_view why) {
  return {base::Fault::system, fmt::format("the directory {} {}", directory, why)};
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

std::optional<base::Error> make_directory(const fs::path& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0) {
    if (errno == EEXIST) return std::nullopt;
    if (errno != ENOENT || !directory.has_relative_path())
      return failed("cannot make the directory", directory);
    if (auto error = make_directory(directory_of(directory))) return error;
    if (::mkdir(directory.c_str(), 0700) != 0)
      return failed("cannot make the directory", directory);
  }
  // Whatever the umask took away.
  ::chmod(directory.c_str(), 0700);
  sync_directory_of(directory.string());
  return std::nullopt;
}

}  // namespace

base::Result<std::string> path_in_safe_directory(const std::string& path) {
  const fs::path given(path);
  const auto name = given.filename();
  if (name.empty() || name == "." || name == "..")
    return base::Error{base::Fault::system, fmt::format("\"{}\" names no file", path)};
  const auto parent = directory_of(given);
  struct stat status {};
  if (::stat(parent.c_str(), &status) != 0)
    if (auto error = make_directory(parent)) return *error;
  const std::unique_ptr<char, base::Deleter<std::free>> real(::realpath(parent.c_str(), nullptr));
  if (!real) return failed("cannot use the directory", parent);
  const std::string directory(real.get());
  if (::stat(directory.c_str(), &status) != 0) return failed("cannot use the directory", directory);
  if (!S_ISDIR(status.st_mode)) return refused(directory, "is none");
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return refused(directory,
                   fmt::format("belongs to user {}, who could replace the cache; give it "
                               "to user {}",
                               status.st_uid, ::geteuid()));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused(directory, fmt::format("can be written by group or others (mode {:04o}), who "
                                          "could replace the cache; chmod go-w it",
                                          status.st_mode & 07777U));
  return (fs::path(directory) / name).string();
}

void sync_directory_of(const std::string& path) {
  const auto directory = directory_of(path);
  const net::FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

}  // namespace tlspolicyd::store
