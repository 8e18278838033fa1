#include "store/connection.h"

#include <fmt/format.h>

#include <system_error>

namespace tlspolicyd::store {
namespace {

Trouble trouble_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Trouble::in_use;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return Trouble::damaged;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT: return Trouble::refused;
    default: return Trouble::lost;
  }
}

/// Only these leave a meaningful error number behind.
bool has_system_error(int code) {
  const int primary = code & 0xff;
  return primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
}

}  // namespace

Failure Connection::open(const std::string& path, base::milliseconds patience) {
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  const int status = sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  handle_.reset(opened);
  if (status != SQLITE_OK) {
    auto error = opened != nullptr ? last_error() : DatabaseError{Trouble::refused, "no memory"};
    handle_.reset();
    return error;
  }
  // SQLite opens it all the same and would fail later, with less telling words.
  if (sqlite3_db_readonly(opened, "main") == 1) {
    handle_.reset();
    return DatabaseError{Trouble::lost, "the file cannot be written (read-only)"};
  }
  sqlite3_busy_timeout(opened, static_cast<int>(patience.count()));
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return std::nullopt;
}

void Connection::close_untouched() {
  if (handle_) sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  handle_.reset();
}

Failure Connection::run(const char* sql) {
  if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return std::nullopt;
  return last_error();
}

Failure Connection::ask(const char* sql, std::string& answer) {
  Statement statement;
  if (auto failure = statement.prepare(*this, sql)) return failure;
  switch (statement.step()) {
    case Statement::Step::row: answer = statement.text(0); return std::nullopt;
    case Statement::Step::done: return DatabaseError{Trouble::lost, "no answer from the database"};
    case Statement::Step::failed: break;
  }
  return last_error();
}

Failure Connection::ask(const char* sql, std::int64_t& answer) {
  Statement statement;
  if (auto failure = statement.prepare(*this, sql)) return failure;
  if (statement.step() != Statement::Step::row) return last_error();
  answer = statement.number(0);
  return std::nullopt;
}

DatabaseError Connection::last_error() const {
  const int code = sqlite3_extended_errcode(handle());
  const int number = sqlite3_system_errno(handle());
  std::string text = sqlite3_errmsg(handle());
  if (has_system_error(code) && number != 0)
    text += fmt::format(" ({})", std::generic_category().message(number));
  return {trouble_of(code), std::move(text)};
}

Failure Statement::prepare(const Connection& connection, std::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  const int status =
      sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  handle_.reset(prepared);
  if (status == SQLITE_OK) return std::nullopt;
  return connection.last_error();
}

void Statement::bind(int parameter, std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* data = text.empty() ? "" : text.data();
  sqlite3_bind_text64(handle_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(handle_.get(), parameter, number);
}

Statement::Step Statement::step() {
  switch (sqlite3_step(handle_.get())) {
    case SQLITE_ROW: return Step::row;
    case SQLITE_DONE: return Step::done;
    default: return Step::failed;
  }
}

std::string_view Statement::text(int column) const {
  const auto* data = sqlite3_column_text(handle_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

}  // namespace tlspolicyd::store
