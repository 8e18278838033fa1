#include "net/smtp_probe.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "net/host_lookup.h"

namespace tlspolicyd::net {
namespace {

using base::Fault;

constexpr int kServiceReady = 220;
constexpr int kOk = 250;

std::vector<base::Prefix> everywhere() {
  return {base::Prefix::parse("0.0.0.0/0").value(), base::Prefix::parse("::/0").value()};
}

/// What failed, where something did.
std::string failure_of(const SmtpProbeReport& report) {
  std::string what = "the certificate is valid for none of the names";
  if (report.trouble) {
    what = fmt::format("{}: {}", name_of(report.reached), report.trouble->text);
  } else if (!report.offers_starttls) {
    what = "it does not offer STARTTLS";
  } else if (report.certificate && !report.certificate->distrust.empty()) {
    what = "certificate: " + report.certificate->distrust;
  }
  // The error of a connection begins with the address.
  return base::printable(report.address.empty() ? what : report.address + ": " + what);
}

bool would_block(int cause) { return cause == EAGAIN || cause == EWOULDBLOCK || cause == EINTR; }

}  // namespace

std::string_view name_of(SmtpProbeReport::Stage stage) {
  switch (stage) {
    case SmtpProbeReport::Stage::looking_up: return "addresses";
    case SmtpProbeReport::Stage::connecting: return "connection";
    case SmtpProbeReport::Stage::greeting: return "greeting";
    case SmtpProbeReport::Stage::ehlo: return "EHLO";
    case SmtpProbeReport::Stage::starttls: return "STARTTLS";
    case SmtpProbeReport::Stage::handshake: return "TLS handshake";
    case SmtpProbeReport::Stage::done: break;
  }
  return "done";
}

SmtpProbe::SmtpProbe(Loop& loop, Resolver& resolver, const SmtpTls& tls, SmtpProbeRequest request,
                     Done done, base::milliseconds patience)
    : loop_(loop),
      tls_(tls),
      request_(std::move(request)),
      done_(std::move(done)),
      patience_(patience),
      began_(loop.steady()),
      anywhere_(everywhere()) {
  begin_patience();
  step_ = std::make_unique<HostLookup>(resolver, loop_, request_.host, anywhere_,
                                       [this](auto addresses) { resolved(std::move(addresses)); });
}

SmtpProbe::~SmtpProbe() = default;

void SmtpProbe::begin_patience() {
  deadline_ = loop_.after(std::min(patience_, time_left()), [this] {
    const std::chrono::duration<double> limit = patience_;
    fail(Fault::deadline, fmt::format("not done within {:g} s", limit.count()));
  });
}

base::milliseconds SmtpProbe::time_left() const {
  return std::chrono::duration_cast<base::milliseconds>(began_ + kMaxStalls * patience_ -
                                                        loop_.steady());
}

void SmtpProbe::resolved(base::Result<std::vector<base::Address>> addresses) {
  if (!addresses) return fail(addresses.error().fault, addresses.error().text);
  report_.reached = Stage::connecting;
  std::vector<base::Endpoint> endpoints;
  for (const auto& address : connection_order(*addresses))
    endpoints.push_back({address, request_.port});
  step_ = std::make_unique<Connector>(
      loop_, std::move(endpoints), [this](auto connection) { connected(std::move(connection)); });
}

void SmtpProbe::connected(base::Result<Connection> connection) {
  if (!connection) return fail(connection.error().fault, connection.error().text);
  others_ = std::move(connection->others);
  report_.address = connection->peer.text();
  socket_ = std::move(connection->fd);
  event_.reset(event_new(loop_.base(), socket_.get(), 0, nullptr, nullptr));
  step_.reset();
  say(Stage::greeting, "");
}

/// Sends a command, and waits for the reply to it; without a command for the greeting.
void SmtpProbe::say(Stage next, std::string_view command) {
  report_.reached = next;
  to_send_ = command;
  reply_ = {};
  send();
}

void SmtpProbe::on_event(int, short, void* self) { static_cast<SmtpProbe*>(self)->proceed(); }

void SmtpProbe::wait_for(short what) {
  const int fd = stream_ ? stream_->fd() : socket_.get();
  if (!event_ ||
      event_assign(event_.get(), loop_.base(), fd, what, &SmtpProbe::on_event, this) != 0 ||
      event_add(event_.get(), nullptr) != 0)
    fail(Fault::system, "no memory for an event");
}

void SmtpProbe::proceed() {
  if (report_.reached == Stage::handshake) {
    // A step costs cryptography.
    step_ = loop_.in_own_turn([this] { handshake(); });
  } else if (!to_send_.empty()) {
    send();
  } else {
    receive();
  }
}

void SmtpProbe::send() {
  while (!to_send_.empty()) {
    const auto sent = ::send(socket_.get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
    if (sent < 0 && would_block(errno)) return wait_for(EV_WRITE);
    if (sent < 0) return fail(Fault::connect, std::generic_category().message(errno));
    to_send_.erase(0, static_cast<std::size_t>(sent));
  }
  wait_for(EV_READ);
}

void SmtpProbe::receive() {
  std::array<char, 4096> buffer;
  const auto length = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (length < 0 && would_block(errno)) return wait_for(EV_READ);
  if (length < 0) return fail(Fault::connect, std::generic_category().message(errno));
  if (length == 0) return fail(Fault::connect, "the host closed the connection");
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(length));
  const auto taken = reply_.feed(bytes);
  switch (reply_.state()) {
    case SmtpReplyParser::State::need_more: return wait_for(EV_READ);
    case SmtpReplyParser::State::failed: return fail(reply_.error().fault, reply_.error().text);
    case SmtpReplyParser::State::complete: break;
  }
  // What stands there before TLS could have been put there by anybody (CVE-2011-0411).
  if (taken < bytes.size()) return fail(Fault::invalid, "the host says more than it was asked for");
  replied();
}

void SmtpProbe::replied() {
  const auto& reply = reply_.reply();
  const bool fine = reply.code == (report_.reached == Stage::ehlo ? kOk : kServiceReady);
  if (!fine) return fail(Fault::invalid, "the host says " + reply.text());
  switch (report_.reached) {
    case Stage::greeting: return say(Stage::ehlo, "EHLO " + request_.our_name + "\r\n");
    case Stage::ehlo:
      report_.offers_starttls = offers(reply, "STARTTLS");
      if (!report_.offers_starttls) {
        if (!has_demand() || !try_next()) finish();
        return;
      }
      return say(Stage::starttls, "STARTTLS\r\n");
    default: return begin_handshake();
  }
}

void SmtpProbe::begin_handshake() {
  report_.reached = Stage::handshake;
  auto ssl = tls_.connection(socket_.get(), request_.host.text(), request_.tlsa);
  if (!ssl) return fail(Fault::system, "OpenSSL cannot use the TLSA records, or has no memory");
  stream_.emplace(std::move(socket_), std::move(ssl));
  proceed();
}

void SmtpProbe::handshake() {
  using Outcome = TlsStream::Outcome;
  switch (stream_->handshake().outcome) {
    case Outcome::done: break;
    case Outcome::wants_read: return wait_for(EV_READ);
    case Outcome::wants_write: return wait_for(EV_WRITE);
    case Outcome::closed:
    case Outcome::cut_off: return fail(Fault::tls, "the host closed the connection");
    case Outcome::reset:
    case Outcome::failed: return fail(stream_->error().fault, stream_->error().text);
  }
  report_.reached = Stage::done;
  report_.tls_version = stream_->version();
  report_.certificate = judge_peer(stream_->ssl(), request_.names);
  if (is_satisfied() || !try_next()) finish();
}

bool SmtpProbe::is_satisfied() const {
  if (!has_demand()) return true;
  const auto& shown = *report_.certificate;
  return shown.distrust.empty() && (!request_.tlsa.empty() || !shown.matched.empty());
}

void SmtpProbe::fail(Fault fault, std::string_view text) {
  report_.trouble = base::Error{fault, base::printable(text, 200)};
  if (base::is_own_trouble(fault) || !try_next()) finish();
}

/// False if there is no other address, or no time for one.
bool SmtpProbe::try_next() {
  if (others_.empty() || time_left() < patience_ / 2) return false;
  say_goodbye();
  event_.reset();
  stream_.reset();
  socket_ = {};
  earlier_.push_back(std::exchange(report_, {}));
  report_.reached = Stage::connecting;
  begin_patience();
  step_ = std::make_unique<Connector>(loop_, std::exchange(others_, {}), [this](auto connection) {
    connected(std::move(connection));
  });
  return true;
}

/// Politeness: it is not waited for.
void SmtpProbe::say_goodbye() {
  constexpr std::string_view kQuit = "QUIT\r\n";
  if (stream_ && report_.reached == Stage::done) {
    stream_->write(kQuit);
    stream_->close_notify();
  } else if (socket_ && report_.reached > Stage::connecting) {
    ::send(socket_.get(), kQuit.data(), kQuit.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

void SmtpProbe::choose_report() {
  const bool is_good =
      !report_.trouble && (!has_demand() || (report_.certificate && is_satisfied()));
  for (auto& other : earlier_)
    if (!is_good && other.reached > report_.reached) std::swap(other, report_);
  for (const auto& other : earlier_) report_.others.push_back(failure_of(other));
}

void SmtpProbe::finish() {
  say_goodbye();
  choose_report();
  report_.took = std::chrono::duration_cast<base::milliseconds>(loop_.steady() - began_);
  event_.reset();
  deadline_.reset();
  const auto done = std::move(done_);
  done(std::move(report_));  // may destroy this
}

}  // namespace tlspolicyd::net
