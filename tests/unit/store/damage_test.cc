#include <doctest/doctest.h>

#include <random>
#include <set>

#include "faults.h"
#include "store_world.h"

using namespace tlspolicyd;
using namespace tlspolicyd::store;

namespace {

constexpr std::size_t kPage = 4096;

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// True if each row is one of puts(from, to), and none comes twice.
bool are_among_puts(const std::vector<Row>& rows, unsigned from, unsigned to) {
  std::map<std::string, unsigned> count;
  for (const auto& row : rows) {
    const auto seed = row.upkeep.failures;
    if (seed < from || seed >= to || !same(row, make_row(domain_of(seed), seed))) return false;
    if (++count[row.domain] > 1) return false;
  }
  return true;
}

/// Of a damaged file: one loss that names it, the damaged file kept as it was; and a sound file
/// with the same rows at the next opening.
std::vector<Row> check_healed(const Scratch& scratch, const std::string& why) {
  const auto damaged = bytes_of(scratch.file());
  std::vector<Row> rows;
  {
    StoreWorld world(scratch.file());
    CHECK_FALSE(world.opened.failure.has_value());
    REQUIRE(world.opened.contents.losses.size() == 1);
    const auto& loss = world.opened.contents.losses[0];
    CHECK(says(loss, scratch.file() + " "));
    CHECK_MESSAGE(says(loss, why), loss);
    REQUIRE(scratch.aside().size() == 1);
    CHECK(says(loss, scratch.aside()[0]));
    CHECK(bytes_of(scratch.aside()[0]) == damaged);
    CHECK(mode_of_file(scratch.file()) == 0600);
    rows = world.opened.contents.rows;
    CHECK_FALSE(world.write({put(999'999, 999'999)}));
  }
  const auto again = look(scratch.file());
  CHECK(again.contents.losses.empty());
  CHECK(again.contents.rows.size() == rows.size() + 1);
  std::map<std::string, const Row*> kept;
  for (const auto& row : again.contents.rows) kept[row.domain] = &row;
  unsigned missing = 0;
  for (const auto& row : rows)
    if (!kept.contains(row.domain) || !same(*kept[row.domain], row)) ++missing;
  CHECK(missing == 0);
  CHECK_FALSE(fs::exists(scratch.file() + ".draft"));
  CHECK_FALSE(fs::exists(scratch.file() + ".new"));
  return rows;
}

}  // namespace

TEST_CASE("decisions 18 a file that is no database is set aside and a new one begun") {
  Scratch scratch;
  std::string bytes;
  SUBCASE("text") { bytes = "This is no database.\n"; }
  SUBCASE("two octets") { bytes = "SQ"; }
  SUBCASE("noise") {
    std::mt19937 random(1);
    for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>(random());
  }
  SUBCASE("zeros") { bytes.assign(65536, '\0'); }
  set_bytes(scratch.file(), bytes);
  CHECK(check_healed(scratch, "is damaged").empty());
}

TEST_CASE("decisions 18 the database of another application is set aside, unchanged") {
  Scratch scratch;
  REQUIRE(sql(scratch.file(), "CREATE TABLE history(url TEXT); INSERT INTO history VALUES('x');"));
  std::string why = "belongs to another application (id 0)";
  SUBCASE("without an id") {}
  SUBCASE("with an id") {
    REQUIRE(sql(scratch.file(), "PRAGMA application_id=7"));
    why = "belongs to another application (id 7)";
  }
  SUBCASE("with a version like ours") { REQUIRE(sql(scratch.file(), "PRAGMA user_version=1")); }
  CHECK(check_healed(scratch, why).empty());
}

TEST_CASE("decisions 18 our tables under another application's id are not ours") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  REQUIRE(sql(scratch.file(), "PRAGMA application_id=7"));
  CHECK(check_healed(scratch, "belongs to another application (id 7)").empty());
}

TEST_CASE("decisions 18 an empty database is a new cache, whoever made it") {
  Scratch scratch;
  REQUIRE(sql(scratch.file(), "PRAGMA application_id=7; VACUUM;"));
  CHECK(fs::file_size(scratch.file()) > 0);
  CHECK(fill(scratch.file(), puts(0, 3)).empty());
  const auto opened = look(scratch.file());
  CHECK(opened.contents.losses.empty());
  CHECK(are_puts(opened.contents.rows, 0, 3));
}

TEST_CASE("decisions 18 the file of a newer version is set aside") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  REQUIRE(sql(scratch.file(), "PRAGMA user_version=2"));
  CHECK(check_healed(scratch, "it has version 2 of the format").empty());
}

TEST_CASE("decisions 18 a file whose table was changed is replaced, its rows are kept") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  SUBCASE("column added") { REQUIRE(sql(scratch.file(), "ALTER TABLE policy ADD COLUMN x TEXT")); }
  SUBCASE("table added") { REQUIRE(sql(scratch.file(), "CREATE TABLE other(x)")); }
  SUBCASE("trigger added") {
    REQUIRE(sql(scratch.file(),
                "CREATE TRIGGER t AFTER INSERT ON policy BEGIN DELETE FROM policy; END"));
  }
  CHECK(are_puts(check_healed(scratch, "its table is not as it was made"), 0, 3));
}

TEST_CASE("decisions 18 a file without its table is replaced") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  REQUIRE(sql(scratch.file(), "DROP TABLE policy"));
  CHECK(check_healed(scratch, "its table is not as it was made").empty());
}

TEST_CASE("decisions 18 statistics that an administrator has gathered change nothing") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 3)).empty());
  REQUIRE(sql(scratch.file(), "ANALYZE"));
  const auto opened = look(scratch.file());
  CHECK(opened.contents.losses.empty());
  CHECK(are_puts(opened.contents.rows, 0, 3));
}

TEST_CASE("C-5 a row whose checksum is wrong is removed, told, and kept aside") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 20)).empty());
  REQUIRE(sql(scratch.file(), "UPDATE policy SET mode='none' WHERE domain='d7.example'"));
  const auto rows =
      check_healed(scratch, "19 rows could be read, 1 could not (d7.example: wrong checksum)");
  CHECK(rows.size() == 19);
  CHECK(are_among_puts(rows, 0, 20));
  CHECK(find(rows, "d7.example") == nullptr);
}

TEST_CASE("C-5 a row that breaks a rule is removed, the others stay") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 20)).empty());
  REQUIRE(sql(scratch.file(),
              "PRAGMA ignore_check_constraints=ON;"
              "UPDATE policy SET mode='enforced' WHERE domain LIKE 'd1%'"));
  const auto rows = check_healed(scratch, "9 rows could be read, 11 could not (");
  CHECK(rows.size() == 9);
  CHECK(are_among_puts(rows, 0, 20));
}

TEST_CASE("decisions 18 of a file that was cut off every row that is left is saved") {
  constexpr unsigned kRows = 2000;
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, kRows)).empty());
  const auto whole = bytes_of(scratch.file());
  SUBCASE("in the middle") {
    set_bytes(scratch.file(), whole.substr(0, whole.size() / 2));
    const auto rows = check_healed(scratch, "is damaged");
    CHECK(rows.size() > kRows / 3);
    CHECK(are_among_puts(rows, 0, kRows));
  }
  SUBCASE("by a page") {
    set_bytes(scratch.file(), whole.substr(0, whole.size() - kPage));
    const auto rows = check_healed(scratch, "is damaged");
    CHECK(rows.size() > kRows * 9 / 10);
    CHECK(rows.size() < kRows);
    CHECK(are_among_puts(rows, 0, kRows));
  }
  SUBCASE("within the first page") {
    set_bytes(scratch.file(), whole.substr(0, 1000));
    check_healed(scratch, "cache.db");
  }
}

TEST_CASE("decisions 18 of a file with damaged pages every row of the others is saved") {
  constexpr unsigned kRows = 5000;
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, kRows)).empty());
  auto bytes = bytes_of(scratch.file());
  const auto pages = bytes.size() / kPage;
  REQUIRE(pages > 100);
  // Leaves of an index: type 10 (https://www.sqlite.org/fileformat2.html#b_tree_pages).
  std::vector<std::size_t> leaves;
  for (std::size_t page = 2; page < pages; ++page)
    if (bytes[page * kPage] == 10) leaves.push_back(page);
  REQUIRE(leaves.size() > 100);
  std::vector<std::size_t> hit;
  SUBCASE("one") { hit = {leaves[50]}; }
  SUBCASE("three apart") { hit = {leaves[10], leaves[50], leaves[90]}; }
  SUBCASE("three together") { hit = {leaves[50], leaves[51], leaves[52]}; }
  SUBCASE("the first and the last") { hit = {leaves.front(), leaves.back()}; }
  unsigned lost = 0;
  for (const auto page : hit) {
    // The number of cells, each of them a row.
    lost += static_cast<unsigned char>(bytes[page * kPage + 4]);
    for (std::size_t i = 0; i < kPage; i += 2) bytes[page * kPage + i] = '\x5a';
  }
  set_bytes(scratch.file(), bytes);
  const auto rows = check_healed(scratch, "is damaged");
  CHECK(are_among_puts(rows, 0, kRows));
  CHECK(lost > hit.size());
  CHECK(rows.size() == kRows - lost);
}

TEST_CASE("decisions 18 of a file whose header is damaged every row is saved") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 500)).empty());
  auto bytes = bytes_of(scratch.file());
  SUBCASE("the first octet") { bytes[0] = 's'; }
  SUBCASE("all of it") { bytes.replace(0, 100, 100, '\0'); }
  SUBCASE("the first page") { bytes.replace(0, kPage, kPage, '\x5a'); }
  SUBCASE("the root of the table") { bytes.replace(kPage, kPage, kPage, '\x5a'); }
  set_bytes(scratch.file(), bytes);
  CHECK(check_healed(scratch, "is damaged").size() > 480);
}

TEST_CASE(
    "decisions 18 a file that cannot be written soundly is replaced, though all is readable") {
  Scratch scratch;
  {
    StoreWorld world(scratch.file());
    REQUIRE_FALSE(world.write(puts(0, 500)));
    std::vector<Change> drops;
    for (unsigned i = 100; i < 500; ++i) drops.push_back(drop(i));
    REQUIRE_FALSE(world.write(drops));
  }
  auto bytes = bytes_of(scratch.file());
  // The first page of the list of free ones: it names itself as the next.
  const auto trunk = bytes.substr(32, 4);
  REQUIRE(trunk != std::string(4, '\0'));
  bytes.replace(static_cast<unsigned char>(trunk[3]) * kPage - kPage, 4, trunk);
  set_bytes(scratch.file(), bytes);
  CHECK(are_puts(check_healed(scratch, "is damaged"), 0, 100));
}

TEST_CASE("decisions 18 rows in the log of a damaged file are saved") {
  Scratch source, scratch;
  REQUIRE(fill(source.file(), puts(0, 500)).empty());
  {
    StoreWorld world(source.file());
    REQUIRE_FALSE(world.write(puts(500, 700)));
    for (const auto* suffix : {"", "-wal"})
      fs::copy_file(source.file() + suffix, scratch.file() + suffix);
  }
  // A leaf that the log does not hold anew.
  const auto log = bytes_of(scratch.file() + "-wal");
  std::set<std::size_t> in_log;
  for (std::size_t frame = 32; frame + 24 + kPage <= log.size(); frame += 24 + kPage)
    in_log.insert(static_cast<unsigned char>(log[frame + 3]) - 1U);
  auto bytes = bytes_of(scratch.file());
  std::size_t hit = 2;
  while (bytes.at(hit * kPage) != 10 || in_log.contains(hit)) ++hit;
  const unsigned lost = static_cast<unsigned char>(bytes[hit * kPage + 4]);
  for (std::size_t i = 0; i < kPage; i += 2) bytes[hit * kPage + i] = '\x5a';
  set_bytes(scratch.file(), bytes);
  const auto rows = check_healed(scratch, "is damaged");
  CHECK(are_among_puts(rows, 0, 700));
  CHECK(rows.size() == 700 - lost);
  CHECK(bytes_of(scratch.aside().at(0) + "-wal") == log);
}

TEST_CASE("C-5 a changed octet anywhere never changes a row, nor loses one in silence") {
  constexpr unsigned kRows = 100, kRounds = 150;
  Scratch original;
  REQUIRE(fill(original.file(), puts(0, kRows)).empty());
  const auto whole = bytes_of(original.file());
  std::mt19937 random(7);
  unsigned harmed = 0;
  for (unsigned round = 0; round < kRounds; ++round) {
    Scratch scratch;
    auto bytes = whole;
    // Every other one among the fields of the file's header and the table's root.
    const auto place = random() % (round % 2 == 0 ? bytes.size() : 200);
    bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8));
    set_bytes(scratch.file(), bytes);
    CAPTURE(place);
    const auto opened = look(scratch.file());
    CHECK_FALSE(opened.failure.has_value());
    CHECK(are_among_puts(opened.contents.rows, 0, kRows));
    if (opened.contents.losses.empty())
      CHECK(opened.contents.rows.size() == kRows);
    else
      ++harmed;
    const auto again = look(scratch.file());
    CHECK(again.contents.losses.empty());
    CHECK(again.contents.rows.size() == opened.contents.rows.size());
  }
  CHECK(harmed > kRounds / 10);
}

TEST_CASE("decisions 17 a replacement that was interrupted is finished at the next start") {
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, 5)).empty());
  REQUIRE(fill(scratch.file() + ".new", puts(0, 9)).empty());
  set_bytes(scratch.file() + ".draft", "half");
  SUBCASE("before the old file was put aside") {}
  SUBCASE("after") { fs::rename(scratch.file(), scratch.file() + ".unreadable-20250101T000000Z"); }
  const auto opened = look(scratch.file());
  CHECK_FALSE(opened.failure.has_value());
  CHECK(are_puts(opened.contents.rows, 0, 9));
  REQUIRE(opened.contents.losses.size() == 1);
  CHECK(says(opened.contents.losses[0], "replacement was interrupted"));
  CHECK(scratch.aside().size() == 1);
  CHECK_FALSE(fs::exists(scratch.file() + ".new"));
  CHECK_FALSE(fs::exists(scratch.file() + ".draft"));
  CHECK(look(scratch.file()).contents.losses.empty());
}

TEST_CASE("B-3 kill -9 at any step of replacing a damaged file loses none of its sound rows") {
  constexpr unsigned kRows = 300;
  Scratch original;
  REQUIRE(fill(original.file(), puts(0, kRows)).empty());
  REQUIRE(sql(original.file(), "UPDATE policy SET id='x' WHERE domain='d7.example'"));
  unsigned steps = 1;
  for (bool was_killed = true; was_killed; ++steps) {
    REQUIRE(steps < 100);
    CAPTURE(steps);
    Scratch scratch;
    fs::copy_file(original.file(), scratch.file());
    const auto child = ::fork();
    if (child == 0) {
      faults::die_at = steps;
      look(scratch.file());
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    was_killed = WIFSIGNALED(status);
    const auto opened = look(scratch.file());
    CHECK_FALSE(opened.failure.has_value());
    CHECK(opened.contents.rows.size() == kRows - 1);
    CHECK(are_among_puts(opened.contents.rows, 0, kRows));
    CHECK(scratch.aside().size() == 1);
    CHECK(look(scratch.file()).contents.losses.empty());
  }
  // Each sync and each rename on the way was the last one once.
  CHECK(steps > 10);
}

TEST_CASE("decisions 17 kill -9 at any step of the first start leaves what the next one can use") {
  for (unsigned steps = 1;; ++steps) {
    REQUIRE(steps < 100);
    CAPTURE(steps);
    Scratch scratch;
    const auto file = scratch.path() + "/below/cache.db";
    const auto child = ::fork();
    if (child == 0) {
      faults::die_at = steps;
      look(file);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto opened = look(file);
    CHECK_FALSE(opened.failure.has_value());
    CHECK(opened.contents.losses.empty());
    CHECK(mode_of_file(file) == 0600);
    CHECK(mode_of_file(scratch.path() + "/below") == 0700);
    if (!WIFSIGNALED(status)) {
      CHECK(steps > 5);
      return;
    }
  }
}

TEST_CASE("decisions 18 damage that is met at run time sets the file aside and goes on") {
  constexpr unsigned kRows = 8000;
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, kRows)).empty());
  StoreWorld world(scratch.file());
  REQUIRE(world.opened.contents.rows.size() == kRows);
  {
    // Beneath the running store: all leaves of the first half become rubbish.
    const auto size = fs::file_size(scratch.file());
    std::fstream file(scratch.file(), std::ios::in | std::ios::out | std::ios::binary);
    for (std::size_t place = 3 * kPage; place < size / 2; place += kPage) {
      file.seekp(static_cast<std::streamoff>(place));
      file << std::string(kPage, '\x5a');
    }
  }
  std::string error;
  for (unsigned i = 0; i < kRows && error.empty(); i += 50)
    error = world.text_of_write({put(i, i)});
  CHECK(says(error, "malformed"));
  CHECK(says(error, scratch.file()));
  CHECK(world.reopened.empty());
  CHECK(scratch.aside().empty());
  CHECK(world.text_of_write({put(kRows, kRows)}).empty());
  REQUIRE(world.reopened.size() == 1);
  REQUIRE(world.reopened[0].losses.size() == 1);
  CHECK(says(world.reopened[0].losses[0], "is damaged"));
  CHECK(scratch.aside().size() == 1);
  const auto saved = world.reopened[0].rows.size();
  CHECK(saved > 100);
  CHECK(saved < kRows);
  CHECK(are_among_puts(world.reopened[0].rows, 0, kRows));
  world.store.reset();
  CHECK(look(scratch.file()).contents.rows.size() == saved + 1);
}

TEST_CASE("decisions 18 damage that was met at run time is not forgotten when it hides again") {
  constexpr unsigned kRows = 8000;
  Scratch scratch;
  REQUIRE(fill(scratch.file(), puts(0, kRows)).empty());
  const auto whole = bytes_of(scratch.file());
  StoreWorld world(scratch.file());
  REQUIRE(world.opened.contents.rows.size() == kRows);
  const auto overwrite = [&](const std::string& bytes) {
    std::fstream(scratch.file(), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(3 * kPage)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  overwrite(std::string(whole.size() / 2 - 3 * kPage, '\x5a'));
  std::string error;
  for (unsigned i = 0; i < kRows && error.empty(); i += 50)
    error = world.text_of_write({put(i, i)});
  CHECK(says(error, "malformed"));
  overwrite(whole.substr(3 * kPage, whole.size() / 2 - 3 * kPage));
  CHECK(world.text_of_write({put(kRows, kRows)}).empty());
  REQUIRE(world.reopened.size() == 1);
  REQUIRE(world.reopened[0].losses.size() == 1);
  CHECK(says(world.reopened[0].losses[0], "found damaged while it was in use"));
  CHECK(are_puts(world.reopened[0].rows, 0, kRows));
  CHECK(scratch.aside().size() == 1);
}
