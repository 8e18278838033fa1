#include "stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "config/values.h"
#include "postfix/netstring.h"

namespace tlspolicyd::scenario {
namespace {

using base::milliseconds;
using base::seconds;
using Words = std::vector<std::string>;

milliseconds duration(const std::string& text) {
  const bool back = text.starts_with('-');
  const auto value = config::parse_duration(back ? text.substr(1) : text);
  if (!value) throw std::runtime_error(text + ": " + value.error().text);
  return back ? -*value : *value;
}

/// Takes a final "after DURATION" off the words.
milliseconds take_delay(Words& words) {
  if (words.size() < 2 || words[words.size() - 2] != "after") return milliseconds{1};
  const auto delay = duration(words.back());
  words.resize(words.size() - 2);
  return delay;
}

base::Fault fault_named(const std::string& name) {
  for (int code = 0; code <= static_cast<int>(base::Fault::system); ++code)
    if (name_of(static_cast<base::Fault>(code)) == name) return static_cast<base::Fault>(code);
  throw std::runtime_error("no such fault: " + name);
}

std::optional<base::Result<net::DnsAnswer>> dns_failure(const std::string& word) {
  using base::Error;
  using base::Fault;
  if (word == "servfail") return Error{Fault::dns_failed, "SERVFAIL"};
  if (word == "timeout") return Error{Fault::dns_timeout, "no answer in time"};
  if (word == "unreachable") return Error{Fault::dns_unreachable, "no name server can be reached"};
  return std::nullopt;
}

seconds ttl_of(const Words& words, std::size_t at) {
  return std::chrono::duration_cast<seconds>(seconds(std::stoll(words.at(at))));
}

/// "usable", or how it is not.
net::TlsaRecord tlsa_named(const std::string& word) {
  if (word == "usable") return {3, 1, 1, std::vector<std::uint8_t>(32)};
  if (word == "pkix") return {1, 1, 1, std::vector<std::uint8_t>(32)};
  if (word == "short") return {3, 1, 1, std::vector<std::uint8_t>(31)};
  throw std::runtime_error("no such TLSA record: " + word);
}

std::optional<net::RecordType> type_named(const std::string& verb) {
  using enum net::RecordType;
  static const std::map<std::string, net::RecordType> types{
      {"txt", txt},   {"mx", mx},       {"a", a},  {"aaaa", aaaa},
      {"tlsa", tlsa}, {"cname", cname}, {"ns", ns}};
  const auto found = types.find(verb);
  return found == types.end() ? std::nullopt : std::optional(found->second);
}

/// The name that a line of a scenario means: `_mta-sts` and ports are understood, `.` is the root.
std::string name_asked(net::RecordType type, const std::string& word) {
  if (type == net::RecordType::txt) return "_mta-sts." + word;
  if (type == net::RecordType::tlsa) {
    const auto colon = word.find(':');
    const auto port = colon == std::string::npos ? "25" : word.substr(colon + 1);
    return "_" + port + "._tcp." + word.substr(0, colon);
  }
  return word == "." ? "" : word;
}

service::DaneMode dane_mode(const std::string& word) {
  if (word == "off") return service::DaneMode::off;
  return word == "always" ? service::DaneMode::always : service::DaneMode::gate;
}

void fill(net::DnsAnswer& answer, net::RecordType type, const Words& words) {
  for (std::size_t at = 3; at < words.size(); ++at) {
    if (words[at] == "authenticated") {
      answer.authenticated = true;
    } else if (type == net::RecordType::txt) {
      answer.txt.push_back(words[at]);
    } else if (words[at] == "via") {
      answer.canonical_name = words.at(++at);
    } else if (type == net::RecordType::a || type == net::RecordType::aaaa) {
      answer.addresses.push_back(base::Address::parse(words[at]).value());
    } else if (type == net::RecordType::tlsa) {
      answer.tlsa.push_back(tlsa_named(words[at]));
    } else if (type == net::RecordType::cname) {
      answer.canonical_name = words[at];
    } else if (type != net::RecordType::ns) {
      answer.mx.push_back({static_cast<std::uint16_t>(at), words[at] == "." ? "" : words[at]});
    }
  }
}

}  // namespace

Stage::Stage()
    : log_(base::Severity::debug, base::Log::Format::text, [this](auto, std::string_view line) {
        log_text_.append("    ").append(line).append("\n");
      }) {}

void Stage::raise_curtain() {
  if (life_) return;
  life_ = std::make_unique<fakes::Life>(time_, network_, store_, log_, settings_);
  responder_ = std::make_unique<postfix::Responder>(
      life_->service, postfix::Responder::Rules{.maps = postfix::MapTable(maps_)}, time_, log_);
}

/// kill -9; the next line finds a process that was started again.
void Stage::kill() {
  asked_.clear();
  last_ = nullptr;
  responder_.reset();
  store_.crash();
  life_.reset();
  raise_curtain();
}

/// SIGHUP, and the settings are as before.
void Stage::reload() {
  life_->book.forget_failures();
  life_->book.forget_answers();
  life_->dane.forget_findings();
}

/// `tlspolicy refresh`.
void Stage::refresh(const std::string& domain) {
  raise_curtain();
  life_->service.drop_findings(domain);
  life_->service.refresh(base::DomainName::parse(domain).value(), [] {});
}

void Stage::change_disk(const Line& line) {
  using Health = fakes::FakeStore::Health;
  const auto& how = line.words.at(1);
  if (how == "works") {
    store_.set_health(Health::works);
  } else if (how == "full") {
    store_.set_health(Health::full);
  } else if (how == "silent") {
    store_.set_health(Health::silent);
  } else if (how == "takes") {
    store_.set_delay(duration(line.words.at(2)));
  } else if (how == "lost") {
    store_.replace({});
    store_.reopen();
  } else {
    throw std::runtime_error("unknown state of the disk: " + how);
  }
}

/// `log N TEXT`: the log has so many lines with this text, since the last such line of the
/// scenario.
void Stage::find_in_log(const Line& line) {
  const auto& text = line.words.at(2);
  int have = 0;
  for (auto at = log_text_.find(text, log_seen_); at != std::string::npos;
       at = log_text_.find(text, at + 1))
    ++have;
  log_seen_ = log_text_.size();
  if (have != std::stoi(line.words.at(1)))
    throw std::runtime_error(fmt::format("the log says it {} times", have));
}

void Stage::play(const Line& line) {
  const auto& words = line.words;
  const auto& verb = words.at(0);
  if (verb == "set") return set(line);
  if (const auto type = type_named(verb)) return script_dns(line, *type);
  if (verb == "https") return script_https(line);
  if (verb == "pass") return time_.pass(duration(words.at(1)));
  if (verb == "jump") return time_.jump(std::chrono::duration_cast<seconds>(duration(words.at(1))));
  if (verb == "kill") return kill();
  if (verb == "reload") return reload();
  if (verb == "refresh") return refresh(words.at(1));
  if (verb == "disk") return change_disk(line);
  if (verb == "log") return find_in_log(line);
  if (verb == "start") return raise_curtain();
  if (verb == "begin") {
    begin(words.at(1), words.at(2), words.at(3));
    return;
  }
  if (verb == "ask") {
    begin("", words.at(1), words.at(2));
    return wait_for("");
  }
  if (verb == "wait") return wait_for(words.at(1));
  if (verb == "pending") {
    if (asked_.at(words.at(1)).reply)
      throw std::runtime_error("it is answered: " + *asked_.at(words.at(1)).reply);
    return;
  }
  if (verb == "expect") return expect(line);
  if (verb == "within") {
    const auto took = last_->answered - last_->began;
    if (took > duration(words.at(1)))
      throw std::runtime_error(fmt::format("it took {} ms", took / milliseconds{1}));
    return;
  }
  if (verb == "not") {
    const auto took = last_->answered - last_->began;
    if (took < duration(words.at(2)))
      throw std::runtime_error(fmt::format("it took {} ms", took / milliseconds{1}));
    return;
  }
  if (verb == "count") return count(line);
  throw std::runtime_error("unknown line: " + line.text);
}

void Stage::set(const Line& line) {
  const auto& words = line.words;
  const auto& key = words.at(1);
  if (life_) throw std::runtime_error("set comes before the first question");
  if (key == "on_dns_error") {
    settings_.inquiry.defer_on_dns_error = words.at(2) == "temp";
  } else if (key == "fetches") {
    settings_.slots.total = std::stoul(words.at(2));
  } else if (key == "per_domain") {
    settings_.slots.per_registered_domain = std::stoul(words.at(2));
  } else if (key == "waiting") {
    settings_.slots.waiting = std::stoul(words.at(2));
  } else if (key == "policies") {
    settings_.book.policies = std::stoul(words.at(2));
  } else if (key == "unused") {
    settings_.refresh.unused = std::chrono::duration_cast<seconds>(duration(words.at(2)));
  } else if (key == "dane") {
    settings_.dane.mode = dane_mode(words.at(2));
    play({.number = line.number,
          .words = {"ns", ".", "3600", "authenticated"},
          .text = {},
          .block = {}});
  } else if (key == "dane_of") {
    settings_.dane.domains[words.at(2)] = dane_mode(words.at(3));
  } else if (key == "pinned") {
    settings_.inquiry.pinned.insert(words.at(2));
  } else if (key == "mixed") {
    settings_.dane.mixed = words.at(2) == "sts" ? dane::Mixed::sts : dane::Mixed::dane_only;
  } else if (key == "map") {
    maps_.push_back(
        {.name = words.at(2),
         .profile = words.at(3) == "tlsrpt" ? service::Profile::tlsrpt : service::Profile::compat,
         .enforce_testing = words.size() > 4 && words[4] == "enforce"});
  } else {
    throw std::runtime_error("unknown setting: " + key);
  }
}

void Stage::script_dns(const Line& line, net::RecordType type) {
  auto words = line.words;
  fakes::FakeNetwork::Script<net::DnsAnswer> script{.delay = take_delay(words), .outcome = {}};
  const auto& what = words.at(2);
  if (auto failed = dns_failure(what)) {
    script.outcome = std::move(failed);
  } else if (what != "silent") {
    net::DnsAnswer answer;
    if (what == "nxdomain" || what == "nodata") {
      answer.kind =
          what == "nodata" ? net::DnsAnswer::Kind::no_data : net::DnsAnswer::Kind::no_such_name;
      answer.ttl = ttl_of(words, 3);
      answer.canonical_name = name_asked(type, words.at(1));
      for (std::size_t at = 4; at < words.size(); ++at) {
        if (words[at] == "authenticated") answer.authenticated = true;
        if (words[at] == "via") answer.canonical_name = words.at(at + 1);
      }
    } else {
      answer.kind = net::DnsAnswer::Kind::records;
      answer.ttl = ttl_of(words, 2);
      answer.canonical_name = words.at(1);
      fill(answer, type, words);
    }
    script.outcome = base::Result<net::DnsAnswer>(std::move(answer));
  }
  network_.set_dns({name_asked(type, words.at(1)), type}, std::move(script));
}

void Stage::script_https(const Line& line) {
  auto words = line.words;
  fakes::FakeNetwork::Script<net::HttpsReply> script{.delay = take_delay(words), .outcome = {}};
  const auto& what = words.at(2);
  net::HttpsReply reply{.status = 200, .media_type = "text/plain", .body = {}, .peer = {}};
  for (const auto& text : line.block) reply.body += text + "\n";
  if (what == "status") reply.status = std::stoi(words.at(3));
  if (what == "type") reply.media_type = words.at(3);
  if (what == "fault") {
    script.outcome =
        base::Result<net::HttpsReply>(base::Error{fault_named(words.at(3)), "scripted"});
  } else if (what != "silent") {
    script.outcome = base::Result<net::HttpsReply>(std::move(reply));
  }
  network_.set_https("mta-sts." + words.at(1), std::move(script));
}

Stage::Asked& Stage::begin(const std::string& name, const std::string& map,
                           const std::string& key) {
  raise_curtain();
  auto& asked = asked_[name] =
      Asked{.began = time_.steady(), .answered = {}, .reply = {}, .waiting = nullptr};
  std::string out;
  const auto take = [this, &asked](std::string_view wire) {
    asked.reply = postfix::read_netstring(wire, 100'000).payload;
    asked.answered = time_.steady();
    asked.waiting.reset();
  };
  auto response = responder_->respond(map + " " + key, last_policy_, out, take);
  if (response.kind == postfix::Responder::Response::Kind::malformed)
    throw std::runtime_error("malformed request");
  asked.waiting = std::move(response.waiting);
  if (!out.empty()) take(out);
  return asked;
}

void Stage::wait_for(const std::string& name) {
  auto& asked = asked_.at(name);
  // Postfix gives up after 100 s: an answer that comes later is none.
  if (!time_.pass_until(seconds{100}, [&] { return asked.reply.has_value(); }))
    throw std::runtime_error("no answer within 100 s");
  last_ = &asked;
}

void Stage::expect(const Line& line) {
  auto want = line.text.substr(std::string("expect ").size());
  if (!last_) throw std::runtime_error("nothing was asked");
  // A reply without text keeps its space: "NOTFOUND ".
  if (want == "NOTFOUND") want = "NOTFOUND ";
  const bool begins = want.ends_with("...");
  if (begins) want.resize(want.size() - 3);
  const auto& reply = *last_->reply;
  if (begins ? !reply.starts_with(want) : reply != want)
    throw std::runtime_error(fmt::format("the reply is \"{}\"", reply));
}

void Stage::count(const Line& line) {
  const auto& words = line.words;
  const auto& what = words.at(1);
  const int want = std::stoi(words.back());
  const bool all = words.size() == 3;
  const auto name = all ? std::string() : words.at(2);
  int have = 0;
  if (what == "https") {
    have = all ? network_.https_requests() : network_.https_requests("mta-sts." + name);
  } else if (what == "dns") {
    have = network_.dns_questions();
  } else if (const auto type = type_named(what)) {
    have = network_.dns_questions({name_asked(*type, name), *type});
  } else if (what == "saved") {
    have = static_cast<int>(store_.held().size());
  } else if (what == "policies") {
    have = static_cast<int>(life_->book.policies());
  } else {
    throw std::runtime_error("unknown count: " + what);
  }
  if (have != want) throw std::runtime_error(fmt::format("the count is {}", have));
}

}  // namespace tlspolicyd::scenario
