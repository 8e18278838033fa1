#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "sts/lifecycle.h"
#include "sts/upkeep.h"

// The table of the specification ("Cache and refresh state machine", 4.2), row by row: state, TXT
// outcome and fetch outcome in; what is applied, what is stored and when it is looked at again out.

using namespace tlspolicyd;
using namespace tlspolicyd::sts;
using base::seconds;
using base::WallTime;

namespace {

constexpr WallTime kNow{seconds{1'800'000'000}};
constexpr seconds kTtl{600};
constexpr seconds kLife{7 * 86400};

enum class State { U, V, X };
enum class Txt { unasked, same, fresh, failed_id, none, denied, err, multi };
/// `dash`: not tried. `held`: the row says that back-off or floor forbid it. `ref_*`: what a
/// refresh, which fetches whatever the record says, brings.
enum class Fetch { dash, fail, inv, ok_n, ok_t, ok_e, ref_fail, ref_inv, ref_n, ref_t, ref_e };
/// What the entry answers afterwards.
enum class Answer { nothing, old_policy, new_policy };
enum class Expiry { none, unchanged, moved };
/// When the record is looked at again.
enum class Look { at_once, tTXT, tERR, tFAIL, unchanged };

struct Row {
  const char* name;
  State state;
  Mode mode;  ///< of what is stored
  Txt txt;
  Fetch fetch;
  Answer answer;
  Expiry expiry;
  Look look;
  int failures;  ///< counted against the stored policy
  bool alert;
};

using enum State;
using enum Txt;
using enum Fetch;
using enum Answer;
using enum Look;
constexpr auto E = Mode::enforce;
constexpr auto N = Mode::none;
constexpr auto kKept = Expiry::unchanged;
constexpr auto kMoved = Expiry::moved;
constexpr auto kNone = Expiry::none;

const Row kTable[] = {
    // State U (no policy known)
    {"U same as failed id, -", U, E, failed_id, dash, nothing, kNone, tFAIL, 0, false},
    {"U new, fail", U, E, fresh, fail, nothing, kNone, tFAIL, 0, false},
    {"U new, inv", U, E, fresh, inv, nothing, kNone, tFAIL, 0, false},
    {"U new, ok:n", U, E, fresh, ok_n, new_policy, kMoved, tTXT, 0, false},
    {"U new, ok:t", U, E, fresh, ok_t, new_policy, kMoved, tTXT, 0, false},
    {"U new, ok:e", U, E, fresh, ok_e, new_policy, kMoved, tTXT, 0, false},
    {"U none, -", U, E, none, dash, nothing, kNone, tTXT, 0, false},
    {"U err, -", U, E, err, dash, nothing, kNone, tERR, 0, false},
    {"U multi, -", U, E, multi, dash, nothing, kNone, tTXT, 0, false},
    // State V (valid cached)
    {"V not asked", V, E, unasked, dash, old_policy, kKept, unchanged, 0, false},
    {"V same, -", V, E, same, dash, old_policy, kKept, tTXT, 0, false},
    {"V same, fail (refresh)", V, E, same, ref_fail, old_policy, kKept, tFAIL, 1, false},
    {"V same, inv (refresh)", V, E, same, ref_inv, old_policy, kKept, tFAIL, 1, false},
    {"V same, ok:n (refresh)", V, E, same, ref_n, new_policy, kMoved, tTXT, 0, false},
    {"V same, ok:t (refresh)", V, E, same, ref_t, new_policy, kMoved, tTXT, 0, false},
    {"V same, ok:e (refresh)", V, E, same, ref_e, new_policy, kMoved, tTXT, 0, false},
    {"V new, - (back-off)", V, E, failed_id, dash, old_policy, kKept, tFAIL, 0, false},
    {"V new, fail", V, E, fresh, fail, old_policy, kKept, tFAIL, 1, false},
    {"V new, inv", V, E, fresh, inv, old_policy, kKept, tFAIL, 1, false},
    {"V new, ok:n", V, E, fresh, ok_n, new_policy, kMoved, tTXT, 0, false},
    {"V new, ok:t", V, E, fresh, ok_t, new_policy, kMoved, tTXT, 0, false},
    {"V new, ok:e", V, E, fresh, ok_e, new_policy, kMoved, tTXT, 0, false},
    {"V none, -", V, E, none, dash, old_policy, kKept, tTXT, 0, false},
    {"V/n none, -", V, N, none, dash, old_policy, kKept, tTXT, 0, false},
    {"V none, fail (refresh)", V, E, none, ref_fail, old_policy, kKept, tFAIL, 1, false},
    {"V none, inv (refresh)", V, E, none, ref_inv, old_policy, kKept, tFAIL, 1, false},
    {"V none, ok:n (refresh)", V, E, none, ref_n, new_policy, kMoved, tTXT, 0, false},
    {"V none, ok:t (refresh)", V, E, none, ref_t, new_policy, kMoved, tTXT, 0, false},
    {"V none, ok:e (refresh)", V, E, none, ref_e, new_policy, kMoved, tTXT, 0, false},
    {"V none by DNSSEC, ok:n (refresh)", V, E, denied, ref_n, new_policy, kKept, tTXT, 0, false},
    {"V none by DNSSEC, ok:t (refresh)", V, E, denied, ref_t, new_policy, kKept, tTXT, 0, false},
    {"V none by DNSSEC, ok:e (refresh)", V, E, denied, ref_e, new_policy, kKept, tTXT, 0, false},
    {"V err, -", V, E, err, dash, old_policy, kKept, tERR, 0, false},
    {"V err, fail (refresh)", V, E, err, ref_fail, old_policy, kKept, tERR, 1, false},
    {"V err, inv (refresh)", V, E, err, ref_inv, old_policy, kKept, tERR, 1, false},
    {"V err, ok:n (refresh)", V, E, err, ref_n, new_policy, kMoved, tERR, 0, false},
    {"V err, ok:t (refresh)", V, E, err, ref_t, new_policy, kMoved, tERR, 0, false},
    {"V err, ok:e (refresh)", V, E, err, ref_e, new_policy, kMoved, tERR, 0, false},
    {"V multi, -", V, E, multi, dash, old_policy, kKept, tTXT, 0, false},
    {"V multi, fail (refresh)", V, E, multi, ref_fail, old_policy, kKept, tFAIL, 1, false},
    {"V multi, inv (refresh)", V, E, multi, ref_inv, old_policy, kKept, tFAIL, 1, false},
    {"V multi, ok:n (refresh)", V, E, multi, ref_n, new_policy, kMoved, tTXT, 0, false},
    {"V multi, ok:t (refresh)", V, E, multi, ref_t, new_policy, kMoved, tTXT, 0, false},
    {"V multi, ok:e (refresh)", V, E, multi, ref_e, new_policy, kMoved, tTXT, 0, false},
    // State X (expired cached)
    {"X same, fail", X, E, same, fail, nothing, kKept, tFAIL, 1, true},
    {"X new, fail", X, E, fresh, fail, nothing, kKept, tFAIL, 1, true},
    {"X same, inv", X, E, same, inv, nothing, kKept, tFAIL, 1, true},
    {"X new, inv", X, E, fresh, inv, nothing, kKept, tFAIL, 1, true},
    {"X/n new, fail", X, N, fresh, fail, nothing, kKept, tFAIL, 1, false},
    {"X same, ok:n", X, E, same, ok_n, new_policy, kMoved, tTXT, 0, false},
    {"X same, ok:t", X, E, same, ok_t, new_policy, kMoved, tTXT, 0, false},
    {"X same, ok:e", X, E, same, ok_e, new_policy, kMoved, tTXT, 0, false},
    {"X new, ok:n", X, E, fresh, ok_n, new_policy, kMoved, tTXT, 0, false},
    {"X new, ok:t", X, E, fresh, ok_t, new_policy, kMoved, tTXT, 0, false},
    {"X new, ok:e", X, E, fresh, ok_e, new_policy, kMoved, tTXT, 0, false},
    {"X none, -", X, E, none, dash, nothing, kKept, tTXT, 0, false},
    {"X err, -", X, E, err, dash, nothing, kKept, tERR, 0, false},
    {"X multi, -", X, E, multi, dash, nothing, kKept, tTXT, 0, false},
};

Policy policy(Mode mode, const char* host) {
  Policy made;
  made.mode = mode;
  made.max_age = kLife;
  made.mx = {MxPattern::parse(host).value()};
  return made;
}

void fetched(Entry& entry, const std::string& id, Policy body, WallTime at) {
  const auto stored = renewal(entry, id, std::move(body), at);
  advance(entry, PolicyFetched{std::make_shared<const StoredPolicy>(stored)}, at);
}

Entry entry_in(const Row& row) {
  Entry entry;
  if (row.state == V) fetched(entry, "old", policy(row.mode, "mx.old.test"), kNow - seconds{3600});
  if (row.state == X)
    fetched(entry, "old", policy(row.mode, "mx.old.test"), kNow - kLife - seconds{3600});
  if (row.txt == failed_id) {
    const auto at = kNow - seconds{100};
    advance(entry, FetchFailed{"broken", {base::Fault::connect, "refused"}}, at);
    entry.upkeep.failures = 0;  // of what happens in the row alone
  }
  return entry;
}

/// Plays the TXT outcome; the id that is to be fetched for, if any.
std::optional<std::string> play_txt(Entry& entry, const Row& row) {
  Next next = Next::answer;
  std::string id;
  switch (row.txt) {
    case unasked: return std::nullopt;
    case same: next = advance(entry, TxtFound{id = "old", kTtl}, kNow); break;
    case fresh: next = advance(entry, TxtFound{id = "new", kTtl}, kNow); break;
    case failed_id: next = advance(entry, TxtFound{id = "broken", kTtl}, kNow); break;
    case none: next = advance(entry, TxtAbsent{Absence::no_record, kTtl, false}, kNow); break;
    case denied: next = advance(entry, TxtAbsent{Absence::no_record, kTtl, true}, kNow); break;
    case multi: next = advance(entry, TxtAbsent{Absence::several_records, kTtl}, kNow); break;
    case err: next = advance(entry, TxtFailed{{base::Fault::dns_failed, "SERVFAIL"}}, kNow); break;
  }
  if (next == Next::fetch) return id;
  if (row.fetch >= ref_fail && entry.may_fetch("old", kNow)) return "old";
  return std::nullopt;
}

void play_fetch(Entry& entry, const Row& row, const std::string& id) {
  advance(entry, FetchBegun{}, kNow);
  switch (row.fetch) {
    case dash: break;
    case fail:
    case ref_fail: advance(entry, FetchFailed{id, {base::Fault::connect, "refused"}}, kNow); break;
    case inv:
    case ref_inv: advance(entry, FetchFailed{id, {base::Fault::invalid, "no mode"}}, kNow); break;
    case ok_n:
    case ref_n: fetched(entry, id, policy(Mode::none, "mx.new.test"), kNow); break;
    case ok_t:
    case ref_t: fetched(entry, id, policy(Mode::testing, "mx.new.test"), kNow); break;
    case ok_e:
    case ref_e: fetched(entry, id, policy(Mode::enforce, "mx.new.test"), kNow); break;
  }
}

Mode mode_of(Fetch fetch) {
  if (fetch == ok_n || fetch == ref_n) return Mode::none;
  return fetch == ok_t || fetch == ref_t ? Mode::testing : Mode::enforce;
}

WallTime looked_at_again(const Row& row, WallTime before) {
  switch (row.look) {
    case at_once: return kNow;
    case tTXT: return kNow + kTtl;
    case tERR: return kNow + Timing::kDnsErrorFirst;
    // 100 s of it have passed where the failure came before the row.
    case tFAIL: return kNow + Timing::kFetchFailedFirst - seconds{row.txt == failed_id ? 100 : 0};
    case Look::unchanged: return before;
  }
  return before;
}

}  // namespace

TEST_CASE("4.2 the table, row by row") {
  for (const auto& row : kTable) {
    CAPTURE(std::string(row.name));
    auto entry = entry_in(row);
    const auto before = entry.stored;
    const auto due_before = entry.txt_due;
    if (row.fetch >= ref_fail) advance(entry, RefreshBegun{}, kNow);
    const auto id = play_txt(entry, row);
    CHECK(id.has_value() == (row.fetch != dash));
    if (id) play_fetch(entry, row, *id);

    CHECK(entry.is_valid(kNow) == (row.answer != nothing));
    switch (row.answer) {
      case nothing:
      case old_policy: CHECK(entry.stored == before); break;
      case new_policy:
        REQUIRE(entry.stored);
        CHECK(entry.stored->policy == policy(mode_of(row.fetch), "mx.new.test"));
        CHECK(entry.stored->id == *id);
        break;
    }
    if (row.expiry == kNone) CHECK_FALSE(entry.stored);
    if (row.expiry == kKept) CHECK(entry.stored->expires_at == before->expires_at);
    if (row.expiry == kMoved) CHECK(entry.stored->expires_at == kNow + kLife);
    CHECK(entry.txt_due == looked_at_again(row, due_before));
    CHECK(entry.upkeep.failures == static_cast<unsigned>(row.failures));
    CHECK(raises_alert(entry, kNow) == row.alert);
    if (row.fetch == ref_fail || row.fetch == ref_inv)
      CHECK(entry.refresh_at == kNow + Timing::kFetchFailedFirst);
  }
}

TEST_CASE("4.2 every row stands for all modes of the stored policy where it names none") {
  for (const auto& row : kTable) {
    if (row.state != V || row.mode != E) continue;
    for (const auto mode : {Mode::testing, Mode::none}) {
      CAPTURE(std::string(row.name));
      auto other = row;
      other.mode = mode;
      auto entry = entry_in(other);
      const auto before = entry.stored;
      const auto id = play_txt(entry, other);
      if (id) play_fetch(entry, other, *id);
      CHECK((entry.stored == before) == (row.answer == old_policy));
      CHECK(entry.is_valid(kNow));
    }
  }
}
