#include "load_generator.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

namespace tlspolicyd::bench {
namespace {

enum Kind : std::size_t { secure, dane_only, notfound, temp, other, error };
constexpr std::array kKinds = {"secure", "dane-only", "notfound", "temp", "other", "error"};

/// What epoll hands back for the timer; connections are handed back as their index.
constexpr std::uint64_t kPace = ~std::uint64_t{0};

Kind kind_of(std::string_view reply) {
  if (reply.starts_with("OK secure ")) return secure;
  if (reply == "OK dane-only") return dane_only;
  if (reply.starts_with("NOTFOUND")) return notfound;
  if (reply.starts_with("TEMP ") || reply.starts_with("TIMEOUT ")) return temp;
  return other;
}

struct Frame {
  std::string_view payload;
  bool broken = false;
};

/// The netstring that `bytes` is, or nothing while it is incomplete. Bytes after it are as wrong as
/// any other: nothing was asked that they could answer.
std::optional<Frame> read_netstring(std::string_view bytes) {
  const auto colon = bytes.find(':');
  if (colon == std::string_view::npos)
    return bytes.size() > 9 ? std::optional(Frame{{}, true}) : std::nullopt;
  std::size_t length = 0;
  const auto [end, mistake] = std::from_chars(bytes.data(), bytes.data() + colon, length);
  if (mistake != std::errc{} || end != bytes.data() + colon) return Frame{{}, true};
  const auto whole = colon + 1 + length + 1;
  if (bytes.size() < whole) return std::nullopt;
  if (bytes.size() > whole || bytes.back() != ',') return Frame{{}, true};
  return Frame{bytes.substr(colon + 1, length)};
}

timespec to_timespec(std::chrono::nanoseconds time) {
  return {.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
}

}  // namespace

LoadGenerator::LoadGenerator(const Peer& peer, LoadOptions options)
    : peer_(peer), options_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  for (const auto& key : options_.keys) {
    const auto payload = options_.map + " " + key;
    frames_.push_back(fmt::format("{}:{},", payload.size(), payload));
  }
  for (std::size_t i = 0; i < options_.idle; ++i) idle_.push_back(peer_.connect());
  connections_.resize(options_.connections);
  if (!options_.reconnect)
    for (auto& connection : connections_) open(connection);
}

LoadGenerator::~LoadGenerator() {
  for (auto& connection : connections_) close(connection);
  for (const int fd : idle_) ::close(fd);
  if (pace_ >= 0) ::close(pace_);
  ::close(epoll_);
}

void LoadGenerator::open(Connection& connection) {
  connection.fd = peer_.connect();
  connection.connecting = true;
  connection.received.clear();
  watch(connection, true);
}

void LoadGenerator::close(Connection& connection) {
  if (connection.fd >= 0) ::close(connection.fd);
  connection.fd = -1;
}

void LoadGenerator::watch(const Connection& connection, bool add) const {
  epoll_event event{};
  event.events = connection.connecting ? EPOLLOUT : EPOLLIN;
  event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
  epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection.fd, &event);
}

bool LoadGenerator::more_to_ask() const {
  if (given_up_ || (options_.stop != nullptr && *options_.stop != 0)) return false;
  if (options_.questions > 0) return asked_ < options_.questions;
  return Clock::now() - started_ < options_.duration;
}

void LoadGenerator::ask(Connection& connection, Clock::time_point due) {
  connection.key = static_cast<std::size_t>(asked_++ % frames_.size());
  connection.due = due;
  connection.waiting = true;
  if (connection.fd < 0) open(connection);
  if (!connection.connecting) send_question(connection);
}

void LoadGenerator::send_question(Connection& connection) {
  const auto& frame = frames_[connection.key];
  const auto sent = send(connection.fd, frame.data(), frame.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(frame.size())) failed(connection, "cannot send");
}

void LoadGenerator::receive(Connection& connection) {
  std::array<char, 4096> buffer;
  const auto count = recv(connection.fd, buffer.data(), buffer.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return failed(connection, "connection closed");
  connection.received.append(buffer.data(), static_cast<std::size_t>(count));
  const auto frame = read_netstring(connection.received);
  if (!frame) return;
  if (frame->broken || !connection.waiting) return failed(connection, "not a netstring");
  answered(connection, frame->payload);
}

void LoadGenerator::answered(Connection& connection, std::string_view reply) {
  last_reply_ = Clock::now();
  latencies_.add(std::chrono::nanoseconds(last_reply_ - connection.due).count());
  const auto kind = kind_of(reply);
  ++kinds_[kind];
  if (options_.others != nullptr && kind != secure)
    fmt::print(options_.others, "{}\t{}\n", options_.keys[connection.key], reply);
  connection.received.clear();
  if (options_.reconnect) close(connection);
  settle(connection);
}

void LoadGenerator::failed(Connection& connection, std::string_view why) {
  close(connection);
  if (!connection.waiting) return;
  ++kinds_[error];
  if (options_.others != nullptr)
    fmt::print(options_.others, "{}\terror: {}\n", options_.keys[connection.key], why);
  settle(connection);
}

/// The question of `connection` is over; it takes the next one.
void LoadGenerator::settle(Connection& connection) {
  connection.waiting = false;
  ++finished_;
  if (options_.rate > 0) {
    free_.push_back(&connection);
    ask_due();
  } else if (more_to_ask()) {
    ask(connection, Clock::now());
  }
}

void LoadGenerator::ask_due() {
  while (!due_.empty() && !free_.empty()) {
    auto& connection = *free_.front();
    free_.pop_front();
    const auto due = due_.front();
    due_.pop_front();
    ask(connection, due);
  }
}

void LoadGenerator::start_pacing() {
  const std::chrono::nanoseconds distance(static_cast<std::int64_t>(1e9 / options_.rate));
  pace_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  itimerspec pace{.it_interval = to_timespec(distance),
                  .it_value = to_timespec(started_.time_since_epoch())};
  timerfd_settime(pace_, TFD_TIMER_ABSTIME, &pace, nullptr);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kPace}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, pace_, &event);
  for (auto& connection : connections_) free_.push_back(&connection);
}

void LoadGenerator::run() {
  started_ = last_reply_ = Clock::now();
  if (options_.rate > 0)
    start_pacing();
  else
    for (auto& connection : connections_)
      if (more_to_ask()) ask(connection, Clock::now());
  std::array<epoll_event, 64> events;
  while (finished_ < asked_ || !due_.empty() || more_to_ask()) {
    const int count = epoll_wait(epoll_, events.data(), events.size(), 100);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      serve(event.data.u64, event.events);
    }
    if (Clock::now() - last_reply_ > options_.patience) give_up();
  }
  count_idle_open();
}

void LoadGenerator::serve(std::uint64_t id, std::uint32_t events) {
  if (id == kPace) return take_due();
  auto& connection = connections_[id];
  if (connection.fd < 0) return;
  if (connection.connecting)
    connected(connection, events);
  else
    receive(connection);
}

void LoadGenerator::connected(Connection& connection, std::uint32_t events) {
  connection.connecting = false;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return failed(connection, "cannot connect");
  watch(connection, false);
  if (connection.waiting) send_question(connection);
}

/// The timer fired: as many questions as it says became due.
void LoadGenerator::take_due() {
  std::uint64_t fired = 0;
  if (read(pace_, &fired, sizeof fired) != sizeof fired) return;
  const std::chrono::duration<double> distance(1 / options_.rate);
  for (; fired > 0; --fired) {
    if (!more_to_ask() || (options_.questions > 0 && scheduled_ >= options_.questions)) break;
    const auto at = distance * static_cast<double>(scheduled_++);
    due_.push_back(started_ + std::chrono::duration_cast<Clock::duration>(at));
  }
  ask_due();
}

void LoadGenerator::give_up() {
  given_up_ = true;
  kinds_[error] += due_.size();
  due_.clear();
  for (auto& connection : connections_)
    if (connection.waiting) failed(connection, "no reply");
}

void LoadGenerator::count_idle_open() {
  for (const int fd : idle_) {
    char byte = 0;
    if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) ++idle_open_;
  }
}

std::string LoadGenerator::report() {
  const std::chrono::duration<double> elapsed = last_reply_ - started_;
  std::string kinds;
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind)
    kinds += fmt::format("{}\"{}\": {}", kind > 0 ? ", " : "", kKinds[kind], kinds_[kind]);
  return fmt::format(
      "{{\"questions\": {}, \"answers\": {{{}}}, \"elapsed_s\": {:.3f}, \"p50_us\": {:.1f}, "
      "\"p99_us\": {:.1f}, \"p99_9_us\": {:.1f}, \"max_us\": {:.1f}, \"idle\": {}, "
      "\"idle_open\": {}}}",
      asked_, kinds, elapsed.count(), latencies_.percentile(0.5), latencies_.percentile(0.99),
      latencies_.percentile(0.999), latencies_.percentile(1), idle_.size(), idle_open_);
}

}  // namespace tlspolicyd::bench
