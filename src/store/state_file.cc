#include "store/state_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <utility>

#include "net/file_descriptor.h"
#include "store/state_directory.h"

namespace tlspolicyd::store {
namespace {

constexpr mode_t kMode = 0600;
constexpr std::string_view kFile, kLog = "-wal", kJournal = "-journal", kSharedMemory = "-shm";

base::Error failed(std::string_view what, const std::string& path) {
  const int number = errno;
  return {base::Fault::system,
          fmt::format("{} {}: {}", what, path, std::generic_category().message(number))};
}

std::string with(const std::string& path, std::string_view suffix) {
  return path + std::string(suffix);
}

bool exists(const std::string& path) { return identity_of(path).has_value(); }

/// Why the file cannot be one that we made; empty if it can.
std::string strangeness(const struct stat& status) {
  if (S_ISLNK(status.st_mode)) return "is a symbolic link";
  if (!S_ISREG(status.st_mode)) return "is no regular file";
  if (status.st_uid != ::geteuid())
    return fmt::format("belongs to user {} and not to user {}, as whom this program runs",
                       status.st_uid, ::geteuid());
  if (status.st_nlink > 1) return "has another name (hard link)";
  return {};
}

std::optional<base::Error> create(const std::string& path) {
  const net::FileDescriptor fd(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
  // The mode again: the umask may have taken bits away.
  if (!fd || ::fchmod(fd.get(), kMode) != 0 || ::fsync(fd.get()) != 0)
    return failed("cannot create", path);
  sync_directory_of(path);
  return std::nullopt;
}

}  // namespace

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

std::optional<base::Error> StateFile::prepare(std::vector<std::string>& losses) {
  auto path = path_in_safe_directory(given_path_);
  if (!path) return path.error();
  path_ = std::move(*path);
  remove_draft();
  if (exists(new_path())) {
    auto old = put_new_in_place();
    if (!old) return old.error();
    losses.push_back(fmt::format(
        "the cache file {0} had been found damaged, and its replacement was interrupted; it is "
        "finished now: what could be read is in the new file, the old one is beside it as "
        "{0}.unreadable-*; check the disk",
        path_));
  }
  for (const auto suffix : {kFile, kLog, kJournal})
    if (auto error = check(suffix, losses)) return error;
  struct stat status {};
  const bool is_there = ::lstat(path_.c_str(), &status) == 0;
  // SQLite would take the log of a file that is gone for that of the new one.
  if ((!is_there || status.st_size == 0) && exists(log_path())) {
    auto aside = set_aside({kLog});
    if (!aside) return aside.error();
    losses.push_back(
        fmt::format("the cache file {} is gone, and only its log was left; it was put to {}-wal "
                    "and a new cache "
                    "begun; find out who removed the file, put a copy back if you have one",
                    path_, *aside));
  }
  if (is_there) return std::nullopt;
  return create(path_);
}

std::optional<base::Error> StateFile::check(std::string_view suffix,
                                            std::vector<std::string>& losses) {
  const auto path = with(path_, suffix);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed("cannot look at", path);
  }
  if (const auto why = strangeness(status); !why.empty()) {
    auto aside = suffix == kFile ? set_aside() : set_aside({suffix});
    if (!aside) return aside.error();
    losses.push_back(fmt::format(
        "{} {}: it was not read but put to {}{}, and a new one begun; find out who put it there",
        path, why, *aside, suffix));
    return std::nullopt;
  }
  // Nobody else can write in the directory: the name still is the file that was looked at.
  if ((status.st_mode & 0077U) != 0 && ::chmod(path.c_str(), kMode) != 0 && errno != EROFS)
    return failed("cannot change the mode of", path);
  return std::nullopt;
}

void StateFile::remove_log() { ::unlink(log_path().c_str()); }

base::Result<std::string> StateFile::set_aside() {
  return set_aside({kFile, kLog, kJournal, kSharedMemory});
}

base::Result<std::string> StateFile::set_aside(const std::vector<std::string_view>& suffixes) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto stem = fmt::format("{}.unreadable-{:%Y%m%dT%H%M%SZ}", path_,
                                fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  const auto is_taken = [&](const std::string& name) {
    const auto all = {kFile, kLog, kJournal, kSharedMemory};
    return std::any_of(all.begin(), all.end(),
                       [&](std::string_view suffix) { return exists(with(name, suffix)); });
  };
  auto name = stem;
  for (unsigned count = 2; is_taken(name); ++count) name = fmt::format("{}.{}", stem, count);
  for (const auto suffix : suffixes) {
    const auto from = with(path_, suffix);
    if (std::rename(from.c_str(), with(name, suffix).c_str()) != 0 && errno != ENOENT)
      return failed("cannot set aside", from);
  }
  sync_directory_of(path_);
  return name;
}

base::Result<std::string> StateFile::begin_replacement() {
  remove_draft();
  if (auto error = create(draft_path())) return *error;
  return draft_path();
}

base::Result<std::string> StateFile::finish_replacement() {
  // This rename decides: before it the old file counts, after it the new one.
  if (std::rename(draft_path().c_str(), new_path().c_str()) != 0)
    return failed("cannot rename", draft_path());
  sync_directory_of(path_);
  return put_new_in_place();
}

base::Result<std::string> StateFile::put_new_in_place() {
  auto old = set_aside();
  if (!old) return old;
  if (std::rename(new_path().c_str(), path_.c_str()) != 0)
    return failed("cannot rename", new_path());
  sync_directory_of(path_);
  return old;
}

void StateFile::remove_draft() {
  for (const auto suffix : {kFile, kLog, kJournal, kSharedMemory})
    ::unlink(with(draft_path(), suffix).c_str());
}

}  // namespace tlspolicyd::store
