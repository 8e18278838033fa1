#include "store/redis_connection.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <resolv.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace tlspolicyd::store {
namespace {

using base::Error;
using base::Fault;
using base::Result;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

Error failed(std::string_view why) {
  constexpr std::size_t kEnough = 200;
  return {Fault::system, base::printable(why, kEnough)};
}

RedisReply value_of(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: return {.text = std::string(reply.str, reply.len)};
    case REDIS_REPLY_INTEGER: return {.text = fmt::format("{}", reply.integer)};
    case REDIS_REPLY_ARRAY: {
      RedisReply list;
      for (std::size_t i = 0; i < reply.elements; ++i)
        list.items.push_back(value_of(*reply.element[i]));
      return list;
    }
    case REDIS_REPLY_ERROR: {
      RedisReply refused;
      refused.refusal = failed({reply.str, reply.len});
      return refused;
    }
    default: return {};
  }
}

timeval to_timeval(base::milliseconds time) {
  return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

/// The system's resolver gives up after seconds, on this thread; by default it takes half a minute.
void hurry_resolver() {
  if (res_init() != 0) return;
  _res.retrans = 1;
  _res.retry = 2;
}

}  // namespace

bool has_redis() { return true; }

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisServer& server,
                                                               base::milliseconds patience) {
  const auto time = to_timeval(patience);
  if (server.path.empty()) hurry_resolver();
  auto* context = server.path.empty()
                      ? redisConnectWithTimeout(server.host.c_str(), server.port, time)
                      : redisConnectUnixWithTimeout(server.path.c_str(), time);
  if (context == nullptr) return failed("out of memory");
  auto connection = std::unique_ptr<RedisConnection>(new RedisConnection(context));
  if (context->err != 0) return connection->trouble();
  if (redisSetTimeout(context, time) != REDIS_OK) return connection->trouble();
  if (server.path.empty()) redisEnableKeepAlive(context);
  std::vector<Command> commands;
  if (!server.password.empty()) {
    commands.push_back({"AUTH"});
    if (!server.user.empty()) commands.back().push_back(server.user);
    commands.back().push_back(server.password);
  }
  if (server.database != 0) commands.push_back({"SELECT", fmt::format("{}", server.database)});
  auto replies = connection->ask_all(commands);
  if (!replies) return replies.error();
  for (const auto& reply : *replies)
    if (reply.refusal) return *reply.refusal;
  return connection;
}

RedisConnection::~RedisConnection() { redisFree(context_); }

Error RedisConnection::trouble() const {
  // A reply that takes longer than the patience shows as EAGAIN.
  if (context_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
    return failed("no answer in time");
  return failed(context_->errstr);
}

Result<bool> RedisConnection::append(const Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  for (const auto& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  if (redisAppendCommandArgv(context_, static_cast<int>(words.size()), words.data(),
                             lengths.data()) != REDIS_OK)
    return trouble();
  return true;
}

Result<RedisReply> RedisConnection::ask(const Command& command) {
  auto replies = ask_all({command});
  if (!replies) return replies.error();
  if (const auto& refusal = replies->front().refusal) return *refusal;
  return std::move(replies->front());
}

Result<std::vector<RedisReply>> RedisConnection::ask_all(const std::vector<Command>& commands) {
  for (const auto& command : commands)
    if (const auto appended = append(command); !appended) return appended.error();
  std::vector<RedisReply> replies;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    void* read = nullptr;
    if (redisGetReply(context_, &read) != REDIS_OK) return trouble();
    const ReplyPtr reply(static_cast<redisReply*>(read));
    replies.push_back(value_of(*reply));
  }
  return replies;
}

Result<bool> RedisConnection::send(const Command& command) {
  if (const auto appended = append(command); !appended) return appended;
  int is_sent = 0;
  while (is_sent == 0)
    if (redisBufferWrite(context_, &is_sent) != REDIS_OK) return trouble();
  return true;
}

Result<std::vector<RedisReply>> RedisConnection::take_arrived() {
  if (redisBufferRead(context_) != REDIS_OK) return trouble();
  std::vector<RedisReply> arrived;
  for (;;) {
    void* read = nullptr;
    if (redisReaderGetReply(context_->reader, &read) != REDIS_OK)
      return failed(context_->reader->errstr);
    if (read == nullptr) return arrived;
    const ReplyPtr reply(static_cast<redisReply*>(read));
    arrived.push_back(value_of(*reply));
  }
}

int RedisConnection::descriptor() const { return context_->fd; }

}  // namespace tlspolicyd::store
