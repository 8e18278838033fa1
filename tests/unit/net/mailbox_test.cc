#include "net/mailbox.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "ask.h"

using namespace tlspolicyd;
using net::Loop;
using net::Mailbox;

TEST_CASE("what other threads post is run on the loop's thread, in the order of each") {
  constexpr unsigned kThreads = 4, kLetters = 2000;
  Loop loop;
  Mailbox mailbox(loop);
  const auto loop_thread = std::this_thread::get_id();
  std::vector<std::vector<unsigned>> arrived(kThreads);
  unsigned total = 0;
  std::vector<std::thread> threads;
  for (unsigned from = 0; from < kThreads; ++from)
    threads.emplace_back([&, from] {
      for (unsigned i = 0; i < kLetters; ++i)
        mailbox.post([&, from, i] {
          // Not atomic: that this is no race is what a thread sanitizer sees here.
          if (std::this_thread::get_id() == loop_thread) arrived[from].push_back(i);
          if (++total == kThreads * kLetters) loop.stop();
        });
    });
  net::turn(loop, base::milliseconds(20'000));
  for (auto& thread : threads) thread.join();
  for (const auto& letters : arrived) {
    REQUIRE(letters.size() == kLetters);
    for (unsigned i = 0; i < kLetters; ++i) REQUIRE(letters[i] == i);
  }
}

TEST_CASE("post does not run the letter, a turn of the loop does") {
  Loop loop;
  Mailbox mailbox(loop);
  bool ran = false;
  mailbox.post([&] { ran = true; });
  CHECK_FALSE(ran);
  net::turn(loop, base::milliseconds(20));
  CHECK(ran);
}

TEST_CASE("a letter posted by a letter runs in a later turn") {
  Loop loop;
  Mailbox mailbox(loop);
  std::vector<int> order;
  mailbox.post([&] {
    mailbox.post([&] { order.push_back(3); });
    order.push_back(1);
  });
  mailbox.post([&] { order.push_back(2); });
  net::turn(loop, base::milliseconds(20));
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("a mailbox wakes a loop that sleeps") {
  Loop loop;
  Mailbox mailbox(loop);
  const auto start = std::chrono::steady_clock::now();
  std::thread thread([&] {
    std::this_thread::sleep_for(base::milliseconds(50));
    mailbox.post([&] { loop.stop(); });
  });
  net::turn(loop, base::milliseconds(20'000));
  thread.join();
  CHECK(std::chrono::steady_clock::now() - start < base::seconds(10));
}

TEST_CASE("letters that have not run are dropped with the mailbox") {
  Loop loop;
  const auto held = std::make_shared<int>(0);
  bool ran = false;
  {
    Mailbox mailbox(loop);
    mailbox.post([&ran, held] { ran = true; });
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
  net::turn(loop, base::milliseconds(20));
  CHECK_FALSE(ran);
}
