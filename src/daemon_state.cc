#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/registered_domain.h"
#include "config/derived.h"
#include "daemon.h"
#include "net/file_descriptor.h"
#include "net/socket_holder.h"
#include "store/set_aside.h"

namespace tlspolicyd {
namespace {

std::string directory_of(const std::string& file) {
  return std::filesystem::path(file).parent_path().string();
}

std::string own_name() {
  const auto* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : fmt::format("'#{}'", ::geteuid());
}

/// What to do where the directory of the file is not there or cannot be written, "" where it can.
std::string cure(const std::string& file) {
  const auto directory = directory_of(file);
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return {};
  return fmt::format(
      "as root: install -d -o {} -m 0700 {}; or another place by cache: {{path: FILE}} or "
      "$STATE_DIRECTORY",
      own_name(), directory);
}

std::string with_cure(const std::string& failure, const std::string& file) {
  const auto what = cure(file);
  return what.empty() ? failure : failure + "; " + what;
}

/// Which process has the file locked, as SQLite does it: by a range that begins here, of which a
/// part is always taken (sqlite.org/lockingv3.html). REQUIRES: this process has it not open.
std::optional<pid_t> holder_of(const std::string& file) {
  constexpr off_t kLockBegin = 0x40000000;
  constexpr off_t kLockLength = 512;
  const net::FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLockBegin;
  lock.l_len = kLockLength;
  if (!opened || ::fcntl(opened.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK ||
      lock.l_pid <= 0)
    return std::nullopt;
  return lock.l_pid;
}

std::string in_use(const std::string& file) {
  const auto holder = holder_of(file);
  return fmt::format(
      "the cache file {} is in use by {}: stop that one, or give this one a file of "
      "its own by cache: {{path: FILE}} or $STATE_DIRECTORY",
      file, holder ? net::process_text(*holder) : "another process");
}

}  // namespace

/// Throws std::runtime_error if the daemon must not run with what is there.
void Daemon::load_policies() {
  const auto path = config::cache_path(config_);
  // A loss of an earlier start counts until somebody has looked at it: a supervisor tries again.
  const auto lost = store::set_aside_beside(path);
  if (config_.cache.require && !lost.empty())
    throw std::runtime_error("cache.require: " + lost.back() +
                             " was set aside: put a copy of it back, or remove it");
  if (!lost.empty())
    log_.warning("unreadable cache files present",
                 {{"files", lost.size()},
                  {"newest", lost.back()},
                  {"hint", "check the disk; remove them once they are of no use"}});
  auto opened = store_.open();
  const auto& failure = opened.failure;
  if (failure && failure->kind == store::OpenFailure::Kind::in_use)
    throw std::runtime_error(in_use(path));
  if (failure && config_.cache.require) throw std::runtime_error(with_cure(failure->text, path));
  if (config_.cache.require && !opened.contents.losses.empty())
    throw std::runtime_error("cache.require: " + opened.contents.losses.front());
  log_.info("policies loaded", {{"file", path}, {"policies", opened.contents.rows.size()}});
  keeper_.take_up(std::move(opened.contents));
  // An ordinary policy takes almost 1 KiB.
  if (config_.cache.policies > book_.limit_of(service::Book::Part::policies) / 1024)
    log_.warning("cache.memory too small for cache.policies",
                 {{"policies", config_.cache.policies},
                  {"memory_bytes", config_.cache.memory},
                  {"hint", "set cache.memory to 2 KiB for each policy"}});
  if (!base::has_public_suffix_list())
    log_.warning("public suffix list missing: the quota of a registered domain does not bind",
                 {{"hint", "install a libpsl that was built with a list"}});
  if (failure) keeper_.begin_failing(with_cure(failure->text, path));
  look_at_state_directory(directory_of(path));
}

/// Which is never waited for (decisions.md 24).
void Daemon::join_fleet() {
  const auto& server = config_.cache.shared;
  fleet_.set_server(server ? server->text() : "");
  shared_cache_.set_server(server);
  struct stat status {};
  const auto file = configuration_file();
  if (server && !server->password.empty() && ::stat(file.c_str(), &status) == 0 &&
      (status.st_mode & S_IROTH) != 0)
    log_.warning("everybody may read the password of cache.shared, and with it set policies",
                 {{"file", file}, {"hint", "chgrp tlspolicyd, chmod 0640"}});
}

/// Others cannot change what is in it, or it would have been refused, nor read the file; but what
/// else an operator puts there, a copy of it say, is for everybody to see.
void Daemon::look_at_state_directory(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0 || status.st_uid != ::geteuid() ||
      (status.st_mode & S_IRWXO) == 0)
    return;
  log_.warning("everybody may look into the state directory",
               {{"directory", directory},
                {"mode", fmt::format("{:04o}", status.st_mode & 07777U)},
                {"hint", "one of its own, mode 0700; systemd: StateDirectoryMode=0700"}});
}

}  // namespace tlspolicyd
