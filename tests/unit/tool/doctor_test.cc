#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cerrno>
#include <functional>

#include "net/certificate_error.h"
#include "net/connect_error.h"
#include "tool/doctor_judge.h"

using namespace tlspolicyd;
using namespace tlspolicyd::tool;
using base::Error;
using base::Fault;
using Verdict = Finding::Verdict;

namespace {

constexpr const char* kBundle = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kQueue = "/var/spool/postfix";

/// What is not ok, and that all of it says what mends it.
Findings troubles(const Findings& all) {
  Findings found;
  for (const auto& finding : all) {
    CAPTURE(finding.text);
    CHECK(finding.mend.empty() == (finding.verdict == Verdict::ok));
    if (finding.verdict != Verdict::ok) found.push_back(finding);
  }
  CHECK_FALSE(all.empty());
  return found;
}

/// The only trouble.
Finding trouble(const Findings& all) {
  const auto found = troubles(all);
  REQUIRE(found.size() == 1);
  return found.front();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

net::ListenAddress endpoint(std::string_view text) {
  return net::parse_listen_address(text).value();
}

net::DnsAnswer answer(net::DnsAnswer::Kind kind, bool authenticated = false) {
  net::DnsAnswer found;
  found.kind = kind;
  found.authenticated = authenticated;
  return found;
}
const auto kRecords = answer(net::DnsAnswer::Kind::records);
const auto kSigned = answer(net::DnsAnswer::Kind::records, true);
const auto kNoName = answer(net::DnsAnswer::Kind::no_such_name);
const Error kServfail{Fault::dns_failed, "SERVFAIL"};
const Error kSilence{Fault::dns_timeout, "no answer"};

ResolverFacts::Server server(std::string_view address) {
  ResolverFacts::Server well(base::Endpoint::parse(address, 53).value());
  well.trusted = true;
  well.root = kSigned;
  well.bogus = kServfail;
  well.ordinary = kRecords;
  return well;
}

ResolverFacts resolver(std::vector<ResolverFacts::Server> servers) {
  ResolverFacts facts;
  facts.servers = std::move(servers);
  facts.bogus_name = "dnssec-failed.org";
  return facts;
}

/// A Postfix of Debian 12 that is as main-cf --apply leaves it, and chrooted.
PostfixFacts good_postfix() {
  PostfixFacts facts;
  auto& main_cf = facts.main_cf;
  main_cf.version = {3, 7, 11};
  main_cf.written = {{"smtp_tls_policy_maps", "socketmap:unix:tlspolicyd/socketmap:postfix"},
                     {"smtp_tls_CAfile", kBundle},
                     {"smtp_tls_security_level", "may"},
                     {"smtp_dns_support_level", "dnssec"},
                     {"smtp_delivery_status_filter", "socketmap:unix:tlspolicyd/socketmap:dsn"}};
  main_cf.effective = main_cf.written;
  main_cf.effective["queue_directory"] = kQueue;
  main_cf.effective["compatibility_level"] = "3.6";
  main_cf.smtp_services = {{"smtp", "y"}, {"relay", "y"}};
  main_cf.listen = {
      net::UnixAddress{std::string(kQueue) + "/tlspolicyd/socketmap", 0660, "postfix"}};
  main_cf.ca_bundle = kBundle;
  facts.ca_file = TrustFacts{kBundle, 0, 140, ""};
  facts.in_bundle = 140;
  facts.user = {"postfix", true, 101, {102}};
  facts.way_to_socket = {
      {kQueue, 0, 0, 0, S_IFDIR | 0755},
      {std::string(kQueue) + "/tlspolicyd", 0, 200, 200, S_IFDIR | 0755},
      {std::string(kQueue) + "/tlspolicyd/socketmap", 0, 200, 102, S_IFSOCK | 0660}};
  facts.resolv_conf = facts.resolv_conf_in_chroot = "nameserver 127.0.0.1\n";
  return facts;
}

void set(PostfixFacts& facts, const std::string& name, const std::string& value) {
  facts.main_cf.written[name] = facts.main_cf.effective[name] = value;
}
void unset(PostfixFacts& facts, const std::string& name) {
  facts.main_cf.written.erase(name);
  facts.main_cf.effective[name] = "";
}

MachineFacts machine() {
  MachineFacts facts;
  facts.cache_path = "/var/lib/tlspolicyd/cache.db";
  facts.cache_directory = {"/var/lib/tlspolicyd", 0, 200, 200, S_IFDIR | 0700};
  facts.cache = {facts.cache_path, 0, 200, 200, S_IFREG | 0600};
  facts.free_bytes = 1U << 30U;
  facts.daemon_user = 200;
  facts.daemon_files = 8768;
  facts.our_files = 1024;
  facts.wanted_files = 8768;
  facts.now = base::WallTime(base::seconds(1'800'000'000));
  facts.installed = base::WallTime(base::seconds(1'790'000'000));
  return facts;
}

}  // namespace

TEST_CASE("configuration: every mistake with its line") {
  ConfigurationFacts facts{.path = "/etc/tlspolicyd/tlspolicyd.yaml"};
  facts.admin = "unix:/run/tlspolicyd/admin";
  facts.trouble = "unix:/run/tlspolicyd/admin: No such file or directory";
  CHECK(troubles(judge_configuration(facts)).empty());
  CHECK(contains(judge_configuration(facts).front().text, "no daemon answers at unix:/run/"));
  facts.config.observe = true;
  CHECK(troubles(judge_configuration(facts)).size() == 1);
  facts.config.observe = false;
  facts.exists = true;
  facts.mistakes = {{3, "unknown key lisen"}, {0, "cannot be read"}};
  const auto found = troubles(judge_configuration(facts));
  REQUIRE(found.size() == 2);
  CHECK(found[0] == Finding{"configuration", Verdict::failed,
                            "/etc/tlspolicyd/tlspolicyd.yaml:3: unknown key lisen",
                            "vi +3 /etc/tlspolicyd/tlspolicyd.yaml"});
  CHECK(found[1].text == "/etc/tlspolicyd/tlspolicyd.yaml: cannot be read");
  CHECK(found[1].mend == "vi /etc/tlspolicyd/tlspolicyd.yaml");
}

TEST_CASE(
    "configuration: what the running daemon says counts, and where it differs from the file") {
  const auto told = [] {
    ConfigurationFacts facts{.path = "/etc/own.yaml", .exists = true};
    facts.admin = "unix:/run/tlspolicyd/admin";
    facts.restart = "tlspolicyd -c /etc/own.yaml";
    facts.reload = "kill -HUP 4711";
    facts.daemon.emplace();
    facts.daemon->admin = facts.admin;
    facts.daemon->pid = 4711;
    facts.daemon->file = "/etc/own.yaml";
    facts.daemon->loaded_at = "2026-11-28T16:25:29Z";
    return facts;
  };
  CHECK(judge_configuration(told()) ==
        Findings{{"configuration", Verdict::ok,
                  "as the running daemon (process 4711) says at unix:/run/tlspolicyd/admin: "
                  "/etc/own.yaml, read at 2026-11-28T16:25:29Z",
                  ""}});
  struct Row {
    const char* what;
    std::function<void(ConfigurationFacts&)> change;
    Verdict verdict;
    const char* text;
    const char* mend;
  };
  const Row rows[] = {
      {"no file", [](auto& it) { it.daemon->file.clear(), it.exists = false; }, Verdict::ok,
       "defaults, without a file", ""},
      {"another file", [](auto& it) { it.daemon->file = "/etc/other.yaml"; }, Verdict::warning,
       "/etc/own.yaml is not what the daemon goes by", "start the daemon with it"},
      {"the usual file came later",
       [](auto& it) { it.daemon->file.clear(), it.path = config::kDefaultPath; }, Verdict::warning,
       "is not what the daemon goes by", "kill -HUP 4711"},
      {"to be reloaded",
       [](auto& it) {
         it.changed = {{"https", "port", "444"}};
       },
       Verdict::warning, "other settings than the running daemon: https.port", "kill -HUP 4711"},
      {"to be restarted",
       [](auto& it) {
         it.changed = {{.section = "", .key = "listen", .value = "[]", .at_start = true}};
       },
       Verdict::warning, "other settings than the running daemon: listen",
       "tlspolicyd -c /etc/own.yaml"},
      {"observe", [](auto& it) { it.config.observe = true; }, Verdict::failed, "observe: true",
       "observe: false"},
      {"mistakes",
       [](auto& it) {
         it.mistakes = {{3, "unknown key"}};
       },
       Verdict::failed, "/etc/own.yaml:3: unknown key", "vi +3"},
      {"another version",
       [](auto& it) {
         it.daemon->mistakes = {{3, "unknown key"}};
       },
       Verdict::skipped, "in part: unknown key", "version"},
      {"not asked", [](auto& it) { it.daemon.reset(), it.forbidden = true; }, Verdict::skipped,
       "this user may not ask the daemon at unix:/run/tlspolicyd/admin", "sudo tlspolicy doctor"},
      {"silent", [](auto& it) { it.daemon.reset(), it.process = DaemonProcess{.pid = 7}; },
       Verdict::warning, "process 7 is a tlspolicyd that does not tell its configuration",
       "-a ENDPOINT"},
      {"no admin socket", [](auto& it) { it.daemon.reset(), it.admin.clear(); }, Verdict::ok,
       "/etc/own.yaml; the daemon has no admin socket", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto facts = told();
    row.change(facts);
    auto found = troubles(judge_configuration(facts));
    if (row.verdict == Verdict::ok) {
      CHECK(found.empty());
      found = judge_configuration(facts);
    }
    REQUIRE(found.size() == 1);
    CHECK(found[0].verdict == row.verdict);
    CHECK(contains(found[0].text, row.text));
    CHECK(contains(found[0].mend, row.mend));
  }
}

TEST_CASE("daemon: each endpoint answers, or why not") {
  const auto judged = [](DaemonFacts::Endpoint told) {
    return judge_daemon({{std::move(told)}, "systemctl restart tlspolicyd"});
  };
  const auto where = endpoint("inet:127.0.0.1:8461");
  CHECK(troubles(judged({where, false, "", "NOTFOUND "})).empty());
  CHECK(trouble(judged({where, false, "inet:127.0.0.1:8461: Connection refused", ""})) ==
        Finding{"daemon", Verdict::failed, "no answer: inet:127.0.0.1:8461: Connection refused",
                "systemctl restart tlspolicyd"});
  CHECK(trouble(judged({where, false, "", "OK may"})).verdict == Verdict::failed);
  CHECK(trouble(judged({where, true, "", ""})).verdict == Verdict::skipped);
}

TEST_CASE("D1 resolver: what the servers say, and what is made of it") {
  struct Row {
    const char* what;
    std::function<void(ResolverFacts::Server&)> change;
    Verdict verdict;
    const char* text;
    const char* mend;
  };
  const Row rows[] = {
      {"no AD", [](auto& it) { it.root = kRecords; }, Verdict::failed, "does not validate: no AD",
       "apt-get install unbound"},
      {"not believed", [](auto& it) { it.trusted = false; }, Verdict::failed, "is not trusted",
       "trust_ad: yes"},
      {"bogus passes", [](auto& it) { it.bogus = kRecords; }, Verdict::failed,
       "lets forged answers pass", "apt-get install unbound"},
      {"bogus name is gone", [](auto& it) { it.bogus = kNoName; }, Verdict::warning,
       "could not be told", "--bogus-name"},
      {"bogus is not answered", [](auto& it) { it.bogus = kSilence; }, Verdict::warning,
       "could not be told", "--bogus-name"},
      {"everything is SERVFAIL", [](auto& it) { it.ordinary = kServfail; }, Verdict::warning,
       "could not be told", "--bogus-name"},
      {"silent", [](auto& it) { it.root = kSilence; }, Verdict::failed,
       "does not answer: no answer", "apt-get install unbound"},
  };
  CHECK(troubles(judge_resolver(resolver({server("127.0.0.1")}))).empty());
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto one = server("127.0.0.1");
    row.change(one);
    const auto found = trouble(judge_resolver(resolver({one})));
    CHECK(found.verdict == row.verdict);
    CHECK(contains(found.text, row.text));
    CHECK(contains(found.mend, row.mend));
  }
}

TEST_CASE("D1 resolver: every server of a list must validate; one may be silent") {
  auto bad = server("192.0.2.53");
  bad.root = kRecords;
  CHECK(contains(trouble(judge_resolver(resolver({server("127.0.0.1"), bad}))).text,
                 "192.0.2.53:53"));
  bad.root = kSilence;
  const auto found = trouble(judge_resolver(resolver({server("127.0.0.1"), bad})));
  CHECK(found.verdict == Verdict::warning);
  CHECK(found.mend == "take 192.0.2.53:53 out of /etc/resolv.conf");
}

TEST_CASE(
    "D9 resolver: where the configuration names servers, those that smtp(8) asks count, too") {
  auto other = server("192.0.2.53");
  other.only_postfix = true;
  other.trusted = false;
  auto facts = resolver({server("127.0.0.1"), other});
  facts.from_configuration = true;
  CHECK(troubles(judge_resolver(facts)).empty());
  facts.servers[1].root = kRecords;
  const auto found = trouble(judge_resolver(facts));
  CHECK(contains(found.text, "192.0.2.53:53, which smtp(8) asks, does not validate"));
  CHECK(contains(found.mend, "/etc/resolv.conf"));
  facts.servers[1].root = kSilence;
  CHECK(trouble(judge_resolver(facts)).verdict == Verdict::failed);
  facts.servers = {server("127.0.0.1")};
  facts.servers[0].root = kRecords;
  CHECK(contains(trouble(judge_resolver(facts)).mend, "resolver: {servers: [127.0.0.1]}"));
}

TEST_CASE(
    "F9 resolver: a stub that forwards is not trusted by itself, and doctor says what to do") {
  for (const char* address : {"127.0.0.53", "127.0.0.54", "127.0.0.11"}) {
    CAPTURE(std::string(address));
    auto stub = server(address);
    stub.trusted = false;
    const auto found = trouble(judge_resolver(resolver({stub})));
    CHECK(found.verdict == Verdict::failed);
    CHECK(contains(found.text, std::string(address) + ":53 is a stub that forwards"));
    CHECK(contains(found.text, "DANE cannot be respected"));
    CHECK(contains(found.mend, "apt-get install unbound"));
    CHECK(contains(found.mend, "resolver: {trust_ad: yes}"));
    const auto beside = trouble(judge_resolver(resolver({server("127.0.0.1"), stub})));
    CHECK(beside.verdict == Verdict::warning);
    CHECK(contains(beside.text, "not asked for what DANE needs"));
    stub.trusted = true;
    CHECK(troubles(judge_resolver(resolver({stub}))).empty());
  }
}

TEST_CASE("F2 D10 resolver: a line of resolv.conf that cannot be used is named") {
  auto facts = resolver({server("127.0.0.1")});
  facts.problems = {{"/etc/resolv.conf line 3", "fe80::53%eth9", "there is no interface eth9"}};
  const auto found = trouble(judge_resolver(facts));
  CHECK(found.verdict == Verdict::warning);
  CHECK(found.text ==
        "/etc/resolv.conf line 3: name server \"fe80::53%eth9\" cannot be used: there is no "
        "interface eth9");
  CHECK(contains(found.mend, "ip -brief link"));
  CHECK(contains(found.mend, "/etc/resolv.conf line 3"));
  facts.problems = {{"/etc/resolv.conf line 3", "foo", "not an IP address"}};
  CHECK(trouble(judge_resolver(facts)).mend == "correct /etc/resolv.conf line 3");
}

TEST_CASE("F2 resolver: a server that is named as unusable is not complained of twice") {
  auto dead = server("127.0.0.1");
  dead.endpoint = base::Endpoint::parse("fe80::53%eth9", 53).value();
  dead.root = kSilence;
  auto facts = resolver({dead, server("127.0.0.1")});
  facts.problems = {{"/etc/resolv.conf line 3", "fe80::53%eth9", "there is no interface eth9"}};
  CHECK(troubles(judge_resolver(facts)).size() == 1);
}

TEST_CASE("D18 resolver: where DANE is off nobody needs to validate") {
  auto one = server("192.0.2.53");
  one.root = kRecords;
  auto facts = resolver({one});
  facts.uses_dane = false;
  CHECK(troubles(judge_resolver(facts)).empty());
  facts.servers[0].root = kSilence;
  CHECK(trouble(judge_resolver(facts)).verdict == Verdict::failed);
}

TEST_CASE("HTTPS: does port 443 leave") {
  const auto judged = [](base::Result<int> status, std::string policy_trouble = "") {
    HttpsFacts facts;
    facts.host = "mta-sts.gmail.com";
    facts.status = std::move(status);
    facts.policy_trouble = std::move(policy_trouble);
    return judge_https(facts);
  };
  CHECK(troubles(judged(200)).empty());
  struct Row {
    Fault fault;
    Verdict verdict;
    const char* mend;
  };
  const Row rows[] = {
      {Fault::connect, Verdict::failed, "dport 443"},
      {Fault::deadline, Verdict::failed, "dport 443"},
      {Fault::certificate, Verdict::failed, "ca-certificates"},
      {Fault::tls, Verdict::failed, "openssl s_client -connect mta-sts.gmail.com:443"},
      {Fault::address_refused, Verdict::failed, "allow_addresses"},
      {Fault::dns_failed, Verdict::warning, "--probe-domain"},
      {Fault::dns_timeout, Verdict::warning, "--probe-domain"},
      {Fault::no_address, Verdict::warning, "--probe-domain"},
      {Fault::http, Verdict::warning, "--probe-domain"},
  };
  for (const auto& row : rows) {
    CAPTURE(name_of(row.fault));
    const auto found = trouble(judged(Error{row.fault, "mta-sts.gmail.com: why"}));
    CHECK(found.verdict == row.verdict);
    CHECK(contains(found.text, "mta-sts.txt: why"));
    CHECK(contains(found.mend, row.mend));
  }
  // A local failure is failed, too, with its own fix.
  const Error no_uplink{
      Fault::system,
      "mta-sts.gmail.com: 192.0.2.1:443: Network is unreachable: " + std::string(net::kNoUplink)};
  CHECK(trouble(judged(no_uplink)).verdict == Verdict::failed);
  CHECK(contains(trouble(judged(no_uplink)).mend, "ip route"));
  const Error wrong_clock{Fault::system,
                          "certificate is not yet valid: " + std::string(net::kWrongClock)};
  CHECK(trouble(judged(wrong_clock)).verdict == Verdict::failed);
  CHECK(contains(trouble(judged(wrong_clock)).mend, "timedatectl"));
  CHECK(trouble(judged(404)).verdict == Verdict::warning);
  CHECK(trouble(judged(200, "no version")).verdict == Verdict::warning);
}

TEST_CASE("HTTPS: what mends a certificate that is not trusted depends on what is wrong with it") {
  struct Row {
    const char* why;  // as X509_verify_cert_error_string(3) says it
    const char* ca_file;
    const char* mend;
  };
  const Row rows[] = {
      {"unable to get local issuer certificate", "", "apt-get install --reinstall ca-certificates"},
      {"unable to get local issuer certificate", "/etc/own.pem", "https: {ca_file: \"\"}"},
      {"self-signed certificate", "", "apt-get install --reinstall ca-certificates"},
      {"hostname mismatch", "", "tlspolicy doctor --probe-domain DOMAIN"},
      {"hostname mismatch", "/etc/own.pem", "tlspolicy doctor --probe-domain DOMAIN"},
      {"certificate has expired", "", "timedatectl set-ntp true"},
      {"certificate is not yet valid", "", "timedatectl set-ntp true"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    HttpsFacts facts;
    facts.host = "mta-sts.gmail.com";
    facts.ca_file = row.ca_file;
    facts.status = Error{Fault::certificate, std::string("mta-sts.gmail.com: ") + row.why};
    const auto found = trouble(judge_https(facts));
    CHECK(found.verdict == Verdict::failed);
    CHECK(found.mend.starts_with(row.mend) == !contains(row.mend, "ca_file"));
    CHECK(contains(found.mend, row.mend));
    CHECK(contains(found.mend, "ca-certificates") == contains(row.mend, "ca-certificates"));
  }
}

TEST_CASE("CA certificates of the daemon") {
  CHECK(troubles(judge_trust({kBundle, 0, 140, ""})).empty());
  for (const auto& facts : {TrustFacts{kBundle, 0, 0, ""}, TrustFacts{kBundle, ENOENT, 0, ""},
                            TrustFacts{kBundle, 0, 1, "CA file cannot be read"}})
    CHECK(trouble(judge_trust(facts)).verdict == Verdict::failed);
  CHECK(contains(trouble(judge_trust({"/etc/own.pem", ENOENT, 0, "", true})).mend, "ca_file"));
}

TEST_CASE("Postfix: everything as main-cf has it") {
  CHECK(troubles(judge_postfix(good_postfix())).empty());
  CHECK(troubles(judge_surroundings(good_postfix())).empty());
}

TEST_CASE("Postfix: each line of main.cf that is missing or wrong, and the command that mends it") {
  struct Row {
    const char* name;
    const char* value;  // null: not set
    Verdict verdict;
    const char* mend;
  };
  const Row rows[] = {
      {"smtp_tls_policy_maps", nullptr, Verdict::failed,
       "postconf -e 'smtp_tls_policy_maps = socketmap:unix:tlspolicyd/socketmap:postfix' && "
       "postfix reload"},
      {"smtp_tls_policy_maps", "socketmap:inet:127.0.0.1:8461:postfix", Verdict::failed,
       "postconf -e 'smtp_tls_policy_maps = socketmap:unix:tlspolicyd/socketmap:postfix' && "
       "postfix reload"},
      {"smtp_tls_policy_maps", "socketmap:unix:tlspolicyd/socketmap:postfix-tlsrpt",
       Verdict::failed,
       "postconf -e 'smtp_tls_policy_maps = socketmap:unix:tlspolicyd/socketmap:postfix' && "
       "postfix reload"},
      {"smtp_tls_CAfile", nullptr, Verdict::failed,
       "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' && postfix reload"},
      {"smtp_tls_security_level", "", Verdict::warning,
       "postconf -e 'smtp_tls_security_level = may' && postfix reload"},
      {"smtp_dns_support_level", nullptr, Verdict::failed,
       "postconf -e 'smtp_dns_support_level = dnssec' && postfix reload"},
      {"smtp_dns_support_level", "disabled", Verdict::failed,
       "postconf -e 'smtp_dns_support_level = dnssec' && postfix reload"},
      {"smtp_tls_session_cache_database", "btree:x", Verdict::failed,
       "postconf -e 'smtp_tls_session_cache_database = ' && postfix reload"},
      {"smtp_delivery_status_filter", nullptr, Verdict::warning,
       "postconf -e 'smtp_delivery_status_filter = socketmap:unix:tlspolicyd/socketmap:dsn' && "
       "postfix reload"},
      {"smtp_host_lookup", "native", Verdict::failed,
       "postconf -e 'smtp_host_lookup = dns' && postfix reload"},
      {"ignore_mx_lookup_error", "yes", Verdict::failed,
       "postconf -e 'ignore_mx_lookup_error = no' && postfix reload"},
      {"smtp_dns_resolver_options", "res_dnsrch", Verdict::failed,
       "postconf -X smtp_dns_resolver_options && postfix reload"},
      {"smtp_tls_enforce_sts_mx_patterns", "no", Verdict::warning,
       "postconf -X smtp_tls_enforce_sts_mx_patterns && postfix reload"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto facts = good_postfix();
    if (row.value) {
      set(facts, row.name, row.value);
    } else {
      unset(facts, row.name);
    }
    if (std::string_view(row.name) == "smtp_tls_CAfile") facts.ca_file.reset();
    const auto found = troubles(judge_postfix(facts));
    REQUIRE(found.size() >= 1);
    CHECK(found.size() == 1);
    CHECK(found[0].verdict == row.verdict);
    CHECK(found[0].mend == row.mend);
  }
}

TEST_CASE("Postfix: commands for another instance") {
  auto facts = good_postfix();
  facts.directory = "/etc/postfix out";
  unset(facts, "smtp_dns_support_level");
  CHECK(trouble(judge_postfix(facts)).mend ==
        "postconf -c '/etc/postfix out' -e 'smtp_dns_support_level = dnssec' && "
        "postfix -c '/etc/postfix out' reload");
}

TEST_CASE("0.8 0.10 Postfix: versions, and the map that fits") {
  const auto judged = [](const PostfixVersion& version) {
    auto facts = good_postfix();
    facts.main_cf.version = version;
    if (version >= kFirstWithReports)
      set(facts, "smtp_tls_policy_maps", "socketmap:unix:tlspolicyd/socketmap:postfix-tlsrpt");
    return judge_postfix(facts);
  };
  CHECK(trouble(judged({3, 3, 22})).verdict == Verdict::failed);
  CHECK(troubles(judged({3, 4, 0})).empty());
  CHECK(trouble(judged({3, 10, 4})).verdict == Verdict::warning);
  CHECK(troubles(judged({3, 10, 5})).empty());
  auto facts = good_postfix();
  facts.main_cf.version = {3, 11, 0};
  const auto found = trouble(judge_postfix(facts));
  CHECK(found.verdict == Verdict::warning);
  CHECK(contains(found.mend, "postfix-tlsrpt"));
}

TEST_CASE("0.14 Postfix: its file of CA certificates") {
  auto facts = good_postfix();
  set(facts, "smtp_tls_CAfile", "/etc/own.pem");
  struct Row {
    int trouble;
    std::size_t certificates;
    Verdict verdict;
    const char* mend;
  };
  const Row rows[] = {
      {0, 0, Verdict::failed,
       "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' && postfix reload"},
      {ENOENT, 0, Verdict::failed,
       "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' && postfix reload"},
      {EACCES, 0, Verdict::skipped, "run it as root: sudo tlspolicy doctor"},
  };
  for (const auto& row : rows) {
    facts.ca_file = TrustFacts{"/etc/own.pem", row.trouble, row.certificates, ""};
    const auto found = trouble(judge_postfix(facts));
    CHECK(found.verdict == row.verdict);
    CHECK(found.mend == row.mend);
  }
  facts.in_bundle = 0;
  facts.ca_file = TrustFacts{kBundle, 0, 0, ""};
  CHECK(contains(trouble(judge_postfix(facts)).mend, "ca-certificates"));
}

TEST_CASE("the filter must go the way of the policies") {
  auto facts = good_postfix();
  facts.main_cf.listen.push_back(endpoint("inet:127.0.0.1:8461"));
  CHECK(troubles(judge_postfix(facts)).empty());
  const auto mend =
      "postconf -e 'smtp_delivery_status_filter = socketmap:unix:tlspolicyd/socketmap:dsn' && "
      "postfix reload";
  for (const char* filter :
       {"socketmap:inet:127.0.0.1:8461:dsn", "proxy:socketmap:unix:tlspolicyd/socketmap:dsn"}) {
    set(facts, "smtp_delivery_status_filter", filter);
    const auto found = trouble(judge_postfix(facts));
    CHECK(found.verdict == Verdict::warning);
    CHECK(found.mend == mend);
  }
  set(facts, "smtp_delivery_status_filter", "pcre:/etc/postfix/own");
  CHECK(troubles(judge_postfix(facts)).empty());
}

TEST_CASE("master.cf: what a service has for itself, what the chroot hides, what is not seen") {
  auto facts = good_postfix();
  facts.main_cf.overrides = {{"relay/unix", "smtp_tls_policy_maps", "hash:/etc/relay"},
                             {"relay/unix", "syslog_name", "x"}};
  CHECK(trouble(judge_postfix(facts)).mend ==
        "postconf -PX relay/unix/smtp_tls_policy_maps && postfix reload");
  facts = good_postfix();
  facts.main_cf.master_cf_trouble = "postconf: permission denied";
  CHECK(trouble(judge_postfix(facts)).verdict == Verdict::skipped);
  facts = good_postfix();
  facts.main_cf.listen = {net::UnixAddress{"/run/tlspolicyd/socketmap", 0660, "postfix"}};
  set(facts, "smtp_tls_policy_maps", "socketmap:unix:/run/tlspolicyd/socketmap:postfix");
  set(facts, "smtp_delivery_status_filter", "socketmap:unix:/run/tlspolicyd/socketmap:dsn");
  const auto hidden = trouble(judge_postfix(facts));
  CHECK(hidden.verdict == Verdict::failed);
  CHECK(contains(hidden.mend, "/var/spool/postfix/tlspolicyd/socketmap"));
}

TEST_CASE("Postfix that is not there") {
  PostfixFacts facts;
  facts.unavailable = "postconf: not found";
  CHECK(trouble(judge_postfix(facts)).verdict == Verdict::failed);
  CHECK(judge_surroundings(facts).empty());
}

TEST_CASE("socket: whether Postfix's user may connect, as path_resolution(7) and unix(7) have it") {
  struct Row {
    std::size_t which;  // of the way: queue directory, directory, socket
    uid_t owner;
    gid_t group;
    mode_t mode;
    const char* mend;  // null: well
  };
  const auto chmod =
      "chgrp postfix /var/spool/postfix/tlspolicyd/socketmap && "
      "chmod 0660 /var/spool/postfix/tlspolicyd/socketmap";
  const Row rows[] = {
      {2, 200, 102, 0660, nullptr}, {2, 200, 200, 0660, chmod},
      {2, 200, 200, 0666, nullptr}, {2, 101, 200, 0600, nullptr},
      {2, 101, 102, 0066, chmod},  // the owner is refused, whatever others may
      {2, 200, 102, 0640, chmod},   {1, 200, 200, 0700, "chmod a+x /var/spool/postfix/tlspolicyd"},
      {1, 200, 102, 0710, nullptr}, {1, 200, 200, 0701, nullptr},
  };
  for (const auto& row : rows) {
    auto facts = good_postfix();
    auto& file = facts.way_to_socket[row.which];
    file.owner = row.owner;
    file.group = row.group;
    file.mode = (file.mode & S_IFMT) | row.mode;
    CAPTURE(row.mode);
    const auto found = troubles(judge_surroundings(facts));
    REQUIRE(found.empty() == (row.mend == nullptr));
    if (row.mend == nullptr) continue;
    CHECK(found.front().verdict == Verdict::failed);
    CHECK(found.front().mend == row.mend);
  }
  auto facts = good_postfix();
  facts.way_to_socket[2].trouble = ENOENT;
  facts.start = "tlspolicyd -c /etc/own.yaml";
  CHECK(trouble(judge_surroundings(facts)).verdict == Verdict::failed);
  CHECK(trouble(judge_surroundings(facts)).mend ==
        "tlspolicyd -c /etc/own.yaml, with this path in listen: of its configuration");
  facts.way_to_socket[2].trouble = EACCES;
  CHECK(trouble(judge_surroundings(facts)).verdict == Verdict::skipped);
  facts.user.known = false;
  CHECK(trouble(judge_surroundings(facts)).verdict == Verdict::skipped);
}

TEST_CASE("chroot: smtp(8) must ask the resolver that the daemon asks") {
  const auto copy =
      "mkdir -p /var/spool/postfix/etc && cp /etc/resolv.conf "
      "/var/spool/postfix/etc/resolv.conf && postfix reload";
  auto facts = good_postfix();
  facts.resolv_conf_in_chroot = "# made by somebody\nnameserver 127.0.0.1\noptions edns0\n";
  CHECK(troubles(judge_surroundings(facts)).empty());
  facts.resolv_conf_in_chroot = "nameserver fe80::53%lo\n";
  CHECK(contains(trouble(judge_surroundings(facts)).text, "names fe80::53%lo, "));
  facts.resolv_conf_in_chroot = "nameserver 192.0.2.53\n";
  CHECK(trouble(judge_surroundings(facts)).verdict == Verdict::failed);
  CHECK(trouble(judge_surroundings(facts)).mend == copy);
  facts.main_cf.uses_dane = false;
  CHECK(trouble(judge_surroundings(facts)).verdict == Verdict::warning);
  facts.main_cf.smtp_services = {{"smtp", "n"}};
  CHECK(troubles(judge_surroundings(facts)).empty());
  facts = good_postfix();
  facts.resolv_conf_in_chroot.reset();
  facts.chroot_trouble = ENOENT;
  CHECK(trouble(judge_surroundings(facts)).mend == copy);
  facts.chroot_trouble = EACCES;
  CHECK(trouble(judge_surroundings(facts)).verdict == Verdict::skipped);
}

TEST_CASE("C-5 machine: the cache, the clock, open files") {
  CHECK(troubles(judge_machine(machine())).empty());
  struct Row {
    const char* what;
    std::function<void(MachineFacts&)> change;
    Verdict verdict;
    const char* mend;
  };
  const Row rows[] = {
      {"group may write the directory", [](auto& it) { it.cache_directory.mode = S_IFDIR | 0770; },
       Verdict::failed, "chmod go-w /var/lib/tlspolicyd"},
      {"others may write the file", [](auto& it) { it.cache.mode = S_IFREG | 0602; },
       Verdict::failed, "chmod 0600 /var/lib/tlspolicyd/cache.db"},
      {"the directory is somebody else's", [](auto& it) { it.cache_directory.owner = 33; },
       Verdict::failed, "chown 200 /var/lib/tlspolicyd"},
      {"the file is root's", [](auto& it) { it.cache.owner = 0; }, Verdict::failed,
       "chown 200 /var/lib/tlspolicyd/cache.db"},
      {"read-only", [](auto& it) { it.read_only = true; }, Verdict::failed,
       "mount -o remount,rw $(findmnt -n -o TARGET --target /var/lib/tlspolicyd)"},
      {"full", [](auto& it) { it.free_bytes = 1000; }, Verdict::failed,
       "make room: df -h /var/lib/tlspolicyd"},
      {"nearly full", [](auto& it) { it.free_bytes = 20U << 20U; }, Verdict::warning,
       "make room: df -h /var/lib/tlspolicyd"},
      {"not allowed to look", [](auto& it) { it.cache.trouble = EACCES; }, Verdict::skipped,
       "run it as root: sudo tlspolicy doctor"},
      {"elsewhere", [](auto& it) { it.cache_directory.trouble = ENOENT; }, Verdict::skipped,
       "in the configuration cache: {path: FILE}, as the daemon has it"},
      {"gone", [](auto& it) { it.cache_is_certain = true, it.cache_directory.trouble = ENOENT; },
       Verdict::failed, "install -d -m 0700 -o '#200' /var/lib/tlspolicyd"},
      {"clock", [](auto& it) { it.now = {}; }, Verdict::failed, "timedatectl set-ntp true"},
      {"few files", [](auto& it) { it.daemon_files = 1024; }, Verdict::warning,
       "LimitNOFILE=8768 in its unit, or ulimit -n 8768 before it starts"},
      {"few files for one that is started", [](auto& it) { it.daemon_files.reset(); },
       Verdict::warning, "LimitNOFILE=8768 in its unit, or ulimit -n 8768 before it starts"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    auto facts = machine();
    row.change(facts);
    const auto found = trouble(judge_machine(facts));
    CHECK(found.verdict == row.verdict);
    CHECK(found.mend == row.mend);
  }
  auto facts = machine();
  facts.cache.trouble = ENOENT;
  CHECK(troubles(judge_machine(facts)).empty());
  facts = machine();
  facts.daemon_user.reset();
  CHECK(troubles(judge_machine(facts)).empty());
}
