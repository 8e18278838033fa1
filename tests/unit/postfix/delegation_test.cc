#include "postfix/delegation.h"

#include <doctest/doctest.h>

using namespace tlspolicyd;
using namespace tlspolicyd::postfix;
using Action = DelegationRules::Action;

namespace {

std::string render(Action action, const std::string& text = "") {
  sts::StoredPolicy stored;
  stored.id = "7";
  stored.policy.mode = sts::Mode::enforce;
  stored.policy.mx = {sts::MxPattern::parse("*.a.test").value()};
  return render_delegation({action, text}, "a.test", stored, {"mx1.b.test", "mx2.b.test"});
}

const std::string kTold =
    "a.test publishes an MTA-STS policy (mode enforce, id 7) that allows mail to *.a.test only, "
    "but its mail servers are mx1.b.test and mx2.b.test\n\n";

}  // namespace

TEST_CASE("decision 22: the action is the operator's, the text says why") {
  CHECK(render(Action::dunno) == kDunno);
  CHECK(render(Action::warn) == "action=WARN " + kTold);
  CHECK(render(Action::defer) == "action=DEFER_IF_PERMIT 4.7.5 " + kTold);
  CHECK(render(Action::reject) == "action=550 5.7.5 " + kTold);
}

TEST_CASE("decision 22: so is the text, with placeholders, in one line of bounded length") {
  CHECK(render(Action::reject, "{domain}: {policy} against {mx} ({id}). Call 555.") ==
        "action=550 5.7.5 a.test: *.a.test against mx1.b.test and mx2.b.test (7). Call 555.\n\n");
  const auto longest = render(Action::warn, std::string(200, 'x') + "{mx}{mx}{mx}{mx}{mx}{mx}{mx}");
  CHECK(longest.size() <= std::string("action=WARN ").size() + 400 + 2);
}

TEST_CASE("decision 22: a text that could break the protocol is refused in the configuration") {
  for (const char* good : {"", "plain", "{domain}{id}{policy}{mx}", "50% off"})
    CHECK(parse_delegation_text(good).ok());
  for (const std::string& bad : {std::string("a\nb"), std::string("\xc3\xa4"), std::string("{mx"),
                                 std::string("{foo}"), std::string("}"), std::string(301, 'x')}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_delegation_text(bad).ok());
  }
}
