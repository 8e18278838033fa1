#include "tool/doctor.h"

#include <fmt/format.h>

#include <utility>

#include "config/config.h"
#include "tool/doctor_judge.h"
#include "tool/doctor_look.h"

namespace tlspolicyd::tool {

ExitCode doctor(const DoctorOptions& options) {
  Findings all;
  const auto add = [&](Findings found) {
    all.insert(all.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  };
  // With mistakes in it the daemon would not start; the rest is looked at with the defaults.
  config::Config config;
  add(judge_configuration(look_at_configuration(options.config_path, config)));
  add(judge_daemon(look_at_daemon(config, options.config_path)));
  const auto [resolver, https] = survey(config, options.survey);
  add(judge_resolver(resolver));
  add(judge_https(https));
  add(judge_trust(look_at_trust(config)));
  const auto postfix = look_at_postfix(config, options.postfix_config);
  add(judge_postfix(postfix));
  add(judge_surroundings(postfix));
  add(judge_machine(look_at_machine(config)));
  fmt::print("{}", options.json ? as_json(all) : as_text(all));
  return any_failed(all) ? kNotFound : kFound;
}

}  // namespace tlspolicyd::tool
