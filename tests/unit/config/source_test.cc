#include "config/source.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace tlspolicyd::config;
namespace fs = std::filesystem;

namespace {

struct File {
  fs::path path = fs::temp_directory_path() / ("tlspolicyd-source-" + std::to_string(getpid()));
  void write(const std::string& text) const { std::ofstream(path) << text; }
  void remove() const { fs::remove(path); }
  ~File() { fs::remove_all(path); }
};

std::string complaints(Source& source) {
  std::string out;
  for (const auto& mistake : source.read().mistakes) out += mistake.text + "\n";
  return out;
}

}  // namespace

TEST_CASE("a named file must be there, each time") {
  const File file;
  Source source(file.path.string());
  CHECK(complaints(source) == "cannot be read: No such file or directory\n");
  file.write("observe: true\n");
  CHECK(source.read().config.observe);
  CHECK(source.file() == file.path.string());
  file.remove();
  CHECK(complaints(source) == "cannot be read: No such file or directory\n");
}

TEST_CASE("the default file may be absent, and appear; then it must stay") {
  const File file;
  Source source({}, file.path.string());
  CHECK(complaints(source) == "");
  CHECK(source.file() == "");
  file.write("observe: true\n");
  CHECK(source.read().config.observe);
  CHECK(source.file() == file.path.string());
  file.remove();
  CHECK(complaints(source) == "cannot be read: No such file or directory\n");
}

TEST_CASE("an empty file is the defaults, a directory is none") {
  const File file;
  file.write("");
  Source source(file.path.string());
  CHECK(complaints(source) == "");
  file.remove();
  fs::create_directory(file.path);
  CHECK(complaints(source) == "cannot be read: Is a directory\n");
}
