#include "admin/exposition.h"

#include <fmt/format.h>

namespace tlspolicyd::admin {
namespace {

constexpr std::string_view word_of(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::counter: return "counter";
    case Exposition::Type::gauge: return "gauge";
    case Exposition::Type::histogram: return "histogram";
  }
  return "";
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void Exposition::begin(std::string_view name, Type type, std::string_view help) {
  name_ = fmt::format("tlspolicyd_{}", name);
  out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, word_of(type));
}

void Exposition::sample(double value, std::initializer_list<Label> labels) {
  write("", labels, "", value);
}

void Exposition::sample(const base::Histogram& histogram, std::initializer_list<Label> labels) {
  double all = 0;
  for (std::size_t at = 0; at < histogram.counts().size(); ++at) {
    all += static_cast<double>(histogram.counts()[at]);
    const auto bound = at < histogram.bounds().size() ? fmt::format("{}", histogram.bounds()[at])
                                                      : std::string("+Inf");
    write("_bucket", labels, bound, all);
  }
  write("_sum", labels, "", histogram.sum());
  write("_count", labels, "", all);
}

void Exposition::write(std::string_view suffix, std::initializer_list<Label> labels,
                       std::string_view bound, double value) {
  std::string inside;
  for (const auto& [name, text] : labels)
    inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", name, escaped(text));
  if (!bound.empty()) inside += fmt::format("{}le=\"{}\"", inside.empty() ? "" : ",", bound);
  out_ += fmt::format("{}{}{}{}{} {}\n", name_, suffix, inside.empty() ? "" : "{", inside,
                      inside.empty() ? "" : "}", value);
}

}  // namespace tlspolicyd::admin
