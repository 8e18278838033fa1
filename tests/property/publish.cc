#include "publish.h"

#include <fmt/format.h>

namespace tlspolicyd::property {
namespace {

using base::Error;
using base::Fault;
using base::seconds;

void publish_txt(fakes::FakeNetwork& network, const Event& event) {
  net::DnsAnswer answer;
  answer.ttl = event.seconds;
  fakes::FakeNetwork::Script<net::DnsAnswer> script{.delay = event.time, .outcome = {}};
  const auto record = [&](int id) { return fmt::format("v=STSv1; id={};", id); };
  const auto records = [&](std::vector<std::string> texts) {
    answer.kind = net::DnsAnswer::Kind::records;
    answer.txt = std::move(texts);
    script.outcome = base::Result(answer);
  };
  switch (event.what) {
    case Event::id: records({record(event.number)}); break;
    case Event::several: records({record(1), record(2)}); break;
    case Event::invalid: records({"v=STSv1; ID=1;"}); break;
    case Event::absent:
    case Event::denied:
      answer.kind = net::DnsAnswer::Kind::no_such_name;
      answer.authenticated = event.what == Event::denied;
      script.outcome = base::Result(answer);
      break;
    case Event::servfail: script.outcome = Error{Fault::dns_failed, "SERVFAIL"}; break;
    case Event::timeout: script.outcome = Error{Fault::dns_timeout, "no answer in time"}; break;
    case Event::unreachable:
      script.outcome = Error{Fault::dns_unreachable, "no name server can be reached"};
      break;
    default:  // silent: the resolver's own deadline ends it
      script = {seconds{10}, Error{Fault::dns_timeout, "silence"}};
  }
  network.set_dns({"_mta-sts." + kDomains[event.domain], net::RecordType::txt}, script);
}

void publish_https(fakes::FakeNetwork& network, const Event& event) {
  net::HttpsReply reply{.status = 200, .media_type = "text/plain", .body = {}, .peer = {}};
  reply.body = policies_of(event.domain)[static_cast<std::size_t>(event.number)].body();
  fakes::FakeNetwork::Script<net::HttpsReply> script{.delay = event.time, .outcome = {}};
  switch (event.what) {
    case Event::policy: break;
    case Event::status: reply.status = 404; break;
    case Event::wrong_type: reply.media_type = "text/html"; break;
    case Event::garbage: reply.body.erase(0, 3); break;
    case Event::fault: script.outcome = Error{Fault::tls, "handshake failed"}; break;
    case Event::own_fault: script.outcome = Error{Fault::system, "too many open files"}; break;
    default:  // mute: the client's own deadline ends it
      script = {seconds{60}, Error{Fault::deadline, "silence"}};
  }
  if (!script.outcome) script.outcome = base::Result(reply);
  network.set_https("mta-sts." + kDomains[event.domain], script);
}

void publish_mx(fakes::FakeNetwork& network, const Event& event) {
  net::DnsAnswer answer;
  answer.ttl = event.seconds;
  answer.kind = net::DnsAnswer::Kind::records;
  answer.authenticated = event.secure;
  fakes::FakeNetwork::Script<net::DnsAnswer> script{.delay = event.time, .outcome = {}};
  switch (event.what) {
    case Event::names:
      for (const auto& host : mx_sets_of(event.domain)[static_cast<std::size_t>(event.number)])
        answer.mx.push_back({10, host});
      break;
    case Event::implicit: answer.kind = net::DnsAnswer::Kind::no_data; break;
    case Event::null: answer.mx.push_back({0, ""}); break;
    case Event::mx_servfail: script.outcome = Error{Fault::dns_failed, "SERVFAIL"}; break;
    default: script = {seconds{10}, Error{Fault::dns_timeout, "silence"}};
  }
  if (!script.outcome) script.outcome = base::Result(answer);
  network.set_dns({kDomains[event.domain], net::RecordType::mx}, script);
}

}  // namespace

void publish(fakes::FakeNetwork& network, const Event& event) {
  switch (event.kind) {
    case Event::Kind::txt: return publish_txt(network, event);
    case Event::Kind::https: return publish_https(network, event);
    case Event::Kind::mx: return publish_mx(network, event);
    case Event::Kind::hosts: return publish_addresses(network, event);
    case Event::Kind::tlsa: return publish_tlsa(network, event);
    case Event::Kind::resolver: return publish_root(network, event);
    default: return;
  }
}

}  // namespace tlspolicyd::property
