#include "tool/daemon_process.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace tlspolicyd::tool;
using namespace std::string_view_literals;

TEST_CASE("the configuration file on a command line") {
  struct Row {
    std::string_view line;
    std::string_view path;
  };
  const Row rows[] = {
      {"tlspolicyd\0"sv, ""},
      {"tlspolicyd\0-c\0/etc/x.yaml\0"sv, "/etc/x.yaml"},
      {"tlspolicyd\0--config\0/etc/x.yaml\0"sv, "/etc/x.yaml"},
      {"tlspolicyd\0--config=/etc/x.yaml\0"sv, "/etc/x.yaml"},
      {"tlspolicyd\0-c/etc/x.yaml\0"sv, "/etc/x.yaml"},
      {"tlspolicyd\0-c\0a b\0--version\0"sv, "a b"},
      {"tlspolicyd\0-c"sv, ""},
      {"tlspolicyd\0-c\0"sv, ""},
      {""sv, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(std::string(row.path));
    CHECK(config_path_in(row.line) == row.path);
  }
}

TEST_CASE("proc(5): the limit of open files") {
  const std::string head = "Limit                     Soft Limit           Hard Limit\n";
  CHECK(files_in(head + "Max open files            1024                 524288  files\n") == 1024);
  CHECK(files_in(head) == std::nullopt);
  CHECK(files_in(head + "Max open files            unlimited") == std::nullopt);
}

TEST_CASE("another program is no daemon") {
  CHECK_FALSE(daemon_process(::getpid()));
  CHECK_FALSE(daemon_process(0));
}
