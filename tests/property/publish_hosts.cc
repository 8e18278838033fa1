#include <fmt/format.h>

#include <utility>

#include "hosts_seen.h"
#include "publish.h"

/// The MX hosts' part of what is published.
namespace tlspolicyd::property {
namespace {

using base::Error;
using base::Fault;
using base::seconds;
using net::RecordType;
using Script = fakes::FakeNetwork::Script<net::DnsAnswer>;
using Kind = net::DnsAnswer::Kind;

// The resolver's own deadline ends it.
Script silence() { return {seconds{10}, Error{Fault::dns_timeout, "silence"}}; }

Script failure(const Event& event, Fault fault = Fault::dns_failed) {
  return {event.time, Error{fault, std::string(base::name_of(fault))}};
}

/// An answer at the end of a chain of aliases, or without one.
Script answer(const Event& event, Kind kind, bool secure, const std::string& end) {
  net::DnsAnswer answer;
  answer.kind = kind;
  answer.authenticated = secure;
  answer.ttl = event.seconds;
  answer.canonical_name = end;
  return {event.time, base::Result(answer)};
}

net::TlsaRecord record(int usage, std::size_t length) {
  return {static_cast<std::uint8_t>(usage), 1, 1, std::vector<std::uint8_t>(length, 7)};
}

}  // namespace

void publish_addresses(fakes::FakeNetwork& network, const Event& event) {
  const auto& host = hosts_of(event.domain)[static_cast<std::size_t>(event.number)];
  const bool is_alias = event.what == Event::alias_signed ||
                        event.what == Event::alias_to_unsigned ||
                        event.what == Event::alias_unsigned;
  const auto end = (is_alias ? std::string(kAliasPrefix) : "") + host;
  bool secure = true;
  auto kind = Kind::records;
  switch (event.what) {
    case Event::a_unsigned:
    case Event::a_unsigned_half:
    case Event::alias_to_unsigned:
    case Event::alias_unsigned: secure = false; break;
    case Event::a_absent: kind = Kind::no_such_name; break;
    default: break;
  }
  auto a = answer(event, kind, secure, end);
  auto aaaa = answer(event, kind == Kind::records ? Kind::no_data : kind, secure, end);
  switch (event.what) {
    case Event::a_signed_half:
    case Event::a_unsigned_half: aaaa = failure(event); break;
    case Event::a_failed: a = aaaa = failure(event); break;
    case Event::a_silent: a = aaaa = silence(); break;
    case Event::a_unreachable: a = aaaa = failure(event, Fault::dns_unreachable); break;
    default: break;
  }
  const bool first_is_signed = event.what != Event::alias_unsigned;
  network.set_dns({host, RecordType::a}, a);
  network.set_dns({host, RecordType::aaaa}, aaaa);
  network.set_dns({host, RecordType::cname},
                  answer(event, is_alias ? Kind::records : Kind::no_data, first_is_signed, host));
}

void publish_tlsa(fakes::FakeNetwork& network, const Event& event) {
  const auto& host = hosts_of(event.domain)[static_cast<std::size_t>(event.number)];
  std::vector<net::TlsaRecord> records{record(3, 32)};
  bool secure = true;
  auto kind = Kind::records;
  switch (event.what) {
    case Event::tlsa_usable_too: records = {record(1, 32), record(3, 16), record(2, 32)}; break;
    case Event::tlsa_unusable: records = {record(1, 32), record(3, 16)}; break;
    case Event::tlsa_absent: kind = Kind::no_such_name; break;
    case Event::tlsa_absent_unsigned:
      kind = Kind::no_data;
      secure = false;
      break;
    case Event::tlsa_unsigned: secure = false; break;
    default: break;
  }
  auto script = answer(event, kind, secure, "");
  if (kind == Kind::records) script.outcome->value().tlsa = std::move(records);
  if (event.what == Event::tlsa_failed) script = failure(event);
  if (event.what == Event::tlsa_silent) script = silence();
  if (event.what == Event::tlsa_unreachable) script = failure(event, Fault::dns_unreachable);
  for (const auto port : HostsSeen::kPorts) {
    if (event.port != 0 && event.port != port) continue;
    const auto base = (event.at_alias ? std::string(kAliasPrefix) : "") + host;
    network.set_dns({fmt::format("_{}._tcp.{}", port, base), RecordType::tlsa}, script);
  }
}

/// The self-test's answer (D1).
void publish_root(fakes::FakeNetwork& network, const Event& event) {
  const auto script =
      event.what == Event::not_told ? failure(event) : answer(event, Kind::records, true, "");
  network.set_dns({base::DomainName::root().text(), RecordType::ns}, script);
}

}  // namespace tlspolicyd::property
