/* Preloaded into the daemon: ends it by SIGKILL in the n-th call that changes a file below a
 * directory, or makes the disk slow. Everything is told by the environment:
 *
 *   CRASH_UNDER       the directory; only calls on files below it (and on itself) count
 *   CRASH_TRACE       a file that gets a line for each such call, and the line "killed" at the end
 *   CRASH_AT          the number of the call, from 1
 *   CRASH_MODE        `before` the call, `half`: after half of what it writes, or `after` it
 *   CRASH_SLOW_US     how long each such call takes more
 *   CRASH_CHECKPOINT  every connection checkpoints at so many frames, where SQLite's default is 1000
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* So long the daemon lives on before it dies: an answer that did not wait for the disk gets out. */
#define LAST_MOMENTS_US 20000

static const char *under, *mode = "before";
static long die_at, slow_us;
static int checkpoint, trace = -1;
static atomic_long calls;

static long number_of(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

__attribute__((constructor)) static void prepare(void) {
  under = getenv("CRASH_UNDER");
  if (getenv("CRASH_MODE")) mode = getenv("CRASH_MODE");
  die_at = number_of("CRASH_AT");
  slow_us = number_of("CRASH_SLOW_US");
  checkpoint = (int)number_of("CRASH_CHECKPOINT");
  if (getenv("CRASH_TRACE"))
    trace = open(getenv("CRASH_TRACE"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(const char *what, const char *name, size_t size) {
  char line[256];
  int length = snprintf(line, sizeof line, "%s %.200s %zu\n", what, name, size);
  if (trace >= 0) syscall(SYS_write, trace, line, (size_t)length);
}

static void die(void) {
  usleep(LAST_MOMENTS_US);
  note("killed", mode, 0);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* True if the call is to be cut short: the caller does half of it, if it can, and dies. */
static int begin(const char *what, const char *path, size_t size, int *last) {
  *last = 0;
  if (!under || strncmp(path, under, strlen(under)) != 0) return 0;
  const long number = ++calls;
  note(what, path[strlen(under)] ? path + strlen(under) + 1 : ".", size);
  if (slow_us) usleep((useconds_t)slow_us);
  if (number != die_at) return 0;
  if (strcmp(mode, "before") == 0) die();
  *last = 1;
  return strcmp(mode, "half") == 0;
}

static int begin_on(const char *what, int fd, size_t size, int *last) {
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  return begin(what, path, size, last);
}

static ssize_t write_at(const char *what, int fd, const void *bytes, size_t size, off_t at) {
  int last;
  if (begin_on(what, fd, size, &last)) size /= 2;
  const long done = at < 0 ? syscall(SYS_write, fd, bytes, size)
                           : syscall(SYS_pwrite64, fd, bytes, size, at);
  if (last) die();
  return done;
}

static int change(const char *what, int fd, long call, long argument) {
  int last;
  if (begin_on(what, fd, 0, &last)) die();
  const int done = (int)syscall(call, fd, argument);
  if (last) die();
  return done;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  return write_at("write", fd, bytes, size, -1);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  return write_at("pwrite", fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  return write_at("pwrite", fd, bytes, size, at);
}
int fsync(int fd) { return change("fsync", fd, SYS_fsync, 0); }
int fdatasync(int fd) { return change("fdatasync", fd, SYS_fdatasync, 0); }
int ftruncate(int fd, off_t size) { return change("ftruncate", fd, SYS_ftruncate, size); }
int ftruncate64(int fd, off64_t size) { return change("ftruncate", fd, SYS_ftruncate, size); }

int unlink(const char *path) {
  int last;
  if (access(path, F_OK) != 0) return -1;
  if (begin("unlink", path, 0, &last)) die();
  const int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (last) die();
  return done;
}

int sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs) {
  int (*open_v2)(const char *, sqlite3 **, int, const char *);
  *(void **)&open_v2 = dlsym(RTLD_NEXT, "sqlite3_open_v2");
  const int status = open_v2(path, db, flags, vfs);
  if (status == SQLITE_OK && checkpoint > 0) sqlite3_wal_autocheckpoint(*db, checkpoint);
  return status;
}
