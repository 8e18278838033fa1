#pragma once

#include <string>
#include <vector>

#include "admin/loop_lag.h"
#include "base/clock.h"
#include "base/line_writer.h"
#include "net/counted_https.h"
#include "net/counted_resolver.h"
#include "postfix/delegation_tally.h"
#include "postfix/responder.h"
#include "postfix/server.h"
#include "service/book.h"
#include "service/dane.h"
#include "service/fetch_slots.h"
#include "service/fleet.h"
#include "service/keeper.h"
#include "service/policy_service.h"
#include "service/refresher.h"

/// What operators and their monitoring see of the daemon, and what operators may do.
namespace tlspolicyd::admin {

/// What is true of the process as a whole.
struct Facts {
  base::WallTime started_at{};
  base::SteadyTime started{};
  std::string configuration;       ///< the file, "" where there is none
  base::WallTime configured_at{};  ///< when it was last read
  std::string cache_file;
  std::string mistake;  ///< the first one in the file as it was last read, "" if none
  std::vector<std::string> awaits_start;  ///< keys of the file that count from the next start on
  struct Served {
    std::string service;   ///< "socketmap", "policy_service", "metrics", "admin"
    std::string endpoint;  ///< as Postfix writes it
  };
  std::vector<Served> endpoints;
  std::string settings{};  ///< in force, as a configuration file would have them
  bool observe = false;    ///< every question is answered "no policy"
};

/// How often the configuration was read anew, and whether it could be used.
struct ReloadTally {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  bool last_ok = true;
};

/// The parts of the daemon that are looked at; all must outlive whoever has it.
struct Sources {
  const postfix::Responder& responder;
  service::Book& book;  ///< looking something up moves it in the order of use, no more
  const service::Keeper& keeper;
  const service::Fleet& fleet;
  const service::Dane& dane;
  const service::PolicyService& service;
  const service::Refresher& refresher;
  const service::FetchSlots& slots;
  const postfix::Server& socketmap;
  const postfix::Server& policy_service;
  const base::Clock& clock;
  base::Timers& timers;
  const Facts& facts;
  const ReloadTally& reloads;
  const LoopLag& lag;
  const net::DnsTally& dns;
  const net::HttpsTally& https;
  const postfix::DelegationTally& delegation;
  const base::LineWriter* log_writer = nullptr;  ///< of the log; may be missing
};

}  // namespace tlspolicyd::admin
