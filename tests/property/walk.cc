#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "life.h"

/// Every sequence of steps up to a depth on the pure core: see README.md.
namespace {

using namespace tlspolicyd::property;

class Walk {
 public:
  Walk(std::string_view name, const Alphabet& alphabet) : name_(name), steps_(alphabet.steps()) {
    DomainLife begin(alphabet.sets_clock);
    seen_.insert(std::hash<std::string>{}(begin.key()));
    trace_.push_back({0, 0});
    frontier_.push_back({std::move(begin), 0});
  }

  /// All sequences of `depth` steps; those that came to where another one has been go on no more.
  /// False if something was wrong; then it has been said.
  bool go(int depth) {
    for (int level = 1; level <= depth; ++level) {
      const bool last = level == depth;
      std::vector<Place> next;
      for (const auto& place : frontier_)
        for (std::size_t step = 0; step < steps_.size(); ++step)
          if (!take(place, step, last ? nullptr : &next)) return false;
      frontier_ = std::move(next);
    }
    fmt::print("walk {}: depth {}, {} kinds of steps, {} states, {} transitions\n", name_, depth,
               steps_.size(), seen_.size(), transitions_);
    return true;
  }

 private:
  struct Place {
    DomainLife life;
    std::uint32_t number;  ///< in trace_
  };
  struct Came {
    std::uint32_t from;
    std::uint32_t by;
  };

  bool take(const Place& place, std::size_t step, std::vector<Place>* next) {
    if (!place.life.may_differ(steps_[step])) return true;
    auto life = place.life;
    if (life.take(steps_[step]) == DomainLife::Outcome::same_as_another) return true;
    ++transitions_;
    if (!life.wrong().empty()) {
      tell(place.number, step, life.wrong());
      return false;
    }
    if (!seen_.insert(std::hash<std::string>{}(life.key())).second || !next) return true;
    trace_.push_back({place.number, static_cast<std::uint32_t>(step)});
    next->push_back({std::move(life), static_cast<std::uint32_t>(trace_.size() - 1)});
    return true;
  }

  void tell(std::uint32_t from, std::size_t step, const std::string& wrong) const {
    std::vector<std::size_t> path{step};
    for (auto at = from; at != 0; at = trace_[at].from) path.push_back(trace_[at].by);
    fmt::print("FAILED walk {}:\n", name_);
    for (auto at = path.rbegin(); at != path.rend(); ++at) fmt::print("  {}\n", steps_[*at].text());
    fmt::print("  => {}\n", wrong);
  }

  std::string_view name_;
  std::vector<Step> steps_;
  std::unordered_set<std::size_t> seen_;
  std::vector<Came> trace_;
  std::vector<Place> frontier_;
  std::uint64_t transitions_ = 0;
};

constexpr Moment kDay = 86'400;

/// All that may happen; not so deep.
Alphabet all_that_happens() {
  using enum Step::Txt;
  using Fetch = Step::Fetch;
  return {{id_a, id_b, none, denied, several, error, own_trouble},
          {Fetch::fail, Fetch::own_trouble, Fetch::enforce, Fetch::brief, Fetch::testing,
           Fetch::none, Fetch::zero},
          {30, 61, 301, kDay + 8'000, 8 * kDay, 31 * kDay},
          true};
}

/// With a right clock and the outcomes that matter most; deep.
Alphabet right_clock() {
  using enum Step::Txt;
  using Fetch = Step::Fetch;
  return {{id_a, id_b, denied, error},
          {Fetch::fail, Fetch::enforce, Fetch::none},
          {61, 301, kDay + 8'000, 8 * kDay},
          false};
}

}  // namespace

int main(int argc, char** argv) {
  // walk [LESS]: by so much less deep.
  const int less = argc > 1 ? std::stoi(argv[1]) : 0;
  int passed = 0;
  if (Walk("of all that happens", all_that_happens()).go(6 - less)) ++passed;
  if (Walk("with a right clock", right_clock()).go(9 - less)) ++passed;
  fmt::print("{} passed, {} failed\n", passed, 2 - passed);
  return passed == 2 ? 0 : 1;
}
