#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "fakes/fake_time.h"
#include "net/dns.h"
#include "net/https.h"

namespace tlspolicyd::fakes {

/// A DNS and a web that answer as they were told, after as long as they were told, and count who
/// asked. A name nobody spoke of does not exist; a host nobody spoke of refuses connections.
class FakeNetwork final : public net::Resolver, public net::HttpsClient {
 public:
  template <class T>
  struct Script {
    base::milliseconds delay{1};
    /// Nothing: silence for ever.
    std::optional<base::Result<T>> outcome;
  };
  using DnsKey = std::pair<std::string, net::RecordType>;

  explicit FakeNetwork(FakeTime& time) : time_(time) {}

  void set_dns(DnsKey key, Script<net::DnsAnswer> script) {
    dns_.insert_or_assign(std::move(key), std::move(script));
  }
  /// What a question gets that need not be validated, where that is another answer.
  void set_instead(DnsKey key, Script<net::DnsAnswer> script) {
    instead_.insert_or_assign(std::move(key), std::move(script));
  }
  void set_https(std::string host, Script<net::HttpsReply> script) {
    https_.insert_or_assign(std::move(host), std::move(script));
  }

  int dns_questions(const DnsKey& key) const { return count(asked_, key); }
  int dns_questions() const { return total(asked_); }
  int https_requests(const std::string& host) const { return count(fetched_, host); }
  int https_requests() const { return total(fetched_); }

  base::OperationPtr resolve(const net::DnsQuestion& question, net::Resolver::Done done) override {
    const DnsKey key{question.name.text(), question.type};
    ++asked_[key];
    if (const auto other = instead_.find(key); !question.validated && other != instead_.end())
      return play(other->second, std::move(done));
    const auto known = dns_.find(key);
    if (known == dns_.end())
      return play<net::DnsAnswer>({.outcome = no_such_name(question.name.text())}, std::move(done));
    return play(known->second, std::move(done));
  }

  base::OperationPtr get(const net::HttpsRequest& request, net::HttpsClient::Done done) override {
    ++fetched_[request.host.text()];
    const auto known = https_.find(request.host.text());
    if (known == https_.end())
      return play<net::HttpsReply>(
          {.outcome = base::Error{base::Fault::connect, "connection refused"}}, std::move(done));
    return play(known->second, std::move(done));
  }

 private:
  static base::Result<net::DnsAnswer> no_such_name(const std::string& name) {
    net::DnsAnswer answer;
    answer.kind = net::DnsAnswer::Kind::no_such_name;
    answer.canonical_name = name;
    answer.ttl = base::seconds{300};
    return answer;
  }

  template <class T>
  base::OperationPtr play(const Script<T>& script, std::function<void(base::Result<T>)> done) {
    if (!script.outcome) return time_.after(base::seconds{1'000'000'000}, [] {});
    return time_.after(script.delay,
                       [outcome = *script.outcome, done = std::move(done)] { done(outcome); });
  }

  template <class Map, class Key>
  static int count(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
  }
  template <class Map>
  static int total(const Map& map) {
    int sum = 0;
    for (const auto& [key, number] : map) sum += number;
    return sum;
  }

  FakeTime& time_;
  std::map<DnsKey, Script<net::DnsAnswer>> dns_;
  std::map<DnsKey, Script<net::DnsAnswer>> instead_;
  std::map<std::string, Script<net::HttpsReply>> https_;
  std::map<DnsKey, int> asked_;
  std::map<std::string, int> fetched_;
};

}  // namespace tlspolicyd::fakes
