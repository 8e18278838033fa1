#include "tool/subprocess.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::tool;
using base::Fault;

namespace {

base::Result<ProgramOutput> shell(const char* script, const ProgramLimits& limits = {}) {
  return run_program({"sh", "-c", script}, limits);
}

}  // namespace

TEST_CASE("a program's streams are kept apart, its exit code is told") {
  const auto done = shell("echo out; echo err >&2; exit 3");
  REQUIRE(done.ok());
  CHECK(done->out == "out\n");
  CHECK(done->err == "err\n");
  CHECK(done->exit_code == 3);
  CHECK(shell("kill -TERM $$")->exit_code == 128 + 15);
}

TEST_CASE("arguments arrive as they are: no shell reads them") {
  const auto done = run_program({"printf", "%s|", "a b", "$HOME", "`id`; *", ""});
  REQUIRE(done.ok());
  CHECK(done->out == "a b|$HOME|`id`; *||");
}

TEST_CASE("a program has nothing to read") { CHECK(shell("cat")->out == ""); }

TEST_CASE("output as long as the limit is taken whole, a byte more is refused") {
  const ProgramLimits limits{.bytes = 100'000};
  const auto whole = shell("head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2", limits);
  REQUIRE(whole.ok());
  CHECK(whole->out.size() == 100'000);
  CHECK(whole->err.size() == 100'000);
  const auto more = shell("head -c 100001 /dev/zero", limits);
  REQUIRE_FALSE(more.ok());
  CHECK(more.error().fault == Fault::too_large);
  CHECK(shell("while :; do echo endless >&2; done", limits).error().fault == Fault::too_large);
}

TEST_CASE("a program that does not end is ended") {
  const ProgramLimits limits{.deadline = base::milliseconds(50)};
  CHECK(shell("exec sleep 600", limits).error().fault == Fault::deadline);
  CHECK(shell("exec sleep 600 >&- 2>&-", limits).error().fault == Fault::deadline);
}

TEST_CASE("a program that is not there") {
  const auto none = run_program({"tlspolicyd-no-such-program"});
  REQUIRE_FALSE(none.ok());
  CHECK(none.error() == base::Error{Fault::system, "tlspolicyd-no-such-program: not found"});
}
