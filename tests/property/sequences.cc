#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string_view>

#include "event.h"
#include "player.h"

/// Random sequences of events on the real service: see README.md.
namespace {

using namespace tlspolicyd::property;
using Events = std::vector<Event>;

/// Mixes the seed of a sequence out of the run's and its number.
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t number) {
  auto mixed = seed * 0x9E3779B97F4A7C15u + number;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  return mixed ^ (mixed >> 27);
}

/// Leaves out what the failure does not need: halves, quarters, ..., single events.
Events shrink(Events events) {
  int tries = 1000;
  for (auto size = events.size() / 2; size > 0; size /= 2) {
    for (std::size_t at = 0; at < events.size() && tries > 0;) {
      auto fewer = events;
      const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(size, fewer.size() - at)));
      --tries;
      if (!fewer.empty() && Player().play(fewer)) {
        events = std::move(fewer);
      } else {
        at += size;
      }
    }
  }
  return events;
}

void report(std::uint64_t seed, std::uint64_t number, const Events& events) {
  const auto fewer = shrink(events);
  std::string transcript;
  const auto verdict = Player(&transcript).play(fewer);
  fmt::print("FAILED sequence {} of seed {}, shrunk to {} events:\n{}  => {}\n", number, seed,
             fewer.size(), transcript, verdict.value_or("(nothing, when played again)"));
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::runtime_error(fmt::format("not a number: {}", text));
  return value;
}

/// Plays the sequences asked for. True if all went well.
bool run(std::map<std::string_view, std::uint64_t>& options) {
  const auto seed = options["--seed"];
  std::uint64_t played = 0;
  std::uint64_t events = 0;
  for (auto number = options["--first"]; played < options["--sequences"]; ++number, ++played) {
    const auto sequence = draw(seed_of(seed, number), options["--events"]);
    events += sequence.size();
    if (!Player().play(sequence)) continue;
    report(seed, number, sequence);
    return false;
  }
  fmt::print("sequences: {} from {} of seed {}, {} events\n", played, options["--first"], seed,
             events);
  return true;
}

}  // namespace

/// sequences [--seed N] [--first N] [--sequences N] [--events N]
int main(int argc, char** argv) {
  std::map<std::string_view, std::uint64_t> options{
      {"--seed", 1}, {"--first", 0}, {"--sequences", 10'000}, {"--events", 200}};
  try {
    for (int at = 1; at < argc; at += 2) {
      const auto option = options.find(argv[at]);
      if (option == options.end() || at + 1 == argc)
        throw std::runtime_error(fmt::format("what is {}?", argv[at]));
      option->second = number_in(argv[at + 1]);
    }
    const bool well = run(options);
    fmt::print("{} passed, {} failed\n", well ? 1 : 0, well ? 0 : 1);
    return well ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "sequences: {}\n", error.what());
    return 64;
  }
}
