#include "exposition_reader.h"

#include <cmath>
#include <regex>

namespace tlspolicyd::admin {
namespace {

const std::regex kName("[a-z_][a-z0-9_]*");

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Scrape read() {
    if (!text_.empty() && text_.back() != '\n') mistake("no line end at the end");
    while (!text_.empty()) {
      const auto end = text_.find('\n');
      line_ = std::string(text_.substr(0, end));
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      if (line_.starts_with("# ")) {
        comment();
      } else {
        sample();
      }
    }
    for (const auto& [name, family] : scrape_.families) check(name, family);
    return std::move(scrape_);
  }

 private:
  void mistake(const std::string& what) { scrape_.mistakes.push_back(what + ": " + line_); }

  void comment() {
    static const std::regex kComment("# (HELP|TYPE) ([^ ]+) (.+)");
    std::smatch parts;
    if (!std::regex_match(line_, parts, kComment)) return mistake("comment");
    if (parts[1] == "HELP") {
      if (!scrape_.families.try_emplace(parts[2]).second) mistake("a family begun twice");
      present_ = parts[2];
      scrape_.families[present_].help = parts[3];
      return;
    }
    if (parts[2] != present_) return mistake("the type of another family");
    scrape_.families[present_].type = parts[3];
  }

  void sample() {
    Scrape::Sample read;
    std::size_t at = line_.find_first_of("{ ");
    if (at == std::string::npos) return mistake("sample");
    read.name = line_.substr(0, at);
    if (line_[at] == '{' && !labels(at, read.labels)) return mistake("labels");
    if (at >= line_.size() || line_[at] != ' ') return mistake("sample");
    const auto number = line_.substr(at + 1);
    std::size_t used = 0;
    try {
      read.value = std::stod(number, &used);
    } catch (const std::exception&) {
    }
    if (used == 0 || used != number.size()) return mistake("value");
    if (present_.empty() || !std::regex_match(read.name, kName) || !belongs(read.name))
      return mistake("a sample outside of its family");
    if (!series_.insert(line_.substr(0, at)).second) mistake("a series twice");
    scrape_.families[present_].samples.push_back(std::move(read));
  }

  bool belongs(const std::string& name) {
    if (scrape_.families[present_].type != "histogram") return name == present_;
    return name == present_ + "_bucket" || name == present_ + "_sum" || name == present_ + "_count";
  }

  bool labels(std::size_t& at, Scrape::Labels& out) {
    while (line_[at] != '}') {
      ++at;  // { or ,
      const auto equals = line_.find('=', at);
      if (equals == std::string::npos || line_[equals + 1] != '"') return false;
      const auto name = line_.substr(at, equals - at);
      if (!std::regex_match(name, kName)) return false;
      std::string value;
      for (at = equals + 2; at < line_.size() && line_[at] != '"'; ++at) {
        if (line_[at] == '\\') {
          ++at;
          if (line_[at] != 'n' && line_[at] != '\\' && line_[at] != '"') return false;
          value += line_[at] == 'n' ? '\n' : line_[at];
        } else {
          value += line_[at];
        }
      }
      ++at;
      if (at >= line_.size() || !out.emplace(name, value).second) return false;
      if (line_[at] != ',' && line_[at] != '}') return false;
    }
    ++at;
    return true;
  }

  void check(const std::string& name, const Scrape::Family& family) {
    line_ = name;
    if (family.help.empty() || family.help.back() != '.') mistake("help is no sentence");
    if (family.samples.empty()) mistake("a family without samples");
    const bool total = name.ends_with("_total");
    if (family.type == "counter" ? !total : total) mistake("_total is for counters");
    if (family.type != "counter" && family.type != "gauge" && family.type != "histogram")
      mistake("type");
    if (family.type == "histogram") check_histogram(name, family);
    for (const auto& sample : family.samples)
      if (family.type == "counter" && !(sample.value >= 0)) mistake("a counter below zero");
  }

  void check_histogram(const std::string& name, const Scrape::Family& family) {
    if (!name.ends_with("_seconds")) mistake("unit");
    double bound = -INFINITY;
    double count = 0;
    for (const auto& sample : family.samples) {
      if (sample.name != name + "_bucket") continue;
      const auto le = sample.labels.find("le");
      if (le == sample.labels.end()) return mistake("a bucket without le");
      const auto next = std::stod(le->second);
      if (next <= bound || sample.value < count) mistake("buckets do not ascend");
      bound = next;
      count = sample.value;
    }
    if (!std::isinf(bound)) mistake("no +Inf");
    if (scrape_.value(name + "_count") != count) mistake("count is not the last bucket's");
    if (!scrape_.value(name + "_sum")) mistake("no sum");
  }

  std::string_view text_;
  std::string line_;
  std::string present_;
  std::set<std::string> series_;
  Scrape scrape_;
};

}  // namespace

const Scrape::Family* Scrape::family_of(const std::string& sample) const {
  if (const auto found = families.find(sample); found != families.end()) return &found->second;
  for (const std::string end : {"_bucket", "_sum", "_count"}) {
    if (!sample.ends_with(end)) continue;
    const auto found = families.find(sample.substr(0, sample.size() - end.size()));
    if (found != families.end() && found->second.type == "histogram") return &found->second;
  }
  return nullptr;
}

std::optional<double> Scrape::value(const std::string& name, const Labels& labels) const {
  const auto* family = family_of(name);
  if (!family) return std::nullopt;
  for (const auto& sample : family->samples)
    if (sample.name == name && sample.labels == labels) return sample.value;
  return std::nullopt;
}

Scrape read_scrape(std::string_view text) { return Reader(text).read(); }

}  // namespace tlspolicyd::admin
