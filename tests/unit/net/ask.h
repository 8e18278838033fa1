#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "fakes/name_server.h"
#include "net/dns_resolver.h"
#include "net/loop.h"

namespace tlspolicyd::net {

inline const std::string kStsName = "_mta-sts.example.org";

inline DnsQuestion sts_question() { return {*base::DomainName::parse(kStsName), RecordType::txt}; }

/// A reply to any query for kStsName with one TXT.
inline fakes::DnsReplyBuilder txt_reply(const fakes::Bytes& query, const std::string& text) {
  return fakes::DnsReplyBuilder(query).answer(kStsName + ". 300 IN TXT \"" + text + "\"");
}

/// Turns the loop for `time`.
inline void turn(Loop& loop, base::milliseconds time) {
  const auto end = loop.after(time, [&] { loop.stop(); });
  loop.run();
}

/// The answer to one question, and how long it took. No answer within 20 s is an error "hung".
struct Asked {
  base::Result<DnsAnswer> result{base::Error{base::Fault::system, "hung"}};
  std::chrono::milliseconds took{};
};

inline Asked ask(Loop& loop, Resolver& resolver, const DnsQuestion& question = sts_question()) {
  Asked asked;
  const auto start = std::chrono::steady_clock::now();
  const auto operation = resolver.resolve(question, [&](auto result) {
    asked.result = std::move(result);
    loop.stop();
  });
  turn(loop, base::milliseconds(20'000));
  asked.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  return asked;
}

}  // namespace tlspolicyd::net
