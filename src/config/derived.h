#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "config/config.h"
#include "explain/explainer.h"
#include "net/dns_resolver.h"
#include "postfix/responder.h"
#include "service/book.h"
#include "service/fetch_slots.h"
#include "service/inquiry.h"

/// What the parts of the program are told, made of a configuration: at the start, and by each
/// reload.
namespace tlspolicyd::config {

/// `usual` are the name servers of resolv.conf(5), for a configuration that names none.
net::DnsResolver::Options resolver_options(const Config& config,
                                           const std::vector<base::Endpoint>& usual);

/// What the cache may take.
service::Book::Limits book_limits(const Config& config);

service::FetchSlots::Limits fetch_limits(const Config& config);
service::Inquiry::Settings inquiry_settings(const Config& config);
postfix::Responder::Rules answer_rules(const Config& config);
explain::Explainer::Settings explain_settings(const Config& config);

/// The file of the policies.
std::string cache_path(const Config& config);

/// How many descriptors the process needs to be able to have.
std::size_t open_files(const Config& config);

}  // namespace tlspolicyd::config
