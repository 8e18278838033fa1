#include "admin/status_page.h"

#include <fmt/format.h>

#include "admin/health.h"
#include "admin/words.h"

namespace tlspolicyd::admin {
namespace {

constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tlspolicyd</title>\n"
    "<style>body{font:1em sans-serif;margin:2em}th{text-align:left;padding-right:2em}"
    "td{text-align:right}</style></head>\n<body><h1>tlspolicyd " TLSPOLICYD_VERSION "</h1>\n";
constexpr std::string_view kFoot =
    "<p><a href=\"/metrics\">/metrics</a> <a href=\"/healthz\">/healthz</a></p>\n"
    "</body></html>\n";

class Page {
 public:
  explicit Page(std::string_view head) : out_(head) {}

  void text(std::string_view text) { out_ += fmt::format("<p>{}</p>\n", html_escaped(text)); }
  void begin_table() { out_ += "<table>\n"; }
  template <class T>
  void row(std::string_view label, const T& value) {
    out_ += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", html_escaped(label),
                        html_escaped(fmt::format("{}", value)));
  }
  void end_table() { out_ += "</table>\n"; }
  std::string take(std::string_view foot) { return std::move(out_ += foot); }

 private:
  std::string out_;
};

}  // namespace

std::string status_page(const Sources& sources, const Census& census) {
  const auto health = health_of(sources);
  const auto uptime = sources.clock.steady() - sources.facts.started;
  const auto& tally = sources.responder.tally();
  Page page(kHead);
  page.text(health.well ? "All is well." : "Not well:");
  for (const auto& trouble : health.troubles) page.text(trouble);
  page.begin_table();
  page.row("up for, seconds", std::chrono::duration_cast<base::seconds>(uptime).count());
  page.row("policies: enforce", census.enforce);
  page.row("policies: testing", census.testing);
  page.row("policies: none", census.none);
  page.row("policies: expired", census.expired);
  page.row("policies whose refresh fails", census.failing);
  page.row("domains without policy", sources.book.negatives());
  page.row("memory of the cache, MiB",
           fmt::format("{} of {}", sources.book.bytes() >> 20, sources.book.limits().memory >> 20));
  page.row("look-ups under way", sources.service.in_flight());
  page.row("connections", sources.socketmap.connections());
  page.row("answered at once", tally.settled);
  page.row("answered after a look-up", tally.live);
  for (std::size_t told = 0; told < postfix::kTold; ++told) {
    const auto kind = static_cast<postfix::Told>(told);
    page.row(fmt::format("answers: {}", postfix::name_of(kind)), tally.all(kind));
  }
  page.row("disk", sources.keeper.state().failing ? "fails" : "ok");
  page.row("DNSSEC", name_of(sources.dane.validation()));
  page.end_table();
  return page.take(kFoot);
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace tlspolicyd::admin
