#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "dane/verdict.h"
#include "net/dns_resolver.h"
#include "postfix/delegation.h"
#include "service/dane.h"
#include "service/question.h"

/// The words of tlspolicyd.yaml(5) for what has only a few values, for reading and for writing.
namespace tlspolicyd::config {

template <class T>
using Words = std::vector<std::pair<std::string, T>>;

inline const Words<bool> kBoolean{{"true", true}, {"false", false}};
inline const Words<postfix::DelegationRules::Action> kActions{
    {"dunno", postfix::DelegationRules::Action::dunno},
    {"warn", postfix::DelegationRules::Action::warn},
    {"defer", postfix::DelegationRules::Action::defer},
    {"reject", postfix::DelegationRules::Action::reject}};
inline const Words<service::Profile> kProfiles{{"compat", service::Profile::compat},
                                               {"tlsrpt", service::Profile::tlsrpt}};
inline const Words<bool> kTesting{{"enforce", true}, {"notfound", false}};
inline const Words<net::DnsResolver::TrustAd> kTrustAd{
    {"auto", net::DnsResolver::TrustAd::automatic},
    {"yes", net::DnsResolver::TrustAd::yes},
    {"no", net::DnsResolver::TrustAd::no}};
inline const Words<bool> kOnDnsError{{"notfound", false}, {"temp", true}};
inline const Words<service::DaneMode> kDaneModes{{"gate", service::DaneMode::gate},
                                                 {"always", service::DaneMode::always},
                                                 {"off", service::DaneMode::off}};
inline const Words<dane::Mixed> kMixed{{"dane-only", dane::Mixed::dane_only},
                                       {"sts", dane::Mixed::sts}};
inline const Words<base::Severity> kLevels{{"debug", base::Severity::debug},
                                           {"info", base::Severity::info},
                                           {"warning", base::Severity::warning},
                                           {"error", base::Severity::error}};
inline const Words<base::Log::Format> kFormats{{"text", base::Log::Format::text},
                                               {"json", base::Log::Format::json}};

/// The word for a value; all values have one.
template <class T>
std::string word_of(const Words<T>& words, T value) {
  for (const auto& [word, means] : words)
    if (means == value) return word;
  return {};
}

}  // namespace tlspolicyd::config
