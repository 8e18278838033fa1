#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/operation.h"
#include "base/result.h"
#include "sts/lifecycle.h"

/// What outlives the process.
namespace tlspolicyd::store {

/// A policy and its upkeep, as they are kept for one policy domain.
struct Row {
  std::string domain;  ///< as base::DomainName::text() writes it
  std::shared_ptr<const sts::StoredPolicy> policy;
  sts::Upkeep upkeep;
};

/// The row that a domain has from now on; without one, that it has none.
struct Change {
  std::string domain;
  std::optional<Row> row;
};

/// What was found when a store was opened.
struct Contents {
  std::vector<Row> rows;
  /// What had to be left behind, for people: one text per thing, e.g. that the file could not be
  /// read and where it was put. Empty if all is well.
  std::vector<std::string> losses;
};

/// Port: keeps rows where a crash does not reach them (decisions.md 17 to 20).
class Store {
 public:
  using Done = std::function<void(std::optional<base::Error>)>;
  using Reopened = std::function<void(Contents)>;
  virtual ~Store() = default;

  /// Makes the changes durable, all or none, after those of earlier calls; `done` gets nothing once
  /// they are, or why they are not (Fault::system, Fault::overloaded), after as long as the disk
  /// takes: whoever cannot wait that long must not. Destroying the operation forgets `done`; the
  /// changes are written all the same. An empty list asks whether the store works.
  virtual base::OperationPtr write(std::vector<Change> changes, Done done) = 0;

  /// `reopened` is called, in a turn of the loop, whenever the store had been lost (or was never
  /// opened) and is there again, with what it holds now; before the `done` of the write for which
  /// it was opened. Rows of earlier writes may be missing in it.
  virtual void on_reopened(Reopened reopened) = 0;
};

}  // namespace tlspolicyd::store
