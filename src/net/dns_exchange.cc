#include "net/dns_exchange.h"

#include <event2/event.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/ascii.h"

namespace tlspolicyd::net {
namespace {

// Larger than what we allow the server to send; what does not even fit here is asked for over TCP.
constexpr std::size_t kDatagramBuffer = 4096;
constexpr unsigned kFormErr = 1;

// "connection refused": in the middle of a sentence.
std::string text_of(int cause) {
  auto text = std::generic_category().message(cause);
  text.front() = base::to_lower(text.front());
  return text;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

bool DnsExchange::Failure::tells_more_than(const Failure& later) const {
  return kind != later.kind ? kind > later.kind : !detail.empty();
}

DnsExchange::DnsExchange(Loop& loop, const base::Endpoint& server, const DnsQuestion& question,
                         unsigned cnames_left, Done done)
    : loop_(loop),
      server_(server),
      question_(question),
      cnames_left_(cnames_left),
      done_(std::move(done)) {
  ask_over_udp();
}

void DnsExchange::ask_over_udp() {
  const int cause = send_datagram();
  if (cause != 0) {
    then_ = loop_.after(base::milliseconds(0), [this, cause] { socket_failed(cause); });
    return;
  }
  event_.reset(event_new(loop_.base(), socket_.get(), EV_READ | EV_PERSIST,
                         &DnsExchange::on_readable, this));
  event_add(event_.get(), nullptr);
}

// The errno of what fails at once, else zero.
int DnsExchange::send_datagram() {
  event_.reset();
  const base::SocketAddress address(server_);
  socket_ = FileDescriptor(
      ::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_ || ::getentropy(&id_, sizeof id_) != 0) return errno;
  if (::connect(socket_.get(), address.get(), address.length) != 0) return errno;
  const auto query = build_query(question_, id_, edns_);
  if (::send(socket_.get(), query.data(), query.size(), 0) >= 0) return 0;
  // A full queue is a lost packet, nothing more.
  return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0 : errno;
}

void DnsExchange::on_readable(int, short, void* self) {
  static_cast<DnsExchange*>(self)->receive();
}

void DnsExchange::receive() {
  std::array<std::uint8_t, kDatagramBuffer> buffer;
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) socket_failed(errno);
    return;
  }
  const auto size = static_cast<std::size_t>(got);
  if (size > buffer.size()) return ask_over_tcp();
  judge(parse_reply(WireMessage(buffer).first(size), question_, id_, cnames_left_), false);
}

void DnsExchange::ask_over_tcp() {
  event_.reset();
  socket_ = FileDescriptor();
  if (::getentropy(&id_, sizeof id_) != 0) return socket_failed(errno);
  then_ = std::make_unique<DnsTcp>(
      loop_, server_, build_query(question_, id_, edns_), [this](auto message) {
        if (!message) {
          const bool own = base::is_own_trouble(message.error().fault);
          return finish(Failure{
              own ? Failure::Kind::unreachable : Failure::Kind::tcp, message.error().text, {}});
        }
        judge(parse_reply(*message, question_, id_, cnames_left_), true);
      });
}

void DnsExchange::judge(DnsReply reply, bool over_tcp) {
  std::visit(
      Overloaded{
          [&](NotOurs) { not_ours(over_tcp); },
          [&](Truncated) {
            if (over_tcp) return unreadable("TCP: truncated reply");
            ask_over_tcp();
          },
          [&](BareFormErr) {
            if (edns_ == Edns::without) return not_ours(over_tcp);
            ask_without_edns(over_tcp);
          },
          [&](FailingRcode& failing) { judge_rcode(failing, over_tcp); },
          [&](NotRecursive& refusal) {
            finish(Failure{Failure::Kind::rcode,
                           fmt::format("name server {} does not recurse (no RA)", server_.text()),
                           describe(refusal.errors)});
          },
          [&](Malformed& malformed) { unreadable(std::move(malformed.text)); },
          [&](auto& told) { finish(std::move(told)); },
      },
      reply);
}

void DnsExchange::not_ours(bool over_tcp) {
  if (over_tcp) return unreadable("TCP: not a reply to the question");
  if (++bad_replies_ == kMaxBadReplies) ask_over_tcp();
}

void DnsExchange::unreadable(std::string text) {
  finish(Failure{Failure::Kind::malformed, std::move(text), {}});
}

void DnsExchange::judge_rcode(const FailingRcode& failing, bool over_tcp) {
  if (failing.rcode == kFormErr && edns_ == Edns::with) return ask_without_edns(over_tcp);
  finish(Failure{Failure::Kind::rcode, name_of_rcode(failing.rcode), describe(failing.errors)});
}

void DnsExchange::ask_without_edns(bool over_tcp) {
  edns_ = Edns::without;
  over_tcp ? ask_over_tcp() : ask_over_udp();
}

void DnsExchange::socket_failed(int cause) {
  finish(Failure{Failure::Kind::unreachable, text_of(cause), {}});
}

void DnsExchange::finish(Outcome outcome) {
  event_.reset();
  socket_ = FileDescriptor();
  then_.reset();
  const auto done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace tlspolicyd::net
