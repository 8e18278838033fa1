#include "player.h"

#include <fmt/format.h>

#include <algorithm>

#include "postfix/netstring.h"
#include "publish.h"

namespace tlspolicyd::property {

using base::milliseconds;
using base::seconds;

namespace {

// The patience of a question, the resolver's deadline for the MX look-up, the gate's patience.
constexpr seconds kAnswered{30 + 10 + 15 + 1};
// All that waits by itself waits no longer: back-offs, TTLs.
constexpr seconds kLongestFetch{95};
constexpr std::chrono::hours kCalm{2};

bool has_dane_in_the_end(std::size_t domain) { return domain % 2 == 1; }

}  // namespace

Player::Player(std::string* transcript)
    : transcript_(transcript),
      log_(transcript ? base::Severity::debug : base::Severity::error, base::Log::Format::text,
           [this](auto, std::string_view line) { note("    " + std::string(line)); }) {
  play({.kind = Event::Kind::resolver, .what = Event::validates});
  start();
}

Player::~Player() = default;

void Player::note(const std::string& line) {
  if (transcript_) *transcript_ += line + "\n";
}

std::optional<std::string> Player::play(const std::vector<Event>& events) {
  std::size_t domains = 0;
  for (const auto& event : events) {
    if (transcript_)
      note(fmt::format("{:12} {}", time_.steady().time_since_epoch() / milliseconds{1},
                       event.text()));
    domains = std::max(domains, event.domain + 1);
    play(event);
    sweep();
    oracle_.look();
    if (oracle_.verdict()) return oracle_.verdict();
  }
  note("all works again");
  change_disk({.what = Event::works, .time = milliseconds{1}});
  for (std::size_t domain = 0; domain < domains; ++domain) end_well(domain);
  pass(kLongestFetch);  // while the process is stopped nothing ends
  stop(kCalm);
  for (std::size_t domain = 0; domain < domains; ++domain) {
    for (const auto& map : {kMaps[0], kMaps[1]}) {
      auto& asked = begin(domain, map, 0);
      wait_for(asked);
      const auto* right = has_dane_in_the_end(domain) ? "OK dane-only" : "OK secure";
      if (!oracle_.verdict() && !asked.reply->starts_with(right))
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
        begin(event.domain, kMaps[static_cast<std::size_t>(at) % kMaps.size()], spelled);
      }
      return;
    case hang_up:
      if (asked_.empty()) return;
      oracle_.hung_up(asked_.front().question);
      asked_.pop_front();
      return;
    case pass: return this->pass(event.time);
    case stop: return this->stop(event.time);
    case jump: time_.jump(event.seconds); return oracle_.clock_was_set(event.seconds);
    case txt: oracle_.txt_changed(event.domain); return publish(web_.network(), event);
    case resolver:
      if (event.what != Event::not_told) web_.set_validating(event.what == Event::validates);
      return publish(web_.network(), event);
    case https:
    case mx:
    case hosts:
    case tlsa: return publish(web_.network(), event);
    case disk: return change_disk(event);
    case kill: return this->kill();
  }
}

void Player::start() {
  fakes::Settings settings;
  settings.dane.mode = service::DaneMode::gate;
  life_ = std::make_unique<fakes::Life>(time_, web_, store_, log_, settings);
  responder_ = std::make_unique<postfix::Responder>(
      life_->service,
      postfix::Responder::Rules{
          .maps = postfix::MapTable({{.name = kMaps.back(), .enforce_testing = true}})},
      time_, log_);
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

Player::Asked& Player::begin(std::size_t domain, const std::string& map, std::size_t spelling) {
  auto& asked = asked_.emplace_back();
  asked.question = {.number = ++questions_,
                    .domain = domain,
                    .by_patterns = map == kMaps[1] || map == kMaps[3],
                    .bracketed = spelling >= kFirstBracketed,
                    .testing_enforced = map == kMaps.back(),
                    .port = port_of(spelling),
                    .began = time_.steady()};
  asked.key = map + " " + spellings(domain)[spelling];
  oracle_.asked(asked.question);
  const auto take = [this, &asked](std::string_view wire) {
    asked.reply = postfix::read_netstring(wire, 100'000).payload;
    if (transcript_) note(fmt::format("  {} -> {}", asked.key, *asked.reply));
    oracle_.answered(asked.question, *asked.reply);
  };
  std::string out;
  auto response = responder_->respond(asked.key, last_policy_, out, take);
  asked.waiting = std::move(response.waiting);
  if (response.kind == postfix::Responder::Response::Kind::malformed)
    oracle_.blame("a request is malformed: " + asked.key);
  if (!out.empty()) take(out);
  return asked;
}

void Player::ask(const Event& event) {
  auto& asked = begin(event.domain, kMaps[static_cast<std::size_t>(event.number)],
                      static_cast<std::size_t>(event.what));
  if (event.waits) wait_for(asked);
}

void Player::wait_for(Asked& asked) {
  if (time_.pass_until(kAnswered, [&] { return asked.reply.has_value(); })) return;
  oracle_.blame(fmt::format("I9: {}: no answer within 56 s", asked.key));
  asked.reply = "";
}

void Player::ask_bogus(const Event& event) {
  const auto traffic = [this] {
    return web_.network().dns_questions() + web_.network().https_requests();
  };
  const auto before = traffic();
  const auto& key = bogus_keys()[static_cast<std::size_t>(event.what)];
  std::string out;
  const auto response =
      responder_->respond(kMaps[static_cast<std::size_t>(event.number)] + " " + key, last_policy_,
                          out, [](std::string_view) {});
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
    if (late(asked)) oracle_.blame(fmt::format("I9: {}: no answer within 56 s", asked.key));
  std::erase_if(asked_, [](const Asked& asked) { return asked.reply.has_value(); });
}

/// Nobody has been left waiting when it is stopped, and nobody looks at an MX host; what is late
/// for I9, and put together of old answers, would be so by that.
void Player::stop(milliseconds duration) {
  pass(kAnswered);
  time_.pass_until(kAnswered, [this] { return oracle_.dns_is_quiet(); });
  sweep();
  oracle_.look();
  time_.stop(duration);
  oracle_.stopped(duration);
  pass(seconds{70});
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
  Event event{.kind = Event::Kind::txt,
              .domain = domain,
              .what = Event::id,
              .number = 100,
              .time = milliseconds{1}};
  event.seconds = seconds{300};
  play(event);
  event.kind = Event::Kind::mx;
  event.what = Event::names;
  event.number = 0;
  event.secure = true;
  play(event);
  event.kind = Event::Kind::hosts;
  event.what = Event::a_signed;
  play(event);
  event.kind = Event::Kind::tlsa;
  event.what = has_dane_in_the_end(domain) ? Event::tlsa_usable : Event::tlsa_absent;
  play(event);
  event.kind = Event::Kind::resolver;
  event.what = Event::validates;
  play(event);
  event.kind = Event::Kind::https;
  event.what = Event::policy;
  play(event);
}

}  // namespace tlspolicyd::property
