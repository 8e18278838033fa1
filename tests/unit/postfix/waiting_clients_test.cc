#include "postfix/waiting_clients.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

using namespace tlspolicyd::postfix;

namespace {

/// Stand-ins: WaitingClients looks at the address of a connection alone.
std::array<char, 64> places;
Connection& client(std::size_t n) { return reinterpret_cast<Connection&>(places[n]); }

}  // namespace

TEST_CASE("D5 who gives way: of the largest key the one that has waited longest") {
  WaitingClients waiting;
  CHECK(waiting.first_to_give_way() == nullptr);
  waiting.add(client(0), "a");
  waiting.add(client(1), "b");
  CHECK(waiting.first_to_give_way() == &client(0));
  waiting.add(client(2), "b");
  CHECK(waiting.first_to_give_way() == &client(1));
  waiting.remove(client(1));
  CHECK(waiting.first_to_give_way() == &client(0));
  waiting.remove(client(0));
  waiting.remove(client(0));
  CHECK(waiting.first_to_give_way() == &client(2));
  CHECK(waiting.size() == 1);
  waiting.remove(client(2));
  CHECK(waiting.empty());
  CHECK(waiting.first_to_give_way() == nullptr);
}

TEST_CASE("D5 who gives way, against a list of all") {
  struct Waits {
    std::size_t client;
    std::string key;
  };
  std::mt19937 random(1);
  WaitingClients waiting;
  std::vector<Waits> all;  // the longest first
  const auto size_of = [&](const std::string& key) {
    return std::count_if(all.begin(), all.end(), [&](const Waits& one) { return one.key == key; });
  };
  for (int n = 0; n < 20'000; ++n) {
    const auto which = random() % places.size();
    const auto at =
        std::find_if(all.begin(), all.end(), [&](const Waits& one) { return one.client == which; });
    if (at == all.end()) {
      all.push_back({which, std::string(1, static_cast<char>('a' + random() % 5))});
      waiting.add(client(which), all.back().key);
    } else {
      all.erase(at);
      waiting.remove(client(which));
    }
    const auto first =
        std::max_element(all.begin(), all.end(), [&](const Waits& one, const Waits& other) {
          return size_of(one.key) < size_of(other.key);
        });
    REQUIRE(waiting.first_to_give_way() == (all.empty() ? nullptr : &client(first->client)));
    REQUIRE(waiting.size() == all.size());
  }
}
