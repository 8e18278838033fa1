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
  // No more of each than can be a word, whatever somebody has put there.
  std::vector<RedisConnection::Command> commands;
  for (const auto& key : page->items[1].items)
    if (key.text) commands.push_back({"GETRANGE", *key.text, "0", fmt::format("{}", kMaxWordText)});
  const auto values = commands_->ask_all(commands);
  if (!values) return values.error();
  HeardWords heard;
  for (const auto& value : *values)
    // Empty: expired meanwhile.
    if (value.refusal || (value.text && !value.text->empty()))
      heard.add(value.text ? *value.text : std::string_view());
  return heard;
}

Result<SaidWords> RedisTalk::say(const std::vector<SentWord>& words) {
  std::vector<RedisConnection::Command> commands;
  std::vector<const SentWord*> of;  // each command, nullptr: PUBLISH
  const auto publish = [&](const SentWord& word) {
    commands.push_back({"PUBLISH", std::string(kChannel), word.text});
    of.push_back(nullptr);
  };
  for (const auto& word : words) {
    commands.push_back(
        {"SET", key_of(word.domain), word.text, "EX", fmt::format("{}", word.lasts.count())});
    of.push_back(&word);
    if (word.only_if_absent) {
      commands.back().push_back("NX");
    } else {
      publish(word);
    }
  }
  const auto replies = commands_->ask_all(commands);
  if (!replies) return replies.error();
  commands.clear();
  SaidWords said;
  for (std::size_t at = 0; at < replies->size(); ++at) {
    const auto& reply = (*replies)[at];
    if (of[at] && reply.refusal) {
      ++said.refused;
      said.why = reply.refusal->text;
    }
    // Nothing, where something was held already.
    if (of[at] && of[at]->only_if_absent && reply.text) publish(*of[at]);
  }
  const auto published = commands_->ask_all(commands);
  if (!published) return published.error();
  return said;
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
