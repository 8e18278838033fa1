#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/domain_name.h"
#include "base/operation.h"
#include "base/prefix.h"
#include "net/connector.h"
#include "net/smtp_reply.h"
#include "net/smtp_tls.h"
#include "net/tls_stream.h"

namespace tlspolicyd::net {

/// Which host to probe, and what its certificate is compared with.
struct SmtpProbeRequest {
  base::DomainName host;
  std::uint16_t port = 25;
  std::vector<std::string> names;  ///< elements of match=
  std::vector<TlsaRecord> tlsa;    ///< that authenticate it, usable ones; may be empty
  std::string our_name;            ///< for EHLO
};

/// What came of it.
struct SmtpProbeReport {
  enum class Stage { looking_up, connecting, greeting, ehlo, starttls, handshake, done };

  Stage reached = Stage::looking_up;
  std::optional<base::Error> trouble;          ///< why it went no further; printable
  std::string address;                         ///< "192.0.2.1:25", "" without connection
  bool offers_starttls = false;                ///< known once EHLO was answered
  std::string tls_version;                     ///< "TLSv1.3"
  std::optional<SmtpCertificate> certificate;  ///< once the handshake is done
  /// What failed at the host's other addresses, "192.0.2.1:25: greeting: ..."; printable.
  std::vector<std::string> others;
  base::milliseconds took{0};
};

/// "greeting" and the like, for people.
std::string_view name_of(SmtpProbeReport::Stage stage);

/// Looks at one MX host as smtp(8) would before it delivers: address, connection, greeting, EHLO,
/// STARTTLS, handshake with the host's name (servername=hostname), QUIT. No mail is sent.
///
/// Like smtp(8) it goes on to the host's next address where one fails, offers no STARTTLS although
/// names or TLSA records are given, or shows a certificate that satisfies neither. The report is of
/// the first address that did not fail; else of the one that came furthest, the last of those.
///
/// The host may be anywhere, also at special-purpose addresses: it is for people who ask for it,
/// never for the daemon. The process must ignore SIGPIPE.
class SmtpProbe final : public base::Operation {
 public:
  static constexpr base::milliseconds kPatience{10'000};  ///< for one address
  static constexpr int kMaxStalls = 3;  ///< times that patience: for everything together

  using Done = std::function<void(SmtpProbeReport)>;

  /// All given by reference must outlive it.
  SmtpProbe(Loop& loop, Resolver& resolver, const SmtpTls& tls, SmtpProbeRequest request, Done done,
            base::milliseconds patience = kPatience);
  ~SmtpProbe() override;

 private:
  using Stage = SmtpProbeReport::Stage;

  static void on_event(int fd, short what, void* self);
  void resolved(base::Result<std::vector<base::Address>> addresses);
  void connected(base::Result<Connection> connection);
  void say(Stage next, std::string_view command);
  void wait_for(short what);
  void proceed();
  void send();
  void receive();
  void replied();
  void begin_handshake();
  void handshake();
  void fail(base::Fault fault, std::string_view text);
  bool has_demand() const { return !request_.names.empty() || !request_.tlsa.empty(); }
  bool is_satisfied() const;
  void begin_patience();
  base::milliseconds time_left() const;
  bool try_next();
  void say_goodbye();
  void choose_report();
  void finish();

  Loop& loop_;
  const SmtpTls& tls_;
  const SmtpProbeRequest request_;
  Done done_;
  const base::milliseconds patience_;
  const base::SteadyTime began_;
  const std::vector<base::Prefix> anywhere_;
  std::vector<base::Endpoint> others_;    ///< not tried, in order
  std::vector<SmtpProbeReport> earlier_;  ///< of addresses that failed
  SmtpProbeReport report_;                ///< of the present one
  FileDescriptor socket_;                 ///< before TLS
  std::string to_send_;                   ///< of the present command what is left
  SmtpReplyParser reply_;                 ///< to it
  std::optional<TlsStream> stream_;
  base::OperationPtr deadline_;
  base::OperationPtr step_;
  EventPtr event_;  ///< last: it must go before the socket
};

}  // namespace tlspolicyd::net
