#pragma once

/// The exit codes of `tlspolicy` (sysexits(3) where one fits).
namespace tlspolicyd::tool {

enum ExitCode : int {
  kFound = 0,         ///< query: found; explain: protected by a policy; main-cf: done; doctor: well
  kNotFound = 1,      ///< query: NOTFOUND; explain: unprotected; doctor: something failed
  kDeferred = 2,      ///< explain: mail would be deferred
  kUsage = 64,        ///< the command line is wrong
  kUnavailable = 69,  ///< query: no server answers; main-cf: no Postfix that does as it is told
  kTemporary = 75,    ///< query: TEMP; explain: could not tell
  kMisfit = 78,       ///< the configuration is wrong; main-cf: Postfix and the daemon do not fit
};

}  // namespace tlspolicyd::tool
