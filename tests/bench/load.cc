// Asks a socketmap server many questions and prints, as JSON, what it said and how fast.
// SIGTERM ends it early, with its report.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "load_generator.h"

namespace {

using tlspolicyd::bench::LoadGenerator;
using tlspolicyd::bench::LoadOptions;
using tlspolicyd::bench::Peer;

volatile std::sig_atomic_t stopped = 0;

struct CommandLine {
  std::string server = "inet:127.0.0.1:8461";
  std::string keys_file;
  std::string others_file;
  double duration = 0;
  double patience = 120;
  LoadOptions load;
};

void describe(CLI::App& app, CommandLine& line) {
  auto& load = line.load;
  app.add_option("-s,--server", line.server, "inet:HOST:PORT or unix:/PATH")->capture_default_str();
  app.add_option("-m,--map", load.map, "socketmap name")->capture_default_str();
  app.add_option("-c,--connections", load.connections, "connections that ask")
      ->capture_default_str();
  app.add_option("-n,--questions", load.questions,
                 "how many to ask (default: every key once, unless --duration is given)");
  app.add_option("-d,--duration", line.duration, "ask for so many seconds instead");
  app.add_option("-r,--rate", load.rate, "questions a second in all (default: as fast as it goes)");
  app.add_flag("--reconnect", load.reconnect, "a new connection for every question");
  app.add_option("--idle", load.idle, "connections held open meanwhile that ask nothing");
  app.add_option("--patience", line.patience, "seconds without any reply until it gives up")
      ->capture_default_str();
  app.add_option("-k,--keys", line.keys_file, "file with one key per line, or -")
      ->check(CLI::ExistingFile);
  app.add_option("KEY", load.keys, "keys");
  app.add_option("--others", line.others_file,
                 "file for the keys not answered `OK secure`, with their replies");
}

/// Thousands of connections need more descriptors than a shell usually gives.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void prepare(CommandLine& line) {
  if (!line.keys_file.empty()) {
    std::ifstream file(line.keys_file);
    for (std::string key; std::getline(file, key);) line.load.keys.push_back(key);
  }
  if (line.load.keys.empty()) throw std::runtime_error("no keys");
  line.load.duration = milliseconds(line.duration);
  line.load.patience = milliseconds(line.patience);
  if (line.load.questions == 0 && line.duration <= 0) line.load.questions = line.load.keys.size();
  if (line.others_file.empty()) return;
  line.load.others = std::fopen(line.others_file.c_str(), "w");
  if (line.load.others == nullptr) throw std::runtime_error("cannot write " + line.others_file);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Asks a socketmap server many questions and reports the answers and their delays");
  CommandLine line;
  describe(app, line);
  CLI11_PARSE(app, argc, argv);
  try {
    prepare(line);
    raise_descriptor_limit();
    line.load.stop = &stopped;
    std::signal(SIGTERM, [](int) { stopped = 1; });
    LoadGenerator generator(Peer(line.server), line.load);
    generator.run();
    fmt::print("{}\n", generator.report());
    if (line.load.others != nullptr) std::fclose(line.load.others);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "load: {}\n", error.what());
    return 1;
  }
}
