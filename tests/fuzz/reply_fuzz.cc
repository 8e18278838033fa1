#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "postfix/reply.h"
#include "postfix/tls_policy.h"
#include "sts/policy_file.h"

using namespace tlspolicyd;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const std::string& reply, const sts::Policy& policy) {
  for (char c : reply) require(c >= 0x20 && c < 0x7f);
  if (!reply.starts_with("OK ")) {
    require(reply.starts_with("TEMP ") && reply.size() <= 205);
    return;
  }
  const auto read = postfix::parse_tls_policy(std::string_view(reply).substr(3));
  require(read.ok() && read->level == "secure" && read->servername == "hostname");
  require(!read->match.empty() && read->tafile.empty() && read->ciphers.empty() &&
          read->protocols.empty());
  for (const auto& element : read->match)
    require(element.find('.') != std::string::npos && element != "hostname");
  if (!read->policy_type.empty()) {
    require(read->mx_host_pattern.size() == policy.mx.size());
    return;
  }
  // Names only: a wildcard would allow hosts of any depth (decisions.md 27).
  require(read->match.size() <= 64);
  for (const auto& element : read->match)
    require(!element.starts_with('.') && !element.starts_with('*'));
}

}  // namespace

/// A-15, I6: whatever a policy file holds, the reply made of it is TEMP, or is read by Postfix with
/// exactly the attributes that were meant.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = sts::parse_policy({reinterpret_cast<const char*>(data), size});
  if (!policy || policy->mode != sts::Mode::enforce) return 0;
  const auto stored = std::make_shared<const sts::StoredPolicy>(sts::renewal({}, "1", *policy, {}));
  service::Question question{base::DomainName::parse("example.org").value(), {}};
  for (const auto profile : {service::Profile::compat, service::Profile::tlsrpt}) {
    question.terms.profile = profile;
    service::MxHosts hosts;
    for (const auto& pattern : policy->mx) {
      if (pattern.is_wildcard())
        hosts.earlier.push_back({"mx" + pattern.text().substr(1), {}});
      else if (hosts.names.empty())
        hosts.names.push_back(pattern.text());
    }
    check(postfix::render_reply(service::apply(stored, question, &hosts), question), *policy);
  }
  return 0;
}
