#include "store/state_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <set>

#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

const bool kIsRoot = ::geteuid() == 0;

/// Sets the umask for as long as it lives.
struct Umask {
  explicit Umask(mode_t mask) : before(::umask(mask)) {}
  ~Umask() { ::umask(before); }
  mode_t before;
};

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Opens what must be set aside: one loss, that names both paths; an empty store that works.
void check_set_aside(const Scratch& scratch, const std::string& why) {
  {
    StoreWorld world(scratch.file());
    CHECK_FALSE(world.opened.failure.has_value());
    CHECK(world.opened.contents.rows.empty());
    REQUIRE(world.opened.contents.losses.size() == 1);
    const auto& loss = world.opened.contents.losses[0];
    CHECK(says(loss, scratch.file() + " "));
    CHECK(says(loss, why));
    REQUIRE(scratch.aside().size() == 1);
    CHECK(says(loss, scratch.aside()[0]));
    CHECK_FALSE(world.write({put(1, 1)}));
  }
  CHECK(are_puts(look(scratch.file()).contents.rows, 1, 2));
  CHECK(look(scratch.file()).contents.losses.empty());
  struct stat status {};
  REQUIRE(::lstat(scratch.file().c_str(), &status) == 0);
  CHECK(S_ISREG(status.st_mode));
  CHECK(status.st_uid == ::geteuid());
  CHECK(status.st_nlink == 1);
  CHECK(mode_of_file(scratch.file()) == 0600);
}

}  // namespace

TEST_CASE("C-5 the file is made with mode 0600 and missing directories with 0700") {
  Scratch scratch;
  unsigned mask = 0;
  SUBCASE("umask 0") { mask = 0; }
  SUBCASE("umask 022") { mask = 022; }
  SUBCASE("umask 0777") { mask = 0777; }
  const auto file = scratch.path() + "/var/lib/cache.db";
  {
    const Umask umask(mask);
    StoreWorld world(file);
    CHECK_FALSE(world.opened.failure.has_value());
    CHECK_FALSE(world.write(puts(0, 3)));
    CHECK(mode_of_file(file) == 0600);
    CHECK(mode_of_file(file + "-wal") == 0600);
    CHECK(mode_of_file(scratch.path() + "/var") == 0700);
    CHECK(mode_of_file(scratch.path() + "/var/lib") == 0700);
    CHECK_FALSE(fs::exists(file + "-shm"));
  }
  CHECK(mode_of_file(file) == 0600);
  CHECK(are_puts(look(file).contents.rows, 0, 3));
}

TEST_CASE("C-5 an existing file loses the modes of others, an existing directory keeps its own") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  REQUIRE(::chmod(scratch.file().c_str(), 0666) == 0);
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  const auto opened = look(scratch.file());
  CHECK(opened.contents.losses.empty());
  CHECK(are_puts(opened.contents.rows, 0, 3));
  CHECK(mode_of_file(scratch.file()) == 0600);
  CHECK(mode_of_file(scratch.path()) == 0755);
}

TEST_CASE("decisions 18 an empty file is a new cache and no loss") {
  Scratch scratch;
  set_bytes(scratch.file(), "");
  const auto opened = look(scratch.file());
  CHECK_FALSE(opened.failure.has_value());
  CHECK(opened.contents.losses.empty());
  CHECK(mode_of_file(scratch.file()) == 0600);
}

TEST_CASE("C-5 the directory may be a symbolic link, as systemd makes it") {
  Scratch scratch;
  fs::create_directory(scratch.path() + "/private");
  fs::permissions(scratch.path() + "/private", fs::perms(0700));
  fs::create_symlink("private", scratch.path() + "/public");
  REQUIRE(fill(scratch.path() + "/public/cache.db", puts(0, 3)).empty());
  CHECK(are_puts(look(scratch.path() + "/private/cache.db").contents.rows, 0, 3));
}

TEST_CASE("C-5 a path may be relative to the working directory") {
  Scratch scratch;
  CHECK(in_child([&] {
          fs::current_path(scratch.path());
          return fill("cache.db", puts(0, 3)) + fill("below/cache.db", puts(0, 2));
        }) == "");
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 3));
  CHECK(are_puts(look(scratch.path() + "/below/cache.db").contents.rows, 0, 2));
}

TEST_CASE("C-5 a directory in which others can change names is refused until it is mended") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  mode_t mode = 0;
  SUBCASE("group") { mode = 0770; }
  SUBCASE("others") { mode = 0707; }
  SUBCASE("all, with the sticky bit") { mode = 01777; }
  REQUIRE(::chmod(scratch.path().c_str(), mode) == 0);
  StoreWorld world(scratch.file());
  REQUIRE(world.opened.failure.has_value());
  CHECK(world.opened.failure->kind == OpenFailure::Kind::unavailable);
  CHECK(says(world.opened.failure->text,
             "the directory " + scratch.path() + " can be written by group or others"));
  CHECK(says(world.opened.failure->text, "chmod go-w"));
  CHECK(world.opened.contents.rows.empty());
  CHECK(says(world.text_of_write({put(3, 3)}), "can be written by group or others"));
  CHECK(mode_of_file(scratch.path()) == mode);
  CHECK(world.reopened.empty());

  REQUIRE(::chmod(scratch.path().c_str(), 0700) == 0);
  CHECK(world.text_of_write({put(3, 3)}).empty());
  REQUIRE(world.reopened.size() == 1);
  CHECK(are_puts(world.reopened[0].rows, 0, 3));
  CHECK(world.reopened[0].losses.empty());
  world.store.reset();
  CHECK(are_puts(look(scratch.file()).contents.rows, 0, 4));
}

TEST_CASE("C-5 a directory of another user is refused" * doctest::skip(!kIsRoot)) {
  Scratch scratch;
  REQUIRE(::chown(scratch.path().c_str(), 65534, 65534) == 0);
  const auto opened = look(scratch.file());
  REQUIRE(opened.failure.has_value());
  CHECK(opened.failure->kind == OpenFailure::Kind::unavailable);
  CHECK(says(opened.failure->text, "belongs to user 65534"));
  CHECK_FALSE(fs::exists(scratch.file()));
}

TEST_CASE("C-5 a directory of root is good for a user, if the file is there" *
          doctest::skip(!kIsRoot)) {
  Scratch scratch;
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  CHECK(in_child([&]() -> std::string {
          if (::setresuid(65534, 65534, 65534) != 0) return "no setresuid";
          const auto opened = look(scratch.file());
          return opened.failure ? opened.failure->text : "no failure";
        }) == "cache file " + scratch.file() + ": cannot create " + scratch.file() +
                  ": Permission denied");
}

TEST_CASE("C-5 what names no file is refused") {
  Scratch scratch;
  for (const auto& path : {std::string(), std::string("/"), scratch.path() + "/",
                           scratch.path() + "/..", scratch.path() + "/."}) {
    const auto opened = look(path);
    REQUIRE(opened.failure.has_value());
    CHECK(says(opened.failure->text, "names no file"));
  }
  set_bytes(scratch.path() + "/file", "x");
  CHECK(look(scratch.path() + "/file/cache.db").failure.has_value());
  CHECK(bytes_of(scratch.path() + "/file") == "x");
}

TEST_CASE("C-5 a symbolic link in place of the file is set aside, its target not touched") {
  Scratch scratch, other;
  REQUIRE(fill(other.file(), puts(5, 9)).empty());
  const auto before = bytes_of(other.file());
  bool dangles = false;
  SUBCASE("to a cache") {}
  SUBCASE("to nothing") {
    fs::remove(other.file());
    dangles = true;
  }
  fs::create_symlink(other.file(), scratch.file());
  check_set_aside(scratch, "is a symbolic link");
  CHECK(fs::is_symlink(scratch.aside().at(0)));
  CHECK(fs::exists(other.file()) == !dangles);
  if (!dangles) CHECK(bytes_of(other.file()) == before);
}

TEST_CASE("C-5 what is no regular file is set aside") {
  Scratch scratch;
  SUBCASE("directory") { fs::create_directory(scratch.file()); }
  SUBCASE("fifo") { REQUIRE(::mkfifo(scratch.file().c_str(), 0600) == 0); }
  check_set_aside(scratch, "is no regular file");
}

TEST_CASE("C-5 a file with a second name is set aside") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(5, 9)).empty());
  fs::create_hard_link(scratch.file(), scratch.path() + "/second");
  check_set_aside(scratch, "has another name (hard link)");
}

TEST_CASE("C-5 the file of another user is set aside" * doctest::skip(!kIsRoot)) {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(5, 9)).empty());
  REQUIRE(::chown(scratch.file().c_str(), 65534, 65534) == 0);
  check_set_aside(scratch, "belongs to user 65534");
}

TEST_CASE("C-5 a log that cannot be ours is set aside, the file stays") {
  Scratch scratch, other;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  set_bytes(other.file(), "secret");
  fs::create_symlink(other.file(), scratch.file() + "-wal");
  const auto opened = look(scratch.file());
  CHECK_FALSE(opened.failure.has_value());
  CHECK(are_puts(opened.contents.rows, 0, 3));
  REQUIRE(opened.contents.losses.size() == 1);
  CHECK(says(opened.contents.losses[0], "cache.db-wal is a symbolic link"));
  CHECK(bytes_of(other.file()) == "secret");
}

TEST_CASE("decisions 18 a log without its file is not taken for that of a new one") {
  Scratch scratch, other;
  {
    StoreWorld world(other.file());
    REQUIRE_FALSE(world.write(puts(5, 9)));
    fs::copy_file(other.file() + "-wal", scratch.file() + "-wal");
  }
  SUBCASE("no file") {}
  SUBCASE("empty file") { set_bytes(scratch.file(), ""); }
  const auto opened = look(scratch.file());
  CHECK_FALSE(opened.failure.has_value());
  CHECK(opened.contents.rows.empty());
  REQUIRE(opened.contents.losses.size() == 1);
  CHECK(says(opened.contents.losses[0], "only its log was left"));
  CHECK(look(scratch.file()).contents.losses.empty());
}

TEST_CASE("decisions 18 setting aside never overwrites what was set aside before") {
  Scratch scratch;
  for (const char* bytes : {"one", "two", "three", "four"}) {
    set_bytes(scratch.file(), bytes);
    CHECK(look(scratch.file()).contents.losses.size() == 1);
  }
  std::set<std::string> kept;
  for (const auto& path : scratch.aside()) {
    kept.insert(bytes_of(path));
    const auto name = fs::path(path).filename().string();
    CHECK(name.size() >= std::string("cache.db.unreadable-YYYYMMDDTHHMMSSZ").size());
    CHECK(name.at(28) == 'T');
    CHECK(name.at(35) == 'Z');
  }
  CHECK(kept == std::set<std::string>{"one", "two", "three", "four"});
}
