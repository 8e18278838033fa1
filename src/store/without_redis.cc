#include "store/redis_connection.h"

/// Takes the place of redis_connection.cc where hiredis is not there.
namespace tlspolicyd::store {

namespace {
const base::Error kNotBuilt{base::Fault::system, "built without hiredis"};
}

bool has_redis() { return false; }
base::Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisServer&,
                                                                     base::milliseconds) {
  return kNotBuilt;
}
RedisConnection::~RedisConnection() = default;
base::Result<RedisReply> RedisConnection::ask(const Command&) { return kNotBuilt; }
base::Result<std::vector<RedisReply>> RedisConnection::ask_all(const std::vector<Command>&) {
  return kNotBuilt;
}
base::Result<bool> RedisConnection::send(const Command&) { return kNotBuilt; }
base::Result<std::vector<RedisReply>> RedisConnection::take_arrived() { return kNotBuilt; }
int RedisConnection::descriptor() const { return -1; }

}  // namespace tlspolicyd::store
