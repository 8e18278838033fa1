#include "admin/exposition.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace tlspolicyd::admin {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '"': out += quoted ? "\\\"" : "\""; break;
      default: out += c;
    }
  }
}

void append_labels(std::string& out, Exposition::Labels labels) {
  if (labels.size() == 0) return;
  char before = '{';
  for (const auto& [name, value] : labels) {
    out += before;
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out += '"';
    before = ',';
  }
  out += '}';
}

void append_real(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

}  // namespace

Exposition::Family& Exposition::Family::add(Labels labels, std::uint64_t value) {
  out_ += name_;
  append_labels(out_, labels);
  fmt::format_to(std::back_inserter(out_), " {}\n", value);
  return *this;
}

Exposition::Family& Exposition::Family::add_real(Labels labels, double value) {
  out_ += name_;
  append_labels(out_, labels);
  out_ += ' ';
  append_real(out_, value);
  out_ += '\n';
  return *this;
}

Exposition::Family Exposition::begin(std::string_view name, std::string_view help,
                                     std::string_view type) {
  out_.append("# HELP ").append(name) += ' ';
  append_escaped(out_, help, false);
  out_.append("\n# TYPE ").append(name).append(" ").append(type) += '\n';
  return {out_, name};
}

void Exposition::histogram(std::string_view name, std::string_view help,
                           const base::Histogram& histogram) {
  begin(name, help, "histogram");
  std::uint64_t so_far = 0;
  for (std::size_t at = 0; at < histogram.counts().size(); ++at) {
    so_far += histogram.counts()[at];
    out_.append(name).append("_bucket{le=\"");
    append_real(out_, at < histogram.bounds().size() ? histogram.bounds()[at] : INFINITY);
    fmt::format_to(std::back_inserter(out_), "\"}} {}\n", so_far);
  }
  out_.append(name).append("_sum ");
  append_real(out_, histogram.sum());
  fmt::format_to(std::back_inserter(out_), "\n{}_count {}\n", name, so_far);
}

}  // namespace tlspolicyd::admin
