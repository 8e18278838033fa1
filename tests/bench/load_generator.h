#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "latencies.h"
#include "peer.h"

namespace tlspolicyd::bench {

struct LoadOptions {
  std::string map = "postfix";
  std::vector<std::string> keys;  ///< asked in this order, from the start again when used up
  std::size_t connections = 50;
  std::uint64_t questions = 0;  ///< how many to ask; 0: until `duration` is over
  std::chrono::milliseconds duration{0};
  std::chrono::milliseconds patience{120'000};  ///< without any reply for this long it gives up
  double rate = 0;         ///< questions a second in all; 0: as fast as replies come
  bool reconnect = false;  ///< every question on a connection of its own
  std::size_t idle = 0;    ///< connections that are held open and ask nothing
  const volatile std::sig_atomic_t* stop = nullptr;  ///< once not zero, no more are asked
  std::FILE* others = nullptr;  ///< gets "KEY\tREPLY\n" of what was not `OK secure`
};

/// Asks a socketmap server and measures how long each reply takes.
///
/// Without a rate each connection has one question in flight and asks the next when the reply is
/// there (closed loop, as Postfix does). With a rate questions become due at even distances,
/// whether or not earlier ones were answered, and a delay counts from the moment when the question
/// was due: a stalled server is seen in all questions that it kept waiting.
class LoadGenerator {
 public:
  /// Throws std::system_error when the server cannot be reached.
  LoadGenerator(const Peer& peer, LoadOptions options);
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

  void run();

  /// What was found, as one JSON object.
  std::string report();

 private:
  using Clock = std::chrono::steady_clock;

  struct Connection {
    int fd = -1;
    bool connecting = false;
    bool waiting = false;     ///< a question is in flight
    std::size_t key = 0;      ///< of the question in flight
    Clock::time_point due{};  ///< when that question was to be asked
    std::string received{};
  };

  void open(Connection& connection);
  void close(Connection& connection);
  void watch(const Connection& connection, bool add) const;
  void ask(Connection& connection, Clock::time_point due);
  void send_question(Connection& connection);
  void receive(Connection& connection);
  void answered(Connection& connection, std::string_view reply);
  void failed(Connection& connection, std::string_view why);
  void settle(Connection& connection);
  void ask_due();
  void start_pacing();
  bool more_to_ask() const;
  void serve(std::uint64_t id, std::uint32_t events);
  void connected(Connection& connection, std::uint32_t events);
  void take_due();
  void give_up();
  void count_idle_open();

  Peer peer_;
  LoadOptions options_;
  int epoll_ = -1;
  int pace_ = -1;  ///< timerfd that fires when a question becomes due, with a rate only
  std::vector<std::string> frames_;  ///< one netstring per key
  std::vector<Connection> connections_;
  std::deque<Connection*> free_;       ///< with a rate: connections without a question
  std::deque<Clock::time_point> due_;  ///< with a rate: questions waiting for a connection
  std::vector<int> idle_;
  std::size_t idle_open_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t scheduled_ = 0;
  std::uint64_t finished_ = 0;
  std::array<std::uint64_t, 6> kinds_{};  ///< how many replies of each kind
  bool given_up_ = false;
  Latencies latencies_;
  Clock::time_point started_{};
  Clock::time_point last_reply_{};
};

}  // namespace tlspolicyd::bench
