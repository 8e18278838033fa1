#include "store/redis_talk.h"

#include <fmt/format.h>

#include <utility>

#include "store/word_text.h"

namespace tlspolicyd::store {
namespace {

using base::Error;
using base::Fault;
using base::Result;

// SCHEMA.md. The number is that of what is written there.
constexpr std::string_view kPrefix = "tlspolicyd:1:";
constexpr std::string_view kChannel = "tlspolicyd:1";
constexpr std::string_view kAtOnce = "100";

const Error kStrange{Fault::system, "a reply that is none of Redis's"};

std::string key_of(std::string_view domain) { return fmt::format("{}{}", kPrefix, domain); }

}  // namespace

void HeardWords::add(std::string_view text) {
  auto word = parse_word(text);
  if (word) {
    words.push_back(std::move(*word));
  } else {
    ++unreadable;
    example = word.error().text;
  }
}

Result<std::unique_ptr<RedisTalk>> RedisTalk::open(const RedisServer& server,
                                                   base::milliseconds patience) {
  auto commands = RedisConnection::open(server, patience);
  if (!commands) return commands.error();
  auto subscription = RedisConnection::open(server, patience);
  if (!subscription) return subscription.error();
  // Answered before anything is read: from then on no word of others is missed.
  const auto subscribed = (*subscription)->ask({"SUBSCRIBE", std::string(kChannel)});
  if (!subscribed) return subscribed.error();
  return std::unique_ptr<RedisTalk>(new RedisTalk(std::move(*commands), std::move(*subscription)));
}

Result<HeardWords> RedisTalk::read_on() {
  const auto page =
      commands_->ask({"SCAN", cursor_, "MATCH", key_of("*"), "COUNT", std::string(kAtOnce)});
  if (!page) return page.error();
  if (page->items.size() != 2 || !page->items[0].text) return kStrange;
  cursor_ = *page->items[0].text;
  has_read_all_ = cursor_ == "0";
  RedisConnection::Command command{"MGET"};
  for (const auto& key : page->items[1].items)
    if (key.text) command.push_back(*key.text);
  HeardWords heard;
  if (command.size() == 1) return heard;
  const auto values = commands_->ask(command);
  if (!values) return values.error();
  for (const auto& value : values->items)
    if (value.text) heard.add(*value.text);
  return heard;
}

std::optional<Error> RedisTalk::say(const std::vector<SentWord>& words) {
  std::vector<RedisConnection::Command> sets;
  for (const auto& word : words) {
    sets.push_back(
        {"SET", key_of(word.domain), word.text, "EX", fmt::format("{}", word.lasts.count())});
    if (word.only_if_absent) sets.back().push_back("NX");
  }
  const auto replies = commands_->ask_all(sets);
  if (!replies) return replies.error();
  std::vector<RedisConnection::Command> publications;
  for (std::size_t at = 0; at < words.size(); ++at)
    // Nothing, where something was held already.
    if ((*replies)[at].text)
      publications.push_back({"PUBLISH", std::string(kChannel), words[at].text});
  const auto published = commands_->ask_all(publications);
  return published ? std::nullopt : std::optional(published.error());
}

Result<HeardWords> RedisTalk::hear() {
  const auto arrived = subscription_->take_arrived();
  if (!arrived) return arrived.error();
  HeardWords heard;
  for (const auto& message : *arrived) {
    const auto& items = message.items;
    if (items.empty() || !items[0].text) return kStrange;
    if (*items[0].text == "pong") {
      pings_ = 0;
    } else if (*items[0].text == "message" && items.size() == 3 && items[2].text) {
      heard.add(*items[2].text);
    } else {
      return kStrange;
    }
  }
  return heard;
}

std::optional<Error> RedisTalk::ping() {
  if (const auto pong = commands_->ask({"PING"}); !pong) return pong.error();
  ++pings_;
  const auto sent = subscription_->send({"PING"});
  return sent ? std::nullopt : std::optional(sent.error());
}

}  // namespace tlspolicyd::store
