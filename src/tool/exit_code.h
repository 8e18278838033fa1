#pragma once

/// The exit codes of `tlspolicy` (sysexits(3) where one fits).
namespace tlspolicyd::tool {

enum ExitCode : int {
  kFound = 0,         ///< query: found; explain: protected by a policy
  kNotFound = 1,      ///< query: NOTFOUND; explain: unprotected
  kDeferred = 2,      ///< explain: mail would be deferred
  kUsage = 64,        ///< the command line is wrong
  kUnavailable = 69,  ///< no server answers
  kTemporary = 75,    ///< query: TEMP; explain: could not tell
};

}  // namespace tlspolicyd::tool
