#include "tool/daemon_process.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/number.h"

namespace tlspolicyd::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProgram = "tlspolicyd";
// The kernel shows no more of a command line either, unless it is asked again.
constexpr std::size_t kMaxText = 65'536;

std::string text_in(const fs::path& file) {
  std::ifstream stream(file);
  std::string text(kMaxText, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace

std::optional<DaemonProcess> daemon_process(pid_t pid) {
  const auto directory = fs::path("/proc") / fmt::format("{}", pid);
  if (text_in(directory / "comm") != std::string(kProgram) + "\n") return std::nullopt;
  DaemonProcess process;
  process.pid = pid;
  struct stat status {};
  if (::stat(directory.c_str(), &status) == 0) process.user = status.st_uid;
  process.files = files_in(text_in(directory / "limits"));
  process.config_path = config_path_in(text_in(directory / "cmdline"));
  std::error_code error;
  const auto where = fs::read_symlink(directory / "cwd", error);
  if (!process.config_path.empty() && !error)
    process.config_path = (where / process.config_path).lexically_normal().string();
  return process;
}

std::optional<DaemonProcess> find_daemon_process() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored))
    if (const auto pid = base::parse_number(entry.path().filename().string(), 1, INT32_MAX))
      if (auto process = daemon_process(static_cast<pid_t>(*pid))) return process;
  return std::nullopt;
}

std::string config_path_in(std::string_view command_line) {
  std::string path;
  bool comes = false;
  while (!command_line.empty()) {
    const auto word = command_line.substr(0, command_line.find('\0'));
    command_line.remove_prefix(std::min(word.size() + 1, command_line.size()));
    if (comes) path = word;
    comes = word == "-c" || word == "--config";
    if (word.starts_with("--config=")) {
      path = word.substr(word.find('=') + 1);
    } else if (word.starts_with("-c") && word.size() > 2) {
      path = word.substr(2);
    }
  }
  return path;
}

std::optional<std::size_t> files_in(const std::string& limits) {
  const std::string_view name = "Max open files";
  const auto at = limits.find(name);
  if (at == std::string::npos) return std::nullopt;
  const char* const number = limits.c_str() + at + name.size();
  char* end = nullptr;
  const auto value = std::strtoull(number, &end, 10);
  return end == number ? std::nullopt : std::optional<std::size_t>(value);
}

}  // namespace tlspolicyd::tool
