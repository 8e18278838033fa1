#pragma once

#include <string_view>

#include "base/domain_name.h"
#include "base/result.h"

namespace tlspolicyd::sts {

/// The policy domain of a next-hop's host part, without brackets or port (RFC 8461 3.4). It can
/// always be put below `_mta-sts` and `mta-sts`, and Postfix takes it for a host name.
///
/// Error: Fault::invalid for what has no policy and must cause no traffic: an empty host, one with
/// a control character or space, one that begins with "." (Postfix asking for a parent domain) or
/// "/" (a socket), an address literal, a single label, a name below localhost, invalid, onion or
/// local (RFC 6761, 7686, 6762), a name too long to look up, what is no domain name at all. The
/// text says which; it quotes nothing of the host.
base::Result<base::DomainName> policy_domain(std::string_view host);

}  // namespace tlspolicyd::sts
