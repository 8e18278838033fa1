#pragma once

#include <string>

namespace tlspolicyd::tool {

/// The commands for an instance of Postfix.
class PostfixCommands {
 public:
  /// `directory` is that of main.cf; "" leaves the choice to Postfix.
  explicit PostfixCommands(std::string directory);
  std::string set(const std::string& name, const std::string& value) const;
  std::string remove(const std::string& name) const;
  /// Of master.cf: "relay/unix/smtp_tls_policy_maps".
  std::string remove_override(const std::string& name) const;
  std::string reload() const;

 private:
  std::string options_;
};

}  // namespace tlspolicyd::tool
