#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fakes/fake_time.h"
#include "store/shared_cache.h"
#include "store/word_text.h"

namespace tlspolicyd::fakes {

/// A node's end of a shared cache in memory; what is said passes through its text form and reaches
/// the others, and the speaker, in a later turn. Forgets what expires only when it is told to.
class FakeSharedCache final : public store::SharedCache {
 public:
  /// What all nodes share.
  struct Server {
    std::map<std::string, std::string> held{};
    std::vector<FakeSharedCache*> nodes{};
    int told = 0;  ///< words published since the start

    ~Server() {
      for (auto* node : nodes) node->server_ = nullptr;
    }
  };

  explicit FakeSharedCache(FakeTime& time) : time_(time) {}
  ~FakeSharedCache() override { leave(); }

  void connect(Server& server) {
    server_ = &server;
    server.nodes.push_back(this);
    listener_->on_connected();
    for (const auto& [domain, text] : server.held) arrive(text);
  }
  void disconnect(const std::string& why) {
    leave();
    letters_.clear();
    listener_->on_away(why);
  }
  /// As if a node had published it.
  void arrive(const std::string& text) {
    const auto letter = letters_.emplace(letters_.end());
    *letter = time_.after(base::milliseconds{1}, [this, letter, text] {
      const auto keep = std::move(*letter);
      letters_.erase(letter);
      if (auto word = store::parse_word(text)) {
        listener_->on_words({std::move(*word)});
      } else {
        listener_->on_unreadable(1, word.error().text);
      }
    });
  }

  /// How many offers find room from now on.
  void set_room(int words) { room_ = words; }
  /// The server takes nothing.
  void set_refusing(bool refusing) { refusing_ = refusing; }
  bool is_busy() const { return busy_; }

  void set_listener(Listener* listener) override { listener_ = listener; }
  void set_busy(bool busy) override { busy_ = busy; }
  bool tell(store::Word word) override {
    if (!server_) return true;
    if (refusing_) {
      listener_->on_untold(1, "OOM");
      return true;
    }
    const auto text = store::text_of(word).value();
    server_->held[word.domain] = text;
    publish(text);
    return true;
  }
  bool offer(store::Word word) override {
    if (!server_) return true;
    if (room_ == 0) return false;
    if (room_ > 0) --room_;
    const auto text = store::text_of(word).value();
    if (server_->held.try_emplace(word.domain, text).second) publish(text);
    return true;
  }

 private:
  void publish(const std::string& text) {
    ++server_->told;
    for (auto* node : server_->nodes) node->arrive(text);
  }
  void leave() {
    if (server_) std::erase(server_->nodes, this);
    server_ = nullptr;
  }

  FakeTime& time_;
  int room_ = -1;  ///< as much as is wanted
  bool refusing_ = false;
  bool busy_ = false;
  Listener* listener_ = nullptr;
  Server* server_ = nullptr;
  std::list<base::OperationPtr> letters_;
};

}  // namespace tlspolicyd::fakes
