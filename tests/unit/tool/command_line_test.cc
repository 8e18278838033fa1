#include "tool/command_line.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

#include "tool/completion.h"

using namespace tlspolicyd::tool;
using Kind = Value::Kind;

namespace {

/// A program with one of everything.
struct Program {
  Program() {
    app.add_option("-c,--config", text, "where [it] is: the author's")->type_name("FILE");
    app.add_option("--secret", text)->group("");
    auto* ask = app.add_subcommand("ask", "Ask somebody.\nExit code: 0.");
    ask->add_option("key", words)->required();
    ask->add_option("--mode", text)->check(CLI::IsMember({"loud", "quiet"}));
    ask->add_option("--folder", text)->type_name("DIR");
    ask->add_option("--where", text)->type_name("ENDPOINT");
    ask->add_option("--number", number);
    ask->add_flag("--json", flag);
    app.add_subcommand("hidden", "Not for people.")->group("");
  }

  CLI::App app{"Does things.", "tool"};
  std::string text;
  std::vector<std::string> words;
  int number = 0;
  bool flag = false;
};

const Option& option(const Command& command, const std::string& name) {
  for (const auto& one : command.options)
    if (one.names.back() == name) return one;
  FAIL("no option " << name);
  return command.options.front();
}

}  // namespace

TEST_CASE("completion: what can be typed is read from the options themselves") {
  const Program program;
  const auto line = command_line_of(program.app);
  CHECK(line.program == "tool");
  REQUIRE(line.commands.size() == 1);
  CHECK(option(line.own, "--config").names == std::vector<std::string>{"-c", "--config"});
  CHECK(option(line.own, "--config").value.kind == Kind::file);
  CHECK(option(line.own, "--help").value.kind == Kind::none);
  CHECK(line.own.options.size() == 2);

  const auto& ask = line.commands.front();
  CHECK(ask.name == "ask");
  CHECK(ask.does == "Ask somebody");
  CHECK(ask.argument.kind == Kind::domain);
  CHECK(ask.repeats);
  CHECK(option(ask, "--mode").value.words == std::vector<std::string>{"loud", "quiet"});
  CHECK(option(ask, "--folder").value.kind == Kind::directory);
  CHECK(option(ask, "--where").value.kind == Kind::endpoint);
  CHECK(option(ask, "--number").value.kind == Kind::text);
  CHECK(option(ask, "--json").value.kind == Kind::none);
  CHECK(line.has(Kind::domain));
  CHECK(line.has(Kind::words));
}

TEST_CASE("completion: texts are quoted as each shell reads them, what is hidden stays hidden") {
  const Program program;
  struct Row {
    const char* shell;
    const char* text;
  };
  for (const auto& row :
       {Row{"zsh", "[where \\[it\\] is\\: the author'\\''s]"},
        Row{"fish", "'where [it] is: the author\\'s'"}, Row{"bash", "takes='words loud quiet'"}}) {
    CAPTURE(row.shell);
    const auto script = completion_of(program.app, row.shell);
    CHECK(script.find(row.text) != std::string::npos);
    CHECK(script.find("secret") == std::string::npos);
    CHECK(script.find("hidden") == std::string::npos);
    CHECK(script.find("NAME") == std::string::npos);
  }
  CHECK(completion_of(program.app, "ksh").empty());
}
