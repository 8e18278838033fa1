#include "store/row_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "store/private_copy.h"
#include "store/salvage.h"

namespace tlspolicyd::store {
namespace {

// While the daemon runs, a write that cannot have the file soon fails; the next one tries again.
constexpr base::milliseconds kPatienceAtRunTime{1000};
// One to set aside, one to replace, one to open what was put there.
constexpr int kAttempts = 3;
constexpr std::size_t kNamesShown = 5;

bool is_unsound(const DatabaseError& error) {
  return error.trouble == Trouble::foreign || error.trouble == Trouble::damaged;
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string sample_of(const std::vector<std::string>& names) {
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kNamesShown));
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "),
                     names.size() > kNamesShown ? ", ..." : "");
}

std::string describe(const Reading& reading) {
  auto text = counted(reading.rows.size(), "row") + " could be read";
  if (!reading.bad.empty())
    text += fmt::format(", {} could not ({})", reading.bad.size(), sample_of(reading.bad));
  return text;
}

std::vector<RecordChange> records_of(const std::vector<Row>& rows) {
  std::vector<RecordChange> records;
  records.reserve(rows.size());
  for (const auto& row : rows)
    // They were read from records.
    if (auto record = to_record(row)) records.push_back({row.domain, std::move(*record)});
  return records;
}

}  // namespace

Opened RowFile::open(base::milliseconds patience) { return open(patience, Unwritable::read_copy); }

Opened RowFile::open(base::milliseconds patience, Unwritable unwritable) {
  Opened opened;
  for (int attempt = 1;; ++attempt) {
    if (auto error = file_.prepare(opened.contents.losses)) {
      opened.failure = unavailable(error->text);
      return opened;
    }
    Reading reading;
    auto failure = open_and_read(patience, reading);
    if (!failure && reading.bad.empty()) {
      failure = confirm_writable();
      if (!failure || !is_unsound(*failure)) {
        opened.contents.rows = std::move(reading.rows);
        if (failure) opened.failure = unavailable(failure->text);
        // A full disk leaves the connection good: the next write finds out whether it has room.
        if (failure && failure->trouble != Trouble::refused) database_.close();
        return opened;
      }
    }
    database_.close_untouched();
    if (failure && failure->trouble == Trouble::in_use) {
      opened.failure = {
          OpenFailure::Kind::in_use,
          fmt::format("the cache file {} is in use by another process", file_.path())};
      return opened;
    }
    if (failure && !is_unsound(*failure)) {
      opened.failure = unavailable(failure->text);
      if (unwritable == Unwritable::read_copy) read_copy(opened);
      return opened;
    }
    opened.failure = heal(failure, reading, opened.contents.losses);
    if (opened.failure || attempt == kAttempts) {
      if (!opened.failure) opened.failure = unavailable("it cannot be made sound");
      opened.contents.rows = std::move(reading.rows);
      return opened;
    }
  }
}

Failure RowFile::open_and_read(base::milliseconds patience, Reading& reading) {
  if (auto failure = database_.open(file_.path(), patience)) return failure;
  identity_ = identity_of(file_.path());
  if (suspect_ == identity_)
    return DatabaseError{Trouble::damaged, "it was found damaged while it was in use"};
  return database_.read(reading);
}

Failure RowFile::confirm_writable() {
  if (auto failure = database_.checkpoint()) return failure;
  auto failure = database_.probe();
  log_identity_ = identity_of(file_.log_path());
  return failure;
}

/// Makes room for a sound file; on failure `reading` has what was saved of the other.
std::optional<OpenFailure> RowFile::heal(const Failure& failure, Reading& reading,
                                         std::vector<std::string>& losses) {
  const auto path = file_.path();
  if (failure && failure->trouble == Trouble::foreign) {
    auto aside = file_.set_aside();
    if (!aside) return unavailable(aside.error().text);
    losses.push_back(
        fmt::format("the cache file {} was not read: {}; it was put to {} and a new cache begun; "
                    "put a copy back if you have one",
                    path, failure->text, *aside));
    return std::nullopt;
  }
  if (failure) {
    reading = salvage(path);
  }
  std::string old;
  if (auto error = replace(reading.rows, old))
    return unavailable(fmt::format("it is damaged and cannot be replaced: {}", error->text));
  losses.push_back(
      failure
          ? fmt::format("the cache file {} is damaged: {}; it was put to {} and a new one begun "
                        "with what could be saved: {}; check the disk",
                        path, failure->text, old, describe(reading))
          : fmt::format("the cache file {} has damaged rows; a copy is kept as {} and these "
                        "rows were removed: {}; check the disk",
                        path, old, describe(reading)));
  return std::nullopt;
}

std::optional<base::Error> RowFile::replace(const std::vector<Row>& rows, std::string& old) {
  auto draft = file_.begin_replacement();
  if (!draft) return draft.error();
  if (auto failure = rewrite(rows, *draft)) return base::Error{base::Fault::system, failure->text};
  auto name = file_.finish_replacement();
  if (!name) return name.error();
  old = std::move(*name);
  return std::nullopt;
}

Failure RowFile::rewrite(const std::vector<Row>& rows, const std::string& path) {
  Database draft;
  if (auto failure = draft.open(path, base::milliseconds(0))) return failure;
  if (auto failure = draft.write(records_of(rows))) return failure;
  if (auto failure = draft.checkpoint()) return failure;
  draft.close();
  if (identity_of(path + "-wal"))
    return DatabaseError{Trouble::lost, "the log of the new file is not empty"};
  return std::nullopt;
}

/// What a file that cannot be written holds, so that a restart on a disk that has gone read-only
/// loses nobody's protection.
void RowFile::read_copy(Opened& opened) const {
  const auto copy = PrivateCopy::of(file_.path());
  if (!copy) return;
  Database database;
  Reading reading;
  auto failure = database.open(copy->path(), base::milliseconds(0));
  if (!failure) failure = database.read(reading);
  database.close_untouched();
  if (failure) {
    reading = salvage(copy->path());
    opened.contents.losses.push_back(
        fmt::format("the cache file {} is damaged, and it cannot be written: {}; check the disk",
                    file_.path(), describe(reading)));
  } else if (!reading.bad.empty()) {
    opened.contents.losses.push_back(
        fmt::format("the cache file {} has damaged rows, and it cannot be written: {}; check the "
                    "disk",
                    file_.path(), describe(reading)));
  }
  opened.contents.rows = std::move(reading.rows);
}

RowFile::Written RowFile::write(std::span<const std::vector<Change>> groups) {
  Written written;
  written.outcomes.resize(groups.size());
  close_if_moved();
  if (!database_.is_open()) {
    auto opened = open(kPatienceAtRunTime, Unwritable::give_up);
    if (!database_.is_open()) {
      const base::Error error{base::Fault::system, opened.failure->text};
      std::fill(written.outcomes.begin(), written.outcomes.end(), error);
      return written;
    }
    written.reopened = std::move(opened.contents);
  }
  std::vector<RecordChange> all;
  std::vector<std::size_t> stored;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto records = to_records(groups[i]);
    if (!records) {
      written.outcomes[i] = records.error();
      continue;
    }
    stored.push_back(i);
    std::move(records->begin(), records->end(), std::back_inserter(all));
  }
  if (auto failure = commit(all))
    for (const auto i : stored)
      written.outcomes[i] = base::Error{base::Fault::system, unavailable(failure->text).text};
  return written;
}

Failure RowFile::commit(std::span<const RecordChange> records) {
  auto failure = records.empty() ? database_.probe() : database_.write(records);
  if (!failure || failure->trouble == Trouble::refused) return failure;
  if (is_unsound(*failure)) {
    suspect_ = identity_;
    database_.close_untouched();
  } else {
    database_.close();
  }
  return failure;
}

void RowFile::close_if_moved() {
  if (!database_.is_open() || identity_of(file_.path()) == identity_) return;
  // Into the file that is open, wherever it is now: what it misses is then nowhere else. The log is
  // removed, unless it came with another file: that must not be read with ours.
  database_.checkpoint();
  database_.close_untouched();
  if (identity_of(file_.log_path()) == log_identity_) file_.remove_log();
}

OpenFailure RowFile::unavailable(std::string_view why) const {
  return {OpenFailure::Kind::unavailable, fmt::format("cache file {}: {}", file_.path(), why)};
}

}  // namespace tlspolicyd::store
