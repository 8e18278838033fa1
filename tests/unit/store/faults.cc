#include "faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace faults {

std::atomic<unsigned> syncs{0};
std::atomic<ino_t> watched{0};
std::atomic<unsigned> watched_syncs{0};
std::atomic<unsigned> failing_syncs{0};
std::atomic<unsigned> die_at{0};

namespace {

void count_down() {
  if (die_at.load() > 0 && --die_at == 0) ::kill(::getpid(), SIGKILL);
}

int sync_with(long call, int fd) {
  count_down();
  if (failing_syncs.load() > 0) {
    --failing_syncs;
    errno = EIO;
    return -1;
  }
  ++syncs;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && status.st_ino == watched) ++watched_syncs;
  return static_cast<int>(::syscall(call, fd));
}

}  // namespace
}  // namespace faults

extern "C" int fdatasync(int fd) { return faults::sync_with(SYS_fdatasync, fd); }
extern "C" int fsync(int fd) { return faults::sync_with(SYS_fsync, fd); }
extern "C" int rename(const char* from, const char* to) noexcept {
  faults::count_down();
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0U));
}
