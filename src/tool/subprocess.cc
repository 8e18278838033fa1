#include "tool/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "net/file_descriptor.h"

namespace tlspolicyd::tool {
namespace {

using base::Error;
using base::Fault;
using base::Result;
using net::FileDescriptor;

// A user's $PATH often lacks them.
constexpr const char* kFurtherPlaces[] = {"/usr/sbin/", "/usr/local/sbin/", "/sbin/"};

struct Pipe {
  FileDescriptor reading;
  FileDescriptor writing;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error{Fault::system, fmt::format("pipe: {}", std::strerror(errno))};
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// What posix_spawn(3) does in the child before it becomes the program.
class Preparation {
 public:
  Preparation(int out, int err) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    // This program ignores SIGPIPE; the other one shall not begin like that.
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigdefault(&attributes_, &usual);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }

  /// 0 or an errno.
  int spawn(pid_t& pid, std::vector<std::string>& command) const {
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    auto trouble =
        posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environ);
    for (const auto* place : kFurtherPlaces) {
      if (trouble != ENOENT) break;
      trouble = posix_spawn(&pid, (place + command.front()).c_str(), &actions_, &attributes_,
                            arguments.data(), environ);
    }
    return trouble;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

/// A child of ours; killed at the end if it has not ended.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (ended_) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  bool has_ended() {
    if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return ended_;
  }
  /// REQUIRES: has_ended().
  int exit_code() const {
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }

 private:
  pid_t pid_;
  int status_ = 0;
  bool ended_ = false;
};

class Deadline {
 public:
  explicit Deadline(base::milliseconds patience)
      : until_(std::chrono::steady_clock::now() + patience) {}
  /// Milliseconds, 0 when it is over.
  int left() const {
    const auto left =
        std::chrono::ceil<base::milliseconds>(until_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
  }

 private:
  std::chrono::steady_clock::time_point until_;
};

/// Collects both streams until both are closed. Fault::deadline, Fault::too_large.
Result<bool> collect(const FileDescriptor& out, const FileDescriptor& err, ProgramOutput& output,
                     std::size_t most, const Deadline& deadline) {
  std::array<pollfd, 2> streams{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
  std::string* const texts[] = {&output.out, &output.err};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const auto left = deadline.left();
    if (left == 0) return Error{Fault::deadline, "took too long"};
    if (::poll(streams.data(), streams.size(), left) <= 0) continue;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      char chunk[4096];
      const auto length = ::read(streams[i].fd, chunk, sizeof chunk);
      if (length < 0 && errno == EINTR) continue;
      if (length <= 0) {
        streams[i].fd = -1;
      } else if (texts[i]->size() + static_cast<std::size_t>(length) > most) {
        return Error{Fault::too_large, "wrote more than it should"};
      } else {
        texts[i]->append(chunk, static_cast<std::size_t>(length));
      }
    }
  }
  return true;
}

}  // namespace

Result<ProgramOutput> run_program(std::vector<std::string> command, const ProgramLimits& limits) {
  const auto name = command.front();
  const auto failed = [&](Fault fault, std::string_view text) {
    return Error{fault, fmt::format("{}: {}", name, text)};
  };
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out) return failed(Fault::system, out.error().text);
  if (!err) return failed(Fault::system, err.error().text);
  pid_t pid = 0;
  const Preparation preparation(out->writing.get(), err->writing.get());
  if (const auto trouble = preparation.spawn(pid, command))
    return failed(Fault::system, trouble == ENOENT ? "not found" : std::strerror(trouble));
  Child child(pid);
  out->writing = {};
  err->writing = {};
  const Deadline deadline(limits.deadline);
  ProgramOutput output;
  const auto collected = collect(out->reading, err->reading, output, limits.bytes, deadline);
  if (!collected) return failed(collected.error().fault, collected.error().text);
  while (!child.has_ended()) {
    if (deadline.left() == 0) return failed(Fault::deadline, "took too long");
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
  output.exit_code = child.exit_code();
  return output;
}

}  // namespace tlspolicyd::tool
