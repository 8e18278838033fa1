#include "tool/doctor_look.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "config/derived.h"
#include "net/file_descriptor.h"
#include "net/resolv_conf.h"
#include "net/tls_context.h"
#include "tool/main_cf_look.h"
#include "tool/postconf.h"
#include "tool/socketmap_table.h"

namespace tlspolicyd::tool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 16 * 1024 * 1024;

FileFacts look_at(const std::string& path) {
  FileFacts facts;
  facts.path = path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    facts.trouble = errno;
    return facts;
  }
  facts.owner = status.st_uid;
  facts.group = status.st_gid;
  facts.mode = status.st_mode;
  return facts;
}

/// The beginning of a file; `trouble` is an errno.
std::optional<std::string> content_of(const std::string& path, int& trouble) {
  const net::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  trouble = file ? 0 : errno;
  if (!file) return std::nullopt;
  std::string text;
  char chunk[16384];
  while (text.size() < kMaxFile) {
    const auto length = ::read(file.get(), chunk, sizeof chunk);
    if (length < 0) trouble = errno;
    if (length <= 0) break;
    text.append(chunk, static_cast<std::size_t>(length));
  }
  if (trouble != 0) return std::nullopt;
  return text;
}

std::size_t certificates_in(std::string_view pem) {
  std::size_t count = 0;
  for (const std::string_view begin :
       {"-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----"})
    for (auto at = pem.find(begin); at != std::string_view::npos; at = pem.find(begin, at + 1))
      ++count;
  return count;
}

TrustFacts look_at_bundle(const std::string& path) {
  TrustFacts facts;
  facts.where = path;
  if (const auto text = content_of(path, facts.trouble))
    facts.certificates = certificates_in(*text);
  return facts;
}

PostfixFacts::User find_user(const std::string& name) {
  PostfixFacts::User user;
  if (!name.empty()) user.name = name;
  const auto* entry = ::getpwnam(user.name.c_str());
  if (entry == nullptr) return user;
  user.known = true;
  user.id = entry->pw_uid;
  user.groups.resize(64);
  auto count = static_cast<int>(user.groups.size());
  if (::getgrouplist(user.name.c_str(), entry->pw_gid, user.groups.data(), &count) < 0)
    count = std::min(count, static_cast<int>(user.groups.size()));
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

/// Every directory from where smtp(8) begins, then the socket. It is inside of the queue directory
/// already when it looks for a path that is relative to it.
std::vector<FileFacts> way_to(const std::string& socket, const fs::path& queue) {
  const auto path = fs::path(socket).lexically_normal();
  const auto relative = path.lexically_relative(queue.lexically_normal());
  const bool below = !relative.empty() && *relative.begin() != "..";
  fs::path at = below ? queue : path.root_path();
  std::vector<FileFacts> way{look_at(at.string())};
  for (const auto& part : below ? relative : path.relative_path()) {
    at /= part;
    way.push_back(look_at(at.string()));
  }
  return way;
}

}  // namespace

PostfixFacts look_at_postfix(const config::Config& config, const std::string& directory) {
  PostfixFacts facts;
  facts.directory = directory;
  auto found = look_at_main_cf(Postconf(directory), config);
  if (!found) {
    facts.unavailable = found.error().text;
    return facts;
  }
  facts.main_cf = std::move(*found);
  auto& effective = facts.main_cf.effective;
  if (const auto file = effective["smtp_tls_CAfile"]; !file.empty())
    facts.ca_file = look_at_bundle(file);
  if (!facts.main_cf.ca_bundle.empty())
    facts.in_bundle = look_at_bundle(facts.main_cf.ca_bundle).certificates;
  facts.user = find_user(effective["mail_owner"]);
  const auto queue = effective["queue_directory"];
  const auto choice = DaemonEndpoints(config.listen, queue).choice();
  if (const auto* socket = std::get_if<net::UnixAddress>(&choice.listen))
    facts.way_to_socket = way_to(socket->path, queue);
  int ignored = 0;
  facts.resolv_conf = content_of(net::kResolvConf, ignored);
  facts.resolv_conf_in_chroot = content_of(queue + net::kResolvConf, facts.chroot_trouble);
  return facts;
}

TrustFacts look_at_trust(const config::Config& config) {
  const auto& file = config.https.ca_file;
  auto facts = look_at_bundle(file.empty() ? net::default_trust_file() : file);
  facts.by_configuration = !file.empty();
  try {
    const net::TlsContext usable(file);
  } catch (const std::runtime_error& error) {
    facts.refused = error.what();
  }
  if (!file.empty()) return facts;
  // A directory of single certificates does as well; each has a link by its hash.
  std::error_code ignored;
  std::size_t links = 0;
  for (const auto& entry : fs::directory_iterator(net::default_trust_directory(), ignored))
    links += entry.path().extension() == ".0" ? 1U : 0U;
  if (facts.certificates > 0 || links == 0) return facts;
  return {net::default_trust_directory(), 0, links, facts.refused, false};
}

MachineFacts look_at_machine(const ConfigurationFacts& configuration) {
  const auto& config = configuration.config;
  MachineFacts facts;
  facts.cache_path = config::cache_path(config);
  facts.cache_is_certain = configuration.daemon.has_value();
  const auto parent = fs::path(facts.cache_path).parent_path();
  const auto directory = parent.empty() ? std::string(".") : parent.string();
  facts.cache_directory = look_at(directory);
  facts.cache = look_at(facts.cache_path);
  struct statvfs system {};
  if (::statvfs(directory.c_str(), &system) == 0) {
    facts.free_bytes = static_cast<std::uint64_t>(system.f_bavail) * system.f_frsize;
    facts.read_only = (system.f_flag & ST_RDONLY) != 0;
  }
  if (configuration.process) {
    facts.daemon_user = configuration.process->user;
    facts.daemon_files = configuration.process->files;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  facts.our_files = limit.rlim_max;
  facts.wanted_files = config::open_files(config);
  facts.now = std::chrono::time_point_cast<base::seconds>(std::chrono::system_clock::now());
  struct stat program {};
  if (::stat("/proc/self/exe", &program) == 0)
    facts.installed = base::WallTime(base::seconds(program.st_mtim.tv_sec));
  return facts;
}

}  // namespace tlspolicyd::tool
