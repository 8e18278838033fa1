#pragma once

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/mailbox.h"
#include "store/sqlite_store.h"
#include "sts/policy_file.h"

namespace tlspolicyd::store {

namespace fs = std::filesystem;

/// A directory of its own, mode 0700, removed at the end.
class Scratch {
 public:
  Scratch() {
    auto name = (fs::canonical(fs::temp_directory_path()) / "store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path() const { return path_; }
  std::string file() const { return path_ + "/cache.db"; }
  /// The files whose names begin with "cache.db.unreadable-", without -wal and -shm.
  std::vector<std::string> aside() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(path_)) {
      const auto name = entry.path().filename().string();
      if (name.starts_with("cache.db.unreadable-") && !name.ends_with("-wal"))
        found.push_back(entry.path().string());
    }
    return found;
  }

 private:
  std::string path_;
};

inline base::WallTime at(std::int64_t seconds) { return base::WallTime(base::seconds(seconds)); }

/// A row with a policy read from a file; `seed` makes it differ from others.
inline Row make_row(const std::string& domain, unsigned seed = 0) {
  const auto number = std::to_string(seed);
  auto stored = std::make_shared<sts::StoredPolicy>();
  stored->policy = *sts::parse_policy("version: STSv1\nmode: enforce\nmx: mx" + number + "." +
                                      domain + "\nmx: *." + domain +
                                      "\nmax_age: " + std::to_string(86400 + seed % 1000) + "\n");
  stored->id = "id" + number;
  stored->fetched_at = at(1'700'000'000 + seed);
  stored->expires_at = at(1'700'086'400 + seed);
  return {domain,
          std::move(stored),
          {.used_at = at(1'700'000'001 + seed),
           .confirmed_at = at(1'700'000'002),
           .tried_at = at(1'700'000'003),
           .lapsed_at = at(0),
           .failures = seed}};
}

inline std::string domain_of(unsigned number) { return "d" + std::to_string(number) + ".example"; }
inline Change put(unsigned number, unsigned seed = 0) {
  const auto domain = domain_of(number);
  return {domain, make_row(domain, seed)};
}
inline Change put(Row row) { return {row.domain, std::move(row)}; }
inline Change drop(unsigned number) { return {domain_of(number), std::nullopt}; }
inline std::vector<Change> puts(unsigned from, unsigned to) {
  std::vector<Change> changes;
  for (unsigned i = from; i < to; ++i) changes.push_back(put(i, i));
  return changes;
}

inline bool same(const Row& a, const Row& b) {
  return a.domain == b.domain && *a.policy == *b.policy && a.upkeep == b.upkeep;
}

inline const Row* find(const std::vector<Row>& rows, const std::string& domain) {
  for (const auto& row : rows)
    if (row.domain == domain) return &row;
  return nullptr;
}
/// True if the rows are exactly those of puts(from, to).
inline bool are_puts(const std::vector<Row>& rows, unsigned from, unsigned to) {
  if (rows.size() != to - from) return false;
  std::map<std::string, const Row*> by_domain;
  for (const auto& row : rows) by_domain[row.domain] = &row;
  for (unsigned i = from; i < to; ++i) {
    const auto found = by_domain.find(domain_of(i));
    if (found == by_domain.end() || !same(*found->second, make_row(domain_of(i), i))) return false;
  }
  return true;
}

/// A store on a loop.
struct StoreWorld {
  explicit StoreWorld(const std::string& path) { make(path); }

  void make(const std::string& path) {
    store = std::make_unique<SqliteStore>(path, mailbox);
    opened = store->open();
    store->on_reopened([this](Contents contents) { reopened.push_back(std::move(contents)); });
  }

  /// The outcome of one write; "hung" if there is none within 20 s.
  std::optional<base::Error> write(std::vector<Change> changes) {
    std::optional<base::Error> outcome = base::Error{base::Fault::system, "hung"};
    const auto operation = store->write(std::move(changes), [&](auto result) {
      outcome = std::move(result);
      loop.stop();
    });
    turn(base::milliseconds(20'000));
    return outcome;
  }
  std::string text_of_write(std::vector<Change> changes) {
    const auto error = write(std::move(changes));
    return error ? error->text : std::string();
  }

  void turn(base::milliseconds time) {
    const auto end = loop.after(time, [this] { loop.stop(); });
    loop.run();
  }

  /// Turns until it is so, for 20 s at most; a bit longer, for what should not happen.
  void turn_until(const std::function<bool()>& is_so) {
    for (int i = 0; i < 2000 && !is_so(); ++i) turn(base::milliseconds(10));
    turn(base::milliseconds(20));
  }

  net::Loop loop;
  net::Mailbox mailbox{loop};
  Opened opened;
  std::vector<Contents> reopened;
  std::unique_ptr<SqliteStore> store;
};

/// Writes, and closes again. The text of the first failure, or "".
inline std::string fill(const std::string& path, std::vector<Change> changes) {
  StoreWorld world(path);
  if (world.opened.failure) return world.opened.failure->text;
  return world.text_of_write(std::move(changes));
}

/// What a store finds in the file.
inline Opened look(const std::string& path) {
  StoreWorld world(path);
  return std::move(world.opened);
}

/// Runs `work` in a child process; what it returns, or what became of it.
inline std::string in_child(const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const auto child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = work();
    } catch (const std::exception& error) {
      text = std::string("exception: ") + error.what();
    }
    if (::write(ends[1], text.data(), text.size()) < 0) ::_exit(3);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) text += "; child ended with status " + std::to_string(status);
  return text;
}

inline unsigned mode_of_file(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0U;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void set_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Runs SQL on a file that no store has open; true if it went well.
bool sql(const std::string& path, const std::string& statements);

}  // namespace tlspolicyd::store
