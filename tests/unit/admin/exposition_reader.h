#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tlspolicyd::admin {

/// What a scrape says, as Prometheus reads the text format 0.0.4.
struct Scrape {
  using Labels = std::map<std::string, std::string>;
  struct Sample {
    std::string name;  ///< the family's, or with _bucket, _sum, _count
    Labels labels;
    double value = 0;
  };
  struct Family {
    std::string type;
    std::string help;
    std::vector<Sample> samples;
  };

  std::map<std::string, Family> families;
  std::vector<std::string> mistakes;  ///< against the format and Prometheus's conventions

  /// The family that a sample's name belongs to, nullptr if there is none.
  const Family* family_of(const std::string& sample) const;
  /// Nothing if there is no such sample.
  std::optional<double> value(const std::string& name, const Labels& labels = {}) const;
};

/// Reads all of it, strictly.
Scrape read_scrape(std::string_view text);

}  // namespace tlspolicyd::admin
