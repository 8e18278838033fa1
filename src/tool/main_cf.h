#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tool/main_cf_facts.h"
#include "tool/postfix_version.h"

/// What Postfix has to be told so that it asks the daemon: pure, from facts to lines of main.cf.
namespace tlspolicyd::tool {

struct MainCfLine {
  std::string name;
  std::string value;
  std::string why;  ///< a sentence
  std::string text() const { return name + " = " + value; }
};

/// The lines, whether they are in main.cf already or not.
struct MainCf {
  PostfixVersion version;
  std::string endpoint;  ///< of the daemon, as the lines name it
  std::vector<MainCfLine> lines;
  std::vector<std::string> remarks;   ///< what the administrator should know
  std::vector<std::string> problems;  ///< why the lines would stop or weaken mail, and the cure
};

/// Error: Fault::invalid if this Postfix cannot use the daemon at all.
base::Result<MainCf> main_cf(const MainCfFacts& facts);

}  // namespace tlspolicyd::tool
