#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>

#include "mounts.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

const bool kIsRoot = ::geteuid() == 0;

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Collects what went wrong in a child process, where no CHECK is counted.
class Wrong {
 public:
  void unless(bool condition, const std::string& what) {
    if (!condition) text_ += what + "\n";
  }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

bool fill_disk(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const std::string block(4096, 'x');
  while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
  file.clear();
  while (file.put('x').flush()) {
  }
  return true;
}

/// A child that is killed leaves its rows in the log.
bool leave_in_log(const std::string& file, const std::vector<Change>& changes) {
  in_child([&]() -> std::string {
    StoreWorld world(file);
    if (world.write(changes)) return "";
    ::kill(::getpid(), SIGKILL);
    return "";
  });
  return fs::exists(file + "-wal") && fs::file_size(file + "-wal") > 0;
}

std::size_t leftovers() {
  std::size_t count = 0;
  for (const char* place : {"/dev/shm", "/tmp", "/var/tmp"})
    for (const auto& entry : fs::directory_iterator(place))
      count += entry.path().filename().string().starts_with("tlspolicyd-");
  return count;
}

}  // namespace

TEST_CASE("decisions 17 a disk that fills up while it runs fails writes until there is room" *
          doctest::skip(!can_mount())) {
  Scratch scratch;
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(own_mounts().empty() && mount_small_disk(scratch.path(), "400k"), "mount");
          unsigned kept = 0;
          {
            StoreWorld world(scratch.file());
            wrong.unless(!world.opened.failure, "opened");
            std::string error;
            while (kept < 10'000 && (error = world.text_of_write(puts(kept, kept + 10))).empty())
              kept += 10;
            wrong.unless(says(error, "full") || says(error, "No space"), "says full: " + error);
            wrong.unless(says(error, scratch.file()), "names the file: " + error);
            wrong.unless(kept > 100, "kept some");
            wrong.unless(!world.text_of_write(puts(kept, kept + 10)).empty(), "still full");
            wrong.unless(resize_small_disk(scratch.path(), "10m"), "resize");
            error = world.text_of_write(puts(kept, kept + 10));
            wrong.unless(error.empty(), "healed: " + error);
            wrong.unless(world.opened.contents.losses.empty(), "no losses");
            wrong.unless(world.reopened.empty(), "stays open");
          }
          const auto opened = look(scratch.file());
          wrong.unless(opened.contents.losses.empty(), "sound");
          wrong.unless(are_puts(opened.contents.rows, 0, kept + 10), "all rows");
          return wrong.text();
        }) == "");
}

TEST_CASE("decisions 17 a disk that is full at the start loses no rows, and takes writes later" *
          doctest::skip(!can_mount())) {
  Scratch scratch;
  bool log = false;
  SUBCASE("after a clean end") {}
  SUBCASE("after a crash, with a log") { log = true; }
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(own_mounts().empty() && mount_small_disk(scratch.path(), "1m"), "mount");
          wrong.unless(log ? leave_in_log(scratch.file(), puts(0, 50))
                           : fill(scratch.file(), puts(0, 50)).empty(),
                       "written");
          fill_disk(scratch.path() + "/ballast");
          {
            StoreWorld world(scratch.file());
            wrong.unless(are_puts(world.opened.contents.rows, 0, 50), "rows are loaded");
            wrong.unless(world.opened.contents.losses.empty(), "no losses");
            // A log that is there has room for a page or more.
            if (!log) {
              wrong.unless(world.opened.failure.has_value(), "failure is told");
              wrong.unless(world.opened.failure &&
                               world.opened.failure->kind == OpenFailure::Kind::unavailable,
                           "kind");
            }
            wrong.unless(!world.text_of_write(puts(50, 1000)).empty(), "full");
            fs::remove(scratch.path() + "/ballast");
            wrong.unless(world.text_of_write(puts(50, 60)).empty(), "healed");
          }
          wrong.unless(are_puts(look(scratch.file()).contents.rows, 0, 60), "all rows");
          return wrong.text();
        }) == "");
}

TEST_CASE("decisions 17 a file that cannot be made is made at a later write" *
          doctest::skip(!can_mount())) {
  Scratch scratch;
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(own_mounts().empty() && mount_small_disk(scratch.path(), "64k"), "mount");
          fill_disk(scratch.path() + "/ballast");
          StoreWorld world(scratch.file());
          wrong.unless(world.opened.failure.has_value(), "failure");
          wrong.unless(world.opened.contents.rows.empty(), "no rows");
          wrong.unless(!world.text_of_write(puts(0, 3)).empty(), "full");
          wrong.unless(world.reopened.empty(), "not reopened");
          fs::remove(scratch.path() + "/ballast");
          wrong.unless(resize_small_disk(scratch.path(), "1m"), "resize");
          bool done = false;
          std::size_t reopened_before_done = 0;
          const auto operation = world.store->write(puts(0, 3), [&](auto error) {
            wrong.unless(!error, "healed");
            done = true;
            reopened_before_done = world.reopened.size();
            world.loop.stop();
          });
          world.turn(base::milliseconds(10'000));
          wrong.unless(done, "done");
          wrong.unless(reopened_before_done == 1, "reopened before done");
          wrong.unless(world.reopened.size() == 1 && world.reopened[0].rows.empty() &&
                           world.reopened[0].losses.empty(),
                       "reopened with what was there before");
          world.store.reset();
          wrong.unless(are_puts(look(scratch.file()).contents.rows, 0, 3), "all rows");
          return wrong.text();
        }) == "");
}

TEST_CASE(
    "decisions 17 an error of the disk fails the write, the file is opened again at the next") {
  Scratch scratch;
  CHECK(in_child([&] {
          Wrong wrong;
          std::signal(SIGXFSZ, SIG_IGN);
          StoreWorld world(scratch.file());
          wrong.unless(world.text_of_write(puts(0, 10)).empty(), "first");
          rlimit limit{};
          ::getrlimit(RLIMIT_FSIZE, &limit);
          const auto before = limit.rlim_cur;
          // In the midst of a page, and on its border.
          for (const rlim_t size : {70'000UL, 65'536UL}) {
            limit.rlim_cur = size;
            ::setrlimit(RLIMIT_FSIZE, &limit);
            const auto error = world.text_of_write(puts(10, 2000));
            wrong.unless(
                says(error, scratch.file()) && (says(error, "I/O error") || says(error, "full")),
                "error: " + error);
            limit.rlim_cur = before;
            ::setrlimit(RLIMIT_FSIZE, &limit);
            wrong.unless(world.text_of_write({put(9, 9)}).empty(), "healed");
            for (const auto& contents : world.reopened) {
              wrong.unless(are_puts(contents.rows, 0, 10), "reopened with its rows");
              wrong.unless(contents.losses.empty(), "no losses");
            }
          }
          wrong.unless(!world.reopened.empty(), "opened again");
          world.store.reset();
          wrong.unless(are_puts(look(scratch.file()).contents.rows, 0, 10), "all rows");
          return wrong.text();
        }) == "");
}

TEST_CASE("B-3 a restart on a disk that has become read-only loads every row" *
          doctest::skip(!can_mount())) {
  Scratch scratch;
  bool log = false, damaged = false;
  SUBCASE("after a clean end") {}
  SUBCASE("after a crash, with a log") { log = true; }
  SUBCASE("damaged") { damaged = true; }
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(own_mounts().empty() && mount_over_itself(scratch.path()), "mount");
          wrong.unless(fill(scratch.file(), puts(0, 30)).empty(), "written");
          if (log) wrong.unless(leave_in_log(scratch.file(), puts(30, 50)), "log");
          if (damaged) wrong.unless(sql(scratch.file(), "CREATE TABLE other(x)"), "damage");
          const unsigned rows = log ? 50 : 30;
          wrong.unless(set_read_only(scratch.path(), true), "read-only");
          const auto before = leftovers();
          StoreWorld world(scratch.file());
          wrong.unless(leftovers() == before, "copies are removed");
          wrong.unless(
              world.opened.failure && world.opened.failure->kind == OpenFailure::Kind::unavailable,
              "failure is told");
          wrong.unless(are_puts(world.opened.contents.rows, 0, rows), "rows are loaded");
          wrong.unless(world.opened.contents.losses.empty() == !damaged, "losses");
          const auto error = world.text_of_write(puts(rows, rows + 1));
          wrong.unless(says(error, "read-only"), "write says why: " + error);
          wrong.unless(world.reopened.empty(), "not reopened");
          wrong.unless(set_read_only(scratch.path(), false), "writable");
          wrong.unless(world.text_of_write(puts(rows, rows + 1)).empty(), "healed");
          wrong.unless(world.reopened.size() == 1 && are_puts(world.reopened[0].rows, 0, rows),
                       "reopened");
          world.store.reset();
          wrong.unless(are_puts(look(scratch.file()).contents.rows, 0, rows + 1), "all rows");
          return wrong.text();
        }) == "");
}

TEST_CASE("decisions 17 without any file a read-only disk is unavailable" *
          doctest::skip(!can_mount())) {
  Scratch scratch;
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(own_mounts().empty() && mount_over_itself(scratch.path()) &&
                           set_read_only(scratch.path(), true),
                       "mount");
          for (const auto& file : {scratch.file(), scratch.path() + "/below/cache.db"}) {
            const auto opened = look(file);
            wrong.unless(opened.failure && says(opened.failure->text, "Read-only file system"),
                         "failure");
            wrong.unless(opened.contents.rows.empty() && opened.contents.losses.empty(), "empty");
          }
          return wrong.text();
        }) == "");
}

TEST_CASE("B-3 a file that a user may read but not write is loaded" * doctest::skip(!kIsRoot)) {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 30)).empty());
  REQUIRE(leave_in_log(scratch.file(), puts(30, 50)));
  mode_t directory = 0700, file = 0600;
  SUBCASE("the file") { file = 0400; }
  SUBCASE("the directory") { directory = 0500; }
  SUBCASE("both") { file = 0400, directory = 0500; }
  for (const auto& path : {scratch.file(), scratch.file() + "-wal"}) {
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    REQUIRE(::chmod(path.c_str(), file) == 0);
  }
  REQUIRE(::chown(scratch.path().c_str(), 65534, 65534) == 0);
  REQUIRE(::chmod(scratch.path().c_str(), directory) == 0);
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(::setresuid(65534, 65534, 65534) == 0, "setresuid");
          StoreWorld world(scratch.file());
          wrong.unless(are_puts(world.opened.contents.rows, 0, 50), "rows are loaded");
          wrong.unless(world.opened.contents.losses.empty(), "no losses");
          // In a directory that takes no new name, a log that exists can be written all the same.
          if (file == 0400)
            wrong.unless(world.opened.failure && says(world.opened.failure->text, "read-only"),
                         "failure is told");
          ::chmod(scratch.path().c_str(), 0700);
          ::chmod(scratch.file().c_str(), 0600);
          ::chmod((scratch.file() + "-wal").c_str(), 0600);
          wrong.unless(world.text_of_write(puts(50, 51)).empty(), "healed");
          world.store.reset();
          wrong.unless(are_puts(look(scratch.file()).contents.rows, 0, 51), "all rows");
          return wrong.text();
        }) == "");
}

TEST_CASE("B-3 a user who may not even read the file is told so" * doctest::skip(!kIsRoot)) {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  REQUIRE(::chown(scratch.file().c_str(), 65534, 65534) == 0);
  REQUIRE(::chmod(scratch.file().c_str(), 0) == 0);
  REQUIRE(::chown(scratch.path().c_str(), 65534, 65534) == 0);
  CHECK(in_child([&] {
          Wrong wrong;
          wrong.unless(::setresuid(65534, 65534, 65534) == 0, "setresuid");
          StoreWorld world(scratch.file());
          wrong.unless(world.opened.failure && says(world.opened.failure->text, "unable to open"),
                       "failure is told");
          wrong.unless(world.opened.contents.losses.empty(), "nothing is set aside");
          wrong.unless(scratch.aside().empty(), "nothing is set aside");
          return wrong.text();
        }) == "");
}

TEST_CASE("decisions 17 a file that is removed at run time is begun anew") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  StoreWorld world(scratch.file());
  REQUIRE_FALSE(world.write(puts(3, 5)));
  SUBCASE("the file") { fs::remove(scratch.file()); }
  SUBCASE("the file and its log") {
    fs::remove(scratch.file());
    fs::remove(scratch.file() + "-wal");
  }
  SUBCASE("renamed") { fs::rename(scratch.file(), scratch.path() + "/elsewhere"); }
  SUBCASE("the whole directory") { fs::remove_all(scratch.path()); }
  CHECK(world.text_of_write(puts(5, 7)).empty());
  REQUIRE(world.reopened.size() == 1);
  CHECK(world.reopened[0].rows.empty());
  CHECK(world.reopened[0].losses.empty());
  CHECK(world.text_of_write(puts(7, 8)).empty());
  CHECK(world.reopened.size() == 1);
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 5, 8));
}

TEST_CASE("decisions 17 a file that is put in place of the open one is used from then on") {
  Scratch scratch, other;
  REQUIRE(fill(other.file(), puts(3, 6)).empty());
  bool with_log = false;
  SUBCASE("with its log") {
    with_log = true;
    REQUIRE(leave_in_log(other.file(), puts(6, 9)));
  }
  SUBCASE("without a log") { REQUIRE(fill(other.file(), puts(6, 9)).empty()); }
  StoreWorld world(scratch.file());
  REQUIRE_FALSE(world.write(puts(0, 3)));
  if (with_log) fs::rename(other.file() + "-wal", scratch.file() + "-wal");
  fs::rename(other.file(), scratch.file());
  CHECK(world.text_of_write(puts(9, 10)).empty());
  REQUIRE(world.reopened.size() == 1);
  CHECK(are_puts(world.reopened[0].rows, 3, 9));
  CHECK(world.reopened[0].losses.empty());
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 3, 10));
}
