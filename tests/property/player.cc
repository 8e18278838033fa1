#include "player.h"

#include <fmt/format.h>

#include <algorithm>

#include "postfix/netstring.h"

namespace tlspolicyd::property {

using base::milliseconds;
using base::seconds;

namespace {

constexpr seconds kAnswered{45};
// All that waits by itself waits no longer: back-offs, TTLs.
constexpr std::chrono::hours kCalm{2};

}  // namespace

Player::Player(std::string* transcript)
    : transcript_(transcript),
      log_(transcript ? base::Severity::debug : base::Severity::error, base::Log::Format::text,
           [this](auto, std::string_view line) { note("    " + std::string(line)); }) {
  start();
}

Player::~Player() = default;

void Player::note(const std::string& line) {
  if (transcript_) *transcript_ += line + "\n";
}

std::optional<std::string> Player::play(const std::vector<Event>& events) {
  std::size_t domains = 0;
  for (const auto& event : events) {
    note(
        fmt::format("{:12} {}", time_.steady().time_since_epoch() / milliseconds{1}, event.text()));
    domains = std::max(domains, event.domain + 1);
    play(event);
    sweep();
    oracle_.look();
    if (oracle_.verdict()) return oracle_.verdict();
  }
  note("all works again");
  change_disk({.what = Event::works, .time = milliseconds{1}});
  for (std::size_t domain = 0; domain < domains; ++domain) end_well(domain);
  stop(kCalm);
  for (std::size_t domain = 0; domain < domains; ++domain) {
    for (const auto& map : {kMaps[0], kMaps[1]}) {
      auto& asked = begin(domain, map, kDomains[domain], false);
      wait_for(asked);
      if (!oracle_.verdict() && !asked.reply->starts_with("OK secure"))
        oracle_.blame(fmt::format("{}, when all works: {}", kDomains[domain], *asked.reply));
    }
  }
  return oracle_.verdict();
}

void Player::play(const Event& event) {
  using enum Event::Kind;
  switch (event.kind) {
    case ask: return this->ask(event);
    case bogus: return ask_bogus(event);
    case storm:
      for (int at = 0; at < event.number; ++at) {
        const auto spelled = static_cast<std::size_t>(at) % spellings(event.domain).size();
        begin(event.domain, kMaps[static_cast<std::size_t>(at) % kMaps.size()],
              spellings(event.domain)[spelled], spelled >= kFirstBracketed);
      }
      return;
    case hang_up:
      if (!asked_.empty()) asked_.pop_front();
      return;
    case pass: return this->pass(event.time);
    case stop: return this->stop(event.time);
    case jump: time_.jump(event.seconds); return oracle_.clock_was_set(event.seconds);
    case txt: return publish_txt(event);
    case https: return publish_https(event);
    case mx: return publish_mx(event);
    case disk: return change_disk(event);
    case kill: return this->kill();
  }
}

void Player::start() {
  life_ = std::make_unique<fakes::Life>(time_, web_, store_, log_, fakes::Settings{});
  responder_ = std::make_unique<postfix::Responder>(
      life_->service,
      postfix::MapTable({{kMaps.back(), service::Profile::compat, /*enforce_testing=*/true}}),
      log_);
}

/// kill -9 and a new start.
void Player::kill() {
  asked_.clear();
  responder_.reset();
  store_.crash();
  oracle_.killed();
  life_.reset();
  start();
}

Player::Asked& Player::begin(std::size_t domain, const std::string& map, const std::string& key,
                             bool bracketed) {
  auto& asked = asked_.emplace_back();
  asked.question = {domain, map == kMaps[1] || map == kMaps[3], bracketed, map == kMaps.back(),
                    time_.steady()};
  asked.key = map + " " + key;
  oracle_.asked(domain);
  const auto take = [this, &asked](std::string_view wire) {
    asked.reply = postfix::read_netstring(wire, 100'000).payload;
    note(fmt::format("  {} -> {}", asked.key, *asked.reply));
    oracle_.answered(asked.question, *asked.reply);
  };
  std::string out;
  auto response = responder_->respond(asked.key, out, take);
  asked.waiting = std::move(response.waiting);
  if (response.kind == postfix::Responder::Response::Kind::malformed)
    oracle_.blame("a request is malformed: " + asked.key);
  if (!out.empty()) take(out);
  return asked;
}

void Player::ask(const Event& event) {
  const auto spelled = static_cast<std::size_t>(event.what);
  auto& asked = begin(event.domain, kMaps[static_cast<std::size_t>(event.number)],
                      spellings(event.domain)[spelled], spelled >= kFirstBracketed);
  if (event.waits) wait_for(asked);
}

void Player::wait_for(Asked& asked) {
  if (time_.pass_until(kAnswered, [&] { return asked.reply.has_value(); })) return;
  oracle_.blame(fmt::format("I9: {}: no answer within 45 s", asked.key));
  asked.reply = "";
}

void Player::ask_bogus(const Event& event) {
  const auto traffic = [this] {
    return web_.network().dns_questions() + web_.network().https_requests();
  };
  const auto before = traffic();
  const auto& key = bogus_keys()[static_cast<std::size_t>(event.what)];
  std::string out;
  const auto response = responder_->respond(
      kMaps[static_cast<std::size_t>(event.number)] + " " + key, out, [](std::string_view) {});
  if (response.waiting || out != "9:NOTFOUND ," || traffic() != before)
    oracle_.blame(fmt::format("I10: \"{}\" was not answered NOTFOUND at once: {}", key, out));
}

void Player::pass(milliseconds duration) {
  time_.pass(duration);
  sweep();
}

/// I9, and forgets what was answered.
void Player::sweep() {
  const auto late = [this](const Asked& asked) {
    return !asked.reply && time_.steady() - asked.question.began > kAnswered;
  };
  for (const auto& asked : asked_)
    if (late(asked)) oracle_.blame(fmt::format("I9: {}: no answer within 45 s", asked.key));
  std::erase_if(asked_, [](const Asked& asked) { return asked.reply.has_value(); });
}

/// Nobody has been left waiting when it is stopped; what is late for I9 would be so by that.
void Player::stop(milliseconds duration) {
  pass(kAnswered);
  time_.stop(duration);
  oracle_.stopped(duration);
  pass(seconds{70});
}

void Player::publish_txt(const Event& event) {
  using base::Error;
  using base::Fault;
  oracle_.txt_changed(event.domain);
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
  web_.network().set_dns({"_mta-sts." + kDomains[event.domain], net::RecordType::txt}, script);
}

void Player::publish_https(const Event& event) {
  using base::Error;
  using base::Fault;
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
  web_.network().set_https("mta-sts." + kDomains[event.domain], script);
}

void Player::publish_mx(const Event& event) {
  using base::Error;
  using base::Fault;
  net::DnsAnswer answer;
  answer.ttl = event.seconds;
  answer.kind = net::DnsAnswer::Kind::records;
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
  web_.network().set_dns({kDomains[event.domain], net::RecordType::mx}, script);
}

void Player::change_disk(const Event& event) {
  using Health = fakes::FakeStore::Health;
  const auto health = event.what == Event::full   ? Health::full
                      : event.what == Event::dead ? Health::silent
                                                  : Health::works;
  store_.set_health(health);
  store_.set_delay(event.time);
  oracle_.disk_changed(health, event.time);
}

/// A domain that is as it should be again: a new id, and a policy that enforces.
void Player::end_well(std::size_t domain) {
  Event event{.domain = domain, .what = Event::id, .number = 100, .time = milliseconds{1}};
  event.seconds = seconds{300};
  publish_txt(event);
  event.what = Event::names;
  event.number = 0;
  publish_mx(event);
  event.what = Event::policy;
  publish_https(event);
}

}  // namespace tlspolicyd::property
