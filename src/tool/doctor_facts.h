#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/effective.h"
#include "config/read_config.h"
#include "net/dns.h"
#include "net/dns_resolver.h"
#include "net/listen_address.h"
#include "tool/daemon_process.h"
#include "tool/main_cf.h"
#include "tool/running_daemon.h"

/// What `tlspolicy doctor` looks at: collected by doctor_look and doctor_survey, judged by
/// doctor_judge.
namespace tlspolicyd::tool {

/// What the daemon goes by: its own word, or where none answers the file.
struct ConfigurationFacts {
  std::string path;
  bool exists = false;
  config::Mistakes mistakes{};

  std::string admin{};     ///< the socket where the daemon was asked, "" if there is none
  bool forbidden = false;  ///< this user may not ask it
  std::string trouble{};   ///< why it does not tell
  std::optional<RunningDaemon> daemon{};   ///< what it tells
  std::vector<config::Setting> changed{};  ///< in the file, against what is in force
  std::optional<DaemonProcess> process{};  ///< that runs, asked or not
  config::Config config{};                 ///< to go by

  std::string restart{};  ///< the command that starts the daemon anew
  std::string reload{};   ///< that lets it read its file
};

/// A file or directory, as stat(2) sees it.
struct FileFacts {
  std::string path;
  int trouble = 0;  ///< errno, 0 if it was seen
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;  ///< type and permissions
};

struct DaemonFacts {
  struct Endpoint {
    net::ListenAddress listen;
    bool forbidden = false;  ///< this user may not connect
    std::string trouble;     ///< why there was no reply
    std::string reply;       ///< to a name that nobody can have
  };
  std::vector<Endpoint> endpoints;
  std::string start;  ///< the command that starts it
};

/// Who answers questions to the DNS.
struct ResolverFacts {
  struct Server {
    explicit Server(const base::Endpoint& where) : endpoint(where) {}
    base::Endpoint endpoint;
    bool trusted = false;       ///< its AD bit counts
    bool only_postfix = false;  ///< smtp(8) asks it (resolv.conf), the daemon does not
    /// The name servers of the root, which is signed; `authenticated` is the AD bit, trusted or
    /// not.
    base::Result<net::DnsAnswer> root{base::Error{base::Fault::system, "not asked"}};
    base::Result<net::DnsAnswer> bogus{base::Error{base::Fault::system, "not asked"}};
    /// A name that exists: tells whether this server gets answers at all.
    base::Result<net::DnsAnswer> ordinary{base::Error{base::Fault::system, "not asked"}};
  };
  /// A name server that cannot be asked as the machine is now.
  struct Problem {
    std::string place;   ///< where it is named, e.g. "/etc/resolv.conf line 3"
    std::string server;  ///< as it is named there
    std::string reason;
  };
  std::vector<Server> servers;
  std::vector<Problem> problems{};
  bool from_configuration = false;
  bool uses_dane = true;
  std::string bogus_name;
};

struct HttpsFacts {
  std::string host;
  std::uint16_t port = 443;
  std::string ca_file;  ///< of the configuration, "" for the system's trust store
  base::Result<int> status{base::Error{base::Fault::system, "not asked"}};  ///< of the policy
  std::string policy_trouble;  ///< of a reply with status 200
  base::milliseconds took{0};
};

/// Certificates to trust.
struct TrustFacts {
  std::string where;
  int trouble = 0;  ///< errno
  std::size_t certificates = 0;
  std::string refused;            ///< why OpenSSL cannot use them
  bool by_configuration = false;  ///< https.ca_file, not the system's trust store
};

/// Where mail is handed over to the network.
struct PostfixFacts {
  std::string directory;    ///< of main.cf, "" for Postfix's own
  std::string unavailable;  ///< why nothing is known; then the rest is empty
  MainCfFacts main_cf;
  std::optional<TrustFacts> ca_file;  ///< smtp_tls_CAfile, where it is set
  std::size_t in_bundle = 0;          ///< certificates of the system's bundle

  /// Whom smtp(8) runs as; not `known` where there is no such user.
  struct User {
    std::string name = "postfix";
    bool known = false;
    uid_t id = 0;
    std::vector<gid_t> groups;
  } user;
  std::string start;  ///< the command that starts the daemon
  /// From the queue directory or the root to the daemon's unix socket; empty where it is none.
  std::vector<FileFacts> way_to_socket;

  std::optional<std::string> resolv_conf;  ///< the system's
  std::optional<std::string> resolv_conf_in_chroot;
  int chroot_trouble = 0;  ///< errno of reading that
};

struct MachineFacts {
  std::string cache_path;
  bool cache_is_certain = false;  ///< the daemon says that it is there
  FileFacts cache_directory;
  FileFacts cache;
  std::uint64_t free_bytes = 0;  ///< for the cache
  bool read_only = false;
  std::optional<uid_t> daemon_user;         ///< of the one that runs
  std::optional<std::size_t> daemon_files;  ///< its limit of open files
  std::size_t our_files = 0;                ///< the limit of a daemon that is started from here
  std::size_t wanted_files = 0;
  base::WallTime now{};
  base::WallTime installed{};  ///< when this program was
};

}  // namespace tlspolicyd::tool
