#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "tool/doctor_judge.h"

namespace tlspolicyd::tool {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kPlentyOfSpace = 64 * kMiB;
constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;

std::string text_of(int trouble) { return std::generic_category().message(trouble); }

const char* const kAsRoot = "run it as root: sudo tlspolicy doctor";

class CacheJudge {
 public:
  CacheJudge(const MachineFacts& facts, Check& check) : facts_(facts), check_(check) {}

  void judge() {
    const auto& directory = facts_.cache_directory;
    if (directory.trouble == EACCES || facts_.cache.trouble == EACCES)
      return check_.skipped(facts_.cache_path + " cannot be seen by this user", kAsRoot);
    if (directory.trouble != 0 && facts_.cache_is_certain)
      return check_.failed(
          fmt::format("{}: {}: no policy can be saved", directory.path, text_of(directory.trouble)),
          "install -d -m 0700 " + owner() + shell_word(directory.path));
    if (directory.trouble != 0)
      return check_.skipped(
          fmt::format("{}: {}; a daemon that runs with another $STATE_DIRECTORY keeps its "
                      "policies elsewhere",
                      directory.path, text_of(directory.trouble)),
          "in the configuration cache: {path: FILE}, as the daemon has it");
    const auto before = failures_;
    judge_directory();
    if (facts_.cache.trouble == 0) judge_file();
    judge_space();
    if (failures_ == before) well();
  }

 private:
  std::string owner() const {
    return facts_.daemon_user ? fmt::format("-o '#{}' ", *facts_.daemon_user) : "";
  }

  void fail(const std::string& text, const std::string& mend) {
    ++failures_;
    check_.failed(text, mend);
  }

  void judge_directory() {
    const auto& directory = facts_.cache_directory;
    if ((directory.mode & kOthersMayWrite) != 0)
      fail(fmt::format("{} can be written by group or others, who could replace the policies; the "
                       "daemon does not use it",
                       directory.path),
           "chmod go-w " + shell_word(directory.path));
    if (facts_.daemon_user && directory.owner != 0 && directory.owner != *facts_.daemon_user)
      fail(fmt::format("{} belongs to user {}, the daemon runs as user {}", directory.path,
                       directory.owner, *facts_.daemon_user),
           fmt::format("chown {} {}", *facts_.daemon_user, shell_word(directory.path)));
  }

  void judge_file() {
    const auto& file = facts_.cache;
    if ((file.mode & kOthersMayWrite) != 0)
      fail(file.path + " can be written by group or others, who could change the policies",
           "chmod 0600 " + shell_word(file.path));
    const auto user = facts_.daemon_user.value_or(facts_.cache_directory.owner);
    if (file.owner != user && user != 0)
      fail(fmt::format("{} belongs to user {}, the daemon is user {}", file.path, file.owner, user),
           fmt::format("chown {} {}", user, shell_word(file.path)));
  }

  void judge_space() {
    const auto& directory = facts_.cache_directory.path;
    if (facts_.read_only) {
      fail(fmt::format("the file system of {} is read-only: no policy can be saved", directory),
           "mount -o remount,rw $(findmnt -n -o TARGET --target " + shell_word(directory) + ")");
    } else if (facts_.free_bytes < kMiB) {
      fail(fmt::format("no space is left for {}: no policy can be saved", facts_.cache_path),
           "make room: df -h " + shell_word(directory));
    } else if (facts_.free_bytes < kPlentyOfSpace) {
      ++failures_;
      check_.warning(fmt::format("{} MiB of space are left for {}", facts_.free_bytes / kMiB,
                                 facts_.cache_path),
                     "make room: df -h " + shell_word(directory));
    }
  }

  void well() {
    check_.ok(facts_.cache.trouble == 0
                  ? fmt::format("{}, mode {:04o}, {} MiB of space", facts_.cache_path,
                                facts_.cache.mode & 07777U, facts_.free_bytes / kMiB)
                  : fmt::format("{} is not there yet; {} MiB of space", facts_.cache_path,
                                facts_.free_bytes / kMiB));
  }

  const MachineFacts& facts_;
  Check& check_;
  int failures_ = 0;
};

void judge_clock(const MachineFacts& facts, Check check) {
  const auto now = fmt::gmtime(std::chrono::system_clock::to_time_t(facts.now));
  if (facts.now < facts.installed) {
    check.failed(fmt::format("{:%Y-%m-%d %H:%M} UTC is before this program was installed: "
                             "certificates and policies are judged by a wrong time",
                             now),
                 "timedatectl set-ntp true");
  } else {
    check.ok(fmt::format("{:%Y-%m-%d %H:%M} UTC", now));
  }
}

void judge_files(const MachineFacts& facts, Check check) {
  const auto have = facts.daemon_files.value_or(facts.our_files);
  const auto* whose = facts.daemon_files ? "the daemon has" : "a daemon started from here gets";
  const auto text = fmt::format("{} {}, the limits of the configuration need {}", whose, have,
                                facts.wanted_files);
  if (have >= facts.wanted_files) return check.ok(text);
  check.warning(text, fmt::format("LimitNOFILE={} in its unit, or ulimit -n {} before it starts",
                                  facts.wanted_files, facts.wanted_files));
}

}  // namespace

Findings judge_daemon(const DaemonFacts& facts) {
  Findings found;
  Check check(found, "daemon");
  for (const auto& endpoint : facts.endpoints) {
    const auto name = net::text_of(endpoint.listen);
    if (endpoint.forbidden) {
      check.skipped(name + ": this user may not connect", kAsRoot);
    } else if (!endpoint.trouble.empty()) {
      check.failed("no answer: " + endpoint.trouble, facts.start);
    } else if (endpoint.reply.starts_with("NOTFOUND")) {
      check.ok(name + " answers");
    } else {
      check.failed(fmt::format("{} answers \"{}\" where NOTFOUND is right: that is another program",
                               name, endpoint.reply.substr(0, 100)),
                   "ss -lptn, stop the other one, then " + facts.start);
    }
  }
  return found;
}

Findings judge_trust(const TrustFacts& facts) {
  Findings found;
  Check check(found, "CA certificates");
  const auto* mend = facts.by_configuration
                         ? "in the configuration https: {ca_file: FILE}, of trusted certificates "
                           "(PEM), or \"\" for the system's"
                         : "apt-get install --reinstall ca-certificates && update-ca-certificates";
  if (!facts.refused.empty()) {
    check.failed("the daemon: " + facts.refused, mend);
  } else if (facts.trouble != 0) {
    check.failed(fmt::format("the daemon: {}: {}", facts.where, text_of(facts.trouble)), mend);
  } else if (facts.certificates == 0) {
    check.failed(fmt::format("the daemon: {} has none: no policy host is trusted", facts.where),
                 mend);
  } else {
    check.ok(fmt::format("the daemon: {} in {}", facts.certificates, facts.where));
  }
  return found;
}

Findings judge_machine(const MachineFacts& facts) {
  Findings found;
  Check cache(found, "cache");
  CacheJudge(facts, cache).judge();
  judge_clock(facts, Check(found, "clock"));
  judge_files(facts, Check(found, "open files"));
  return found;
}

}  // namespace tlspolicyd::tool
