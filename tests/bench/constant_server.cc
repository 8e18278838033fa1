// The baseline: a socketmap server that knows one reply. One thread, level-triggered epoll, and no
// work but that which no server can do without: wait, read, find the end of the frame, write.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::size_t kMaxFrame = 10'100;

/// Length of the netstring at the start of `bytes`; 0 while it is incomplete, -1 if it is none.
std::ptrdiff_t frame_length(std::string_view bytes) {
  const auto colon = bytes.find(':');
  if (colon == std::string_view::npos) return bytes.size() > 9 ? -1 : 0;
  std::size_t payload = 0;
  const auto [end, mistake] = std::from_chars(bytes.data(), bytes.data() + colon, payload);
  if (mistake != std::errc{} || end != bytes.data() + colon || payload > kMaxFrame) return -1;
  const auto whole = colon + 1 + payload + 1;
  return bytes.size() < whole ? 0 : static_cast<std::ptrdiff_t>(whole);
}

class ConstantServer {
 public:
  ConstantServer(std::uint16_t port, std::string_view reply)
      : reply_(std::to_string(reply.size()) + ":" + std::string(reply) + ","),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, SOMAXCONN) != 0) {
      std::perror("constant_server");
      std::exit(1);
    }
    watch(listener_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_ ? accept_one() : serve(fd);
      }
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_one() const {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd);
  }

  void serve(int fd) {
    std::array<char, 16'384> buffer;
    const auto count = read(fd, buffer.data(), buffer.size());
    if (count <= 0) return drop(fd);
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    const auto partial = partial_.find(fd);
    if (partial == partial_.end()) return answer(fd, bytes);
    const auto joined = partial->second.append(bytes);
    partial_.erase(partial);
    answer(fd, joined);
  }

  void answer(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto length = frame_length(bytes);
      if (length < 0) return drop(fd);
      if (length == 0) {
        partial_[fd] = bytes;
        return;
      }
      if (write(fd, reply_.data(), reply_.size()) < 0) return drop(fd);
      bytes.remove_prefix(static_cast<std::size_t>(length));
    }
  }

  void drop(int fd) {
    partial_.erase(fd);
    close(fd);
  }

  std::string reply_;
  int epoll_;
  int listener_;
  std::unordered_map<int, std::string> partial_;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc == 3) {
    const std::string_view text = argv[1];
    std::from_chars(text.data(), text.data() + text.size(), port);
  }
  if (port == 0) {
    std::fputs("usage: constant_server PORT REPLY\n", stderr);
    return 64;
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  ConstantServer(port, argv[2]).run();
}
