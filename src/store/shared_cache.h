#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace tlspolicyd::store {

/// What one node of a fleet tells the others of a policy domain.
struct Word {
  std::string domain;             ///< as base::DomainName::text() writes it
  std::optional<Row> row;         ///< its policy; of the upkeep only used_at is told
  base::WallTime forgotten_at{};  ///< without a row: an operator had it forgotten then
};

/// Port: a place where the nodes of a fleet leave their policies for each other, and hear of each
/// other's at once (decisions.md 24). It may be away at any time; nothing waits for it.
class SharedCache {
 public:
  /// Whoever hears; called in turns of the loop.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// From now on every word of others is heard; all that is held follows, in on_words() too.
    virtual void on_connected() = 0;
    /// Words are lost from now on, until on_connected(). `why` is for people.
    virtual void on_away(const std::string& why) = 0;
    /// Read strictly, but not judged; among them may be what this node said itself.
    virtual void on_words(std::vector<Word> words) = 0;
    /// So many values were no words; `example` says what was wrong with one of them.
    virtual void on_unreadable(std::size_t count, const std::string& example) = 0;
    /// So many words were told or offered, and not taken; reading goes on.
    virtual void on_untold(std::size_t count, const std::string& why) = 0;
  };
  virtual ~SharedCache() = default;

  /// nullptr: nobody. The listener must outlive the cache, or have been taken back.
  virtual void set_listener(Listener* listener) = 0;

  /// While it is busy nothing more is read, but what is on its way.
  virtual void set_busy(bool busy) = 0;

  /// Leaves a word in the place of what is held for its domain, and tells the others at once.
  /// False if too much waits to be sent; lost if the cache is away.
  virtual bool tell(Word word) = 0;
  /// The same where nothing is held for the domain, else nothing. False as above.
  virtual bool offer(Word word) = 0;
};

}  // namespace tlspolicyd::store
