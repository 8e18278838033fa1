#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <fstream>
#include <string>

#include "store_world.h"

namespace tlspolicyd::store {

/// In a child process only: from now on it has its own mounts, and may make some. What is wrong, or
/// "". Works without root where the kernel grants user namespaces.
inline std::string own_mounts() {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (user != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return "no user namespace";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  } else if (::unshare(CLONE_NEWNS) != 0) {
    return "no mount namespace";
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "mounts are shared";
  return {};
}

inline bool mount_small_disk(const std::string& path, const std::string& size) {
  const auto options = "mode=0700,size=" + size;
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) == 0;
}
inline bool resize_small_disk(const std::string& path, const std::string& size) {
  const auto options = "size=" + size;
  return ::mount("tmpfs", path.c_str(), "tmpfs", MS_REMOUNT, options.c_str()) == 0;
}

inline bool mount_over_itself(const std::string& path) {
  return ::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) == 0;
}
inline bool set_read_only(const std::string& path, bool read_only) {
  unsigned long flags = MS_REMOUNT | MS_BIND;
  if (read_only) flags |= MS_RDONLY;
  return ::mount(nullptr, path.c_str(), nullptr, flags, nullptr) == 0;
}

inline bool can_mount() {
  static const bool can = in_child([] {
                            Scratch scratch;
                            auto why = own_mounts();
                            if (why.empty() && !mount_small_disk(scratch.path(), "64k"))
                              why = "no tmpfs";
                            if (why.empty() && !std::ofstream(scratch.file()).put('x').flush())
                              why = "no file";
                            ::umount(scratch.path().c_str());
                            return why;
                          }).empty();
  return can;
}

}  // namespace tlspolicyd::store
