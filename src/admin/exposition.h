#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"

namespace tlspolicyd::admin {

/// Writes metrics in Prometheus's text format (exposition format 0.0.4).
class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  enum class Type { counter, gauge, histogram };

  /// Begins a metric; its samples follow. `name` without the prefix "tlspolicyd_".
  void begin(std::string_view name, Type type, std::string_view help);
  void sample(double value, std::initializer_list<Label> labels = {});
  void sample(const base::Histogram& histogram, std::initializer_list<Label> labels = {});

  /// A metric of one sample.
  void gauge(std::string_view name, std::string_view help, double value) {
    begin(name, Type::gauge, help);
    sample(value);
  }
  void counter(std::string_view name, std::string_view help, double value) {
    begin(name, Type::counter, help);
    sample(value);
  }

  std::string take() { return std::move(out_); }

 private:
  void write(std::string_view suffix, std::initializer_list<Label> labels, std::string_view bound,
             double value);

  std::string name_;
  std::string out_;
};

}  // namespace tlspolicyd::admin
