#include "store/database.h"

#include <fmt/format.h>

#include "base/log.h"
#include "store/policy_table.h"

namespace tlspolicyd::store {
namespace {

// A cache of 1 MiB: rows are read once, at the opening. A log over 4 MiB is cut when it is reused.
// Deleted rows are overwritten, so that salvage() cannot find them again.
constexpr char kSettings[] =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA cache_size=-1024;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA mmap_size=0;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA secure_delete=ON;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA journal_size_limit=4194304;";

constexpr char kOurTables[] = "FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'";

std::string with(std::string_view before, std::string_view after) {
  return std::string(before) + std::string(after);
}

}  // namespace

Failure Database::open(const std::string& path, base::milliseconds patience) {
  const auto opening = [&]() -> Failure {
    if (auto failure = connection_.open(path, patience)) return failure;
    if (auto failure = connection_.run(kSettings)) return failure;
    bool empty = false;
    if (auto failure = check_identity(empty)) return failure;
    std::string journal_mode;
    if (auto failure = connection_.ask("PRAGMA journal_mode=WAL", journal_mode)) return failure;
    if (journal_mode != "wal")
      return DatabaseError{Trouble::lost, "this disk allows no write-ahead log"};
    if (auto failure = empty ? create_table() : check_soundness()) return failure;
    return prepare();
  };
  auto failure = opening();
  // A damaged file stays as it is for those who read what is left of it.
  if (failure) close_untouched();
  return failure;
}

Failure Database::check_identity(bool& empty) {
  std::int64_t application = 0, version = 0, objects = 0;
  if (auto failure = connection_.ask("PRAGMA application_id", application)) return failure;
  if (auto failure = connection_.ask("PRAGMA user_version", version)) return failure;
  // Counted only where it says something: the schema of another's file may not even parse.
  if (application != kApplicationId || version == 0)
    if (auto failure = connection_.ask("SELECT count(*) FROM sqlite_schema", objects))
      return failure->trouble == Trouble::damaged ? Failure({Trouble::foreign, failure->text})
                                                  : failure;
  empty = version == 0 && objects == 0;
  if (empty || (application == kApplicationId && version == kSchemaVersion)) return std::nullopt;
  if (application != kApplicationId)
    return DatabaseError{Trouble::foreign,
                         fmt::format("it belongs to another application (id {})", application)};
  return DatabaseError{Trouble::foreign,
                       fmt::format("it has version {} of the format, this program reads version {}",
                                   version, kSchemaVersion)};
}

Failure Database::create_table() {
  const auto sql =
      fmt::format("BEGIN IMMEDIATE; {}; PRAGMA application_id={}; PRAGMA user_version={}; COMMIT",
                  kCreateTable, kApplicationId, kSchemaVersion);
  return connection_.run(sql.c_str());
}

Failure Database::check_soundness() {
  std::string verdict;
  // A row that breaks a constraint is one bad row, which read() finds, and no damage to the file.
  if (auto failure = connection_.run("PRAGMA ignore_check_constraints=ON")) return failure;
  if (auto failure = connection_.ask("PRAGMA quick_check(1)", verdict)) return failure;
  if (auto failure = connection_.run("PRAGMA ignore_check_constraints=OFF")) return failure;
  if (verdict != "ok") return DatabaseError{Trouble::damaged, base::printable(verdict, 200)};
  std::int64_t tables = 0;
  std::string table;
  if (auto failure = connection_.ask(with("SELECT count(*) ", kOurTables).c_str(), tables))
    return failure;
  if (auto failure = connection_.ask(with("SELECT max(sql) ", kOurTables).c_str(), table))
    return failure;
  if (tables != 1 || table != kCreateTable)
    return DatabaseError{Trouble::damaged, "its table is not as it was made"};
  return std::nullopt;
}

Failure Database::prepare() {
  const auto put = fmt::format(
      "REPLACE INTO policy ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
      "?14)",
      kColumns);
  const auto touch = fmt::format("PRAGMA user_version={}", kSchemaVersion);
  if (auto failure = begin_.prepare(connection_, "BEGIN IMMEDIATE")) return failure;
  if (auto failure = commit_.prepare(connection_, "COMMIT")) return failure;
  if (auto failure = put_.prepare(connection_, put)) return failure;
  if (auto failure = remove_.prepare(connection_, "DELETE FROM policy WHERE domain = ?1"))
    return failure;
  return touch_.prepare(connection_, touch);
}

Failure Database::read(Reading& reading) {
  Statement select;
  const auto sql = fmt::format("SELECT {} FROM policy", kColumns);
  if (auto failure = select.prepare(connection_, sql)) return failure;
  for (;;) {
    switch (select.step()) {
      case Statement::Step::done: return std::nullopt;
      case Statement::Step::failed: return connection_.last_error();
      case Statement::Step::row: break;
    }
    const auto record = record_in(select);
    if (auto row = to_row(record))
      reading.rows.push_back(std::move(*row));
    else
      reading.bad.push_back(base::printable(record.domain, 80) + ": " + row.error().text);
  }
}

Failure Database::write(std::span<const RecordChange> changes) {
  auto failure = in_transaction(changes);
  // Some failures have rolled back already.
  if (failure && sqlite3_get_autocommit(connection_.handle()) == 0) connection_.run("ROLLBACK");
  return failure;
}

Failure Database::probe() { return write({}); }

Failure Database::in_transaction(std::span<const RecordChange> changes) {
  if (auto failure = execute(begin_)) return failure;
  for (const auto& change : changes)
    if (auto failure = apply(change)) return failure;
  // A transaction that changes nothing writes nothing; this one writes its page all the same.
  if (changes.empty())
    if (auto failure = execute(touch_)) return failure;
  return execute(commit_);
}

Failure Database::apply(const RecordChange& change) {
  auto& statement = change.record ? put_ : remove_;
  if (change.record)
    bind_record(statement, *change.record);
  else
    statement.bind(1, change.domain);
  return execute(statement);
}

Failure Database::execute(Statement& statement) {
  Failure failure;
  if (statement.step() == Statement::Step::failed) failure = connection_.last_error();
  statement.reset();
  return failure;
}

Failure Database::checkpoint() {
  const int status = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr,
                                               SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (status == SQLITE_OK) return std::nullopt;
  return connection_.last_error();
}

void Database::close() {
  finish_statements();
  connection_.close();
}

void Database::close_untouched() {
  finish_statements();
  connection_.close_untouched();
}

void Database::finish_statements() {
  // A connection with statements left would stay open, and keep its lock.
  for (auto* statement : {&begin_, &commit_, &put_, &remove_, &touch_}) statement->finish();
}

}  // namespace tlspolicyd::store
