#include "base/line_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/log.h"

namespace tlspolicyd::base {
namespace {

using Time = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A pipe; nobody reads it but read_all().
struct Pipe {
  Pipe() {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  void close_reader() { close(0); }
  void close_writer() { close(1); }
  void close(int end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  /// What is in it until `silence` passes without any more.
  std::string read(milliseconds silence = milliseconds{200}) {
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char room[65'536];
    auto last = Time::now();
    while (Time::now() - last < silence) {
      const auto length = ::read(ends[0], room, sizeof room);
      if (length > 0) {
        all.append(room, static_cast<std::size_t>(length));
        last = Time::now();
      } else {
        std::this_thread::sleep_for(milliseconds{1});
      }
    }
    return all;
  }
  int ends[2] = {-1, -1};
};

std::string line(std::size_t number) {
  auto text = "line " + std::to_string(number) + " ";
  return text + std::string(99 - text.size(), 'x') + "\n";
}

/// Of lines made by line(): the number of the first and of the one after the last, if they are
/// whole and without a gap.
std::optional<std::pair<std::size_t, std::size_t>> range(std::string_view text) {
  if (text.size() % 100 != 0 || text.empty()) return std::nullopt;
  const auto first = std::stoul(std::string(text.substr(5, 20)));
  for (std::size_t n = 0; n * 100 < text.size(); ++n)
    if (text.substr(n * 100, 100) != line(first + n)) return std::nullopt;
  return std::pair(first, first + text.size() / 100);
}

TEST_CASE("lines are written whole and in their order") {
  Pipe pipe;
  std::string wanted;
  {
    LineWriter writer(pipe.ends[1]);
    for (std::size_t n = 0; n < 500; ++n) {
      wanted += line(n);
      writer.write(line(n));
    }
    CHECK(writer.dropped() == 0);
  }
  CHECK(pipe.read() == wanted);
}

TEST_CASE("a reader that hangs stops nobody: what does not fit is dropped and counted") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1]);
  const auto begun = Time::now();
  for (std::size_t n = 0; n < 100'000; ++n) writer.write(line(n));
  CHECK(Time::now() - begun < milliseconds{2000});
  const auto kept = 100'000 - writer.dropped();
  // The queue, and what the pipe itself holds.
  CHECK(kept >= LineWriter::kMaxQueued / 100);
  CHECK(kept <= LineWriter::kMaxQueued / 100 + 2000);
  CHECK(writer.take_dropped() == 0);
  CHECK(range(pipe.read()) == std::pair<std::size_t, std::size_t>(0, kept));

  CHECK(writer.take_dropped() == 100'000 - kept);
  CHECK(writer.take_dropped() == 0);
  writer.write(line(100'000));
  CHECK(pipe.read() == line(100'000));
}

TEST_CASE("the log says how many lines it lost, once it is read again and in its own format") {
  Pipe pipe;
  LineWriter writer(pipe.ends[1], 100'000);
  const Log log(Severity::info, Log::Format::json, line_sink(writer, true),
                [&] { return writer.take_dropped(); });
  for (std::size_t n = 0; n < 5000; ++n) log.info("something happened", {{"number", n}});
  const auto dropped = writer.dropped();
  REQUIRE(dropped > 100);
  pipe.read();
  log.info("it goes on");
  log.info("it goes on");
  CHECK(pipe.read() ==
        "<4>{\"level\":\"warning\",\"message\":\"log lines dropped: standard error was not read\","
        "\"count\":\"" +
            std::to_string(dropped) +
            "\"}\n<6>{\"level\":\"info\",\"message\":\"it goes on\"}\n"
            "<6>{\"level\":\"info\",\"message\":\"it goes on\"}\n");
}

TEST_CASE("the end waits for what is left, but not for ever") {
  Pipe pipe;
  std::optional<LineWriter> writer(std::in_place, pipe.ends[1]);
  for (std::size_t n = 0; n < 5000; ++n) writer->write(line(n));
  SUBCASE("a slow reader") {
    std::string all;
    std::thread reader([&] {
      std::this_thread::sleep_for(milliseconds{200});
      all = pipe.read();
    });
    writer.reset();
    reader.join();
    CHECK(range(all) == std::pair<std::size_t, std::size_t>(0, 5000));
  }
  SUBCASE("no reader") {
    const auto begun = Time::now();
    writer.reset();
    const auto took = Time::now() - begun;
    CHECK(took >= LineWriter::kFlushTimeout);
    CHECK(took < LineWriter::kFlushTimeout + milliseconds{1500});
    // The thread that hangs ends with the pipe. Its end of it stays open, as standard error does.
    pipe.close_reader();
    pipe.ends[1] = -1;
    std::this_thread::sleep_for(milliseconds{50});
  }
}

TEST_CASE("a descriptor that takes nothing is no hindrance") {
  Pipe pipe;
  SUBCASE("closed") {
    pipe.close_reader();
    LineWriter writer(pipe.ends[1]);
    for (std::size_t n = 0; n < 100; ++n) writer.write(line(n));
    for (int n = 0; n < 1000 && writer.dropped() < 100; ++n)
      std::this_thread::sleep_for(milliseconds{1});
    CHECK(writer.dropped() == 100);
  }
  SUBCASE("non-blocking, as another process may make it") {
    ::fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK);
    LineWriter writer(pipe.ends[1]);
    for (std::size_t n = 0; n < 5000; ++n) writer.write(line(n));
    CHECK(range(pipe.read()) == std::pair<std::size_t, std::size_t>(0, 5000));
    CHECK(writer.dropped() == 0);
  }
}

}  // namespace
}  // namespace tlspolicyd::base
