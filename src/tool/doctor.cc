#include "tool/doctor.h"

#include <fmt/format.h>

#include <utility>

#include "tool/doctor_judge.h"
#include "tool/doctor_look.h"

namespace tlspolicyd::tool {

ExitCode doctor(const DoctorOptions& options) {
  Findings all;
  const auto add = [&](Findings found) {
    all.insert(all.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  };
  const auto configuration = look_at_configuration(options.config_path, options.admin);
  const auto& config = configuration.config;
  const auto daemon = look_at_daemon(configuration);
  add(judge_configuration(configuration));
  add(judge_daemon(daemon));
  const auto [resolver, https] = survey(config, options.survey);
  add(judge_resolver(resolver));
  add(judge_https(https));
  add(judge_trust(look_at_trust(config)));
  auto postfix = look_at_postfix(config, options.postfix_config);
  postfix.start = daemon.start;
  add(judge_postfix(postfix));
  add(judge_surroundings(postfix));
  add(judge_machine(look_at_machine(configuration)));
  fmt::print("{}", options.json ? as_json(all) : as_text(all));
  return any_failed(all) ? kNotFound : kFound;
}

}  // namespace tlspolicyd::tool
