#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "net/resolv_conf.h"
#include "tool/doctor_judge.h"
#include "tool/postfix_commands.h"

namespace tlspolicyd::tool {
namespace {

/// Whether this user has the permission that `bit` is for others (S_IXOTH, S_IWOTH).
bool may(const PostfixFacts::User& user, const FileFacts& file, mode_t bit) {
  if (user.id == 0) return true;
  // The first class that applies decides, even if a later one would allow more.
  if (file.owner == user.id) return (file.mode & (bit << 6U)) != 0;
  if (std::find(user.groups.begin(), user.groups.end(), file.group) != user.groups.end())
    return (file.mode & (bit << 3U)) != 0;
  return (file.mode & bit) != 0;
}

std::string servers_of(const std::string& resolv_conf) {
  std::vector<std::string> names;
  for (const auto& server : net::parse_resolv_conf(resolv_conf).servers)
    names.push_back(server.host());
  return fmt::format("{}", fmt::join(names, ", "));
}

class SurroundingsJudge {
 public:
  SurroundingsJudge(const PostfixFacts& facts, Findings& out)
      : facts_(facts), out_(out), commands_(facts.directory) {}

  void judge() {
    if (!facts_.way_to_socket.empty()) socket();
    if (!chrooted_services(facts_.main_cf).empty()) resolver();
  }

 private:
  void socket() {
    Check check(out_, "socket");
    const auto& user = facts_.user;
    if (!user.known)
      return check.skipped(fmt::format("there is no user {}, as mail_owner has it", user.name),
                           "postconf mail_owner");
    const auto& path = facts_.way_to_socket.back().path;
    for (const auto& file : facts_.way_to_socket) {
      if (file.trouble == EACCES)
        return check.skipped(path + " cannot be seen by this user",
                             "run it as root: sudo tlspolicy doctor");
      if (file.trouble != 0)
        return check.failed(
            fmt::format("{}: {}", file.path, std::generic_category().message(file.trouble)),
            facts_.start + ", with this path in listen: of its configuration");
      const bool last = &file == &facts_.way_to_socket.back();
      if (!may(user, file, last ? S_IWOTH : S_IXOTH)) return forbidden(check, file, last);
    }
    check.ok(fmt::format("{}: user {} may connect", path, user.name));
  }

  void forbidden(Check& check, const FileFacts& file, bool last) {
    const auto mode = fmt::format("{:04o}", file.mode & 07777U);
    const auto path = shell_word(file.path);
    if (!last)
      return check.failed(fmt::format("user {} may not enter {} (mode {}): all mail is deferred",
                                      facts_.user.name, file.path, mode),
                          "chmod a+x " + path);
    check.failed(
        fmt::format("user {} may not connect to {} (mode {}): all mail is deferred; to last, it "
                    "needs {{path: {}, mode: 0660, group: {}}} in listen: of the configuration",
                    facts_.user.name, file.path, mode, file.path, facts_.user.name),
        fmt::format("chgrp {} {} && chmod 0660 {}", shell_word(facts_.user.name), path, path));
  }

  void resolver() {
    Check check(out_, "chroot");
    const auto queue = [&] {
      const auto found = facts_.main_cf.effective.find("queue_directory");
      return found == facts_.main_cf.effective.end() ? std::string() : found->second;
    }();
    const auto copy = queue + "/etc/resolv.conf";
    const auto mend = fmt::format("mkdir -p {} && cp /etc/resolv.conf {} && {}",
                                  shell_word(queue + "/etc"), shell_word(copy), commands_.reload());
    if (!facts_.resolv_conf) return;
    if (facts_.chroot_trouble == EACCES)
      return check.skipped(copy + " cannot be read by this user",
                           "run it as root: sudo tlspolicy doctor");
    if (!facts_.resolv_conf_in_chroot)
      return check.failed(
          fmt::format(
              "{}: {}: smtp(8) asks a resolver at 127.0.0.1, whatever /etc/resolv.conf says", copy,
              std::generic_category().message(facts_.chroot_trouble)),
          mend);
    const auto ours = servers_of(*facts_.resolv_conf);
    const auto theirs = servers_of(*facts_.resolv_conf_in_chroot);
    if (ours == theirs) return check.ok(fmt::format("{} names {}, too", copy, theirs));
    const auto text = fmt::format("{} names {}, /etc/resolv.conf {}", copy, theirs, ours);
    if (facts_.main_cf.uses_dane) {
      check.failed(text + ": they may disagree about DANE, and mail is deferred", mend);
    } else {
      check.warning(text, mend);
    }
  }

  const PostfixFacts& facts_;
  Findings& out_;
  const PostfixCommands commands_;
};

}  // namespace

Findings judge_surroundings(const PostfixFacts& facts) {
  Findings found;
  if (facts.unavailable.empty()) SurroundingsJudge(facts, found).judge();
  return found;
}

}  // namespace tlspolicyd::tool
