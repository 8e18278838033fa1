#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/dns.h"

namespace tlspolicyd::fakes {

/// A resolver that answers each type with what it was told, one answer after the other; the last
/// one stays. A type without an answer stays silent. Counts what it was asked.
class ScriptedResolver final : public net::Resolver {
 public:
  /// `timers` must outlive it.
  explicit ScriptedResolver(base::Timers& timers) : timers_(timers) {}

  void answer(net::RecordType type, base::Result<net::DnsAnswer> answer) {
    answers_[type].push_back(std::move(answer));
  }

  /// A and AAAA records in one go; a family without any is NODATA.
  void addresses(const std::vector<std::string_view>& texts,
                 std::string_view canonical_name = "host.example") {
    net::DnsAnswer v4, v6;
    for (const auto text : texts) {
      const auto address = base::Address::parse(text).value();
      auto& answer = address.family() == base::Address::Family::v4 ? v4 : v6;
      answer.kind = net::DnsAnswer::Kind::records;
      answer.addresses.push_back(address);
    }
    v4.canonical_name = v6.canonical_name = canonical_name;
    answer(net::RecordType::a, v4);
    answer(net::RecordType::aaaa, v6);
  }

  /// Answers to this type come that much later.
  void delay(net::RecordType type, base::milliseconds time) { delays_[type] = time; }

  base::OperationPtr resolve(const net::DnsQuestion& question, Done done) override {
    questions.push_back(question);
    auto& answers = answers_[question.type];
    if (answers.empty()) return std::make_unique<base::Operation>();
    auto next = answers.front();
    if (answers.size() > 1) answers.pop_front();
    return timers_.after(delays_[question.type],
                         [next = std::move(next), done = std::move(done)] { done(next); });
  }

  std::vector<net::DnsQuestion> questions;

 private:
  base::Timers& timers_;
  std::map<net::RecordType, std::deque<base::Result<net::DnsAnswer>>> answers_;
  std::map<net::RecordType, base::milliseconds> delays_;
};

}  // namespace tlspolicyd::fakes
