#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"

namespace tlspolicyd::admin {

/// Writes Prometheus's text format, version 0.0.4: families of samples, each family with its help
/// and type before it.
///
/// REQUIRES of the caller: each family is begun once, all of its samples follow at once, and differ
/// in their labels; names are [a-zA-Z_][a-zA-Z0-9_]*. Label values and help may be any text.
class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// A family's samples; valid as long as the exposition is.
  class Family {
   public:
    Family& add(std::uint64_t value) { return add({}, value); }
    Family& add(Labels labels, std::uint64_t value);
    /// For what is no whole number.
    Family& add_real(double value) { return add_real({}, value); }
    Family& add_real(Labels labels, double value);

   private:
    friend class Exposition;
    Family(std::string& out, std::string_view name) : out_(out), name_(name) {}

    std::string& out_;
    std::string_view name_;
  };

  /// What only grows; its name ends with _total. `name` must live as long as the family.
  Family counter(std::string_view name, std::string_view help) {
    return begin(name, help, "counter");
  }
  Family gauge(std::string_view name, std::string_view help) { return begin(name, help, "gauge"); }
  /// A family of one histogram, in seconds; its name ends with _seconds.
  void histogram(std::string_view name, std::string_view help, const base::Histogram& histogram);

  std::string take() { return std::move(out_); }

 private:
  Family begin(std::string_view name, std::string_view help, std::string_view type);

  std::string out_;
};

}  // namespace tlspolicyd::admin
