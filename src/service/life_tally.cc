#include "service/life_tally.h"

#include <optional>
#include <variant>

namespace tlspolicyd::service {
namespace {

using Txt = LifeTally::Txt;

Txt kind_of(const sts::TxtAbsent& absent) {
  switch (absent.kind) {
    case sts::Absence::invalid_record: return Txt::invalid_record;
    case sts::Absence::several_records: return Txt::several_records;
    default: return Txt::no_record;
  }
}

std::optional<Txt> txt_of(const sts::Event& event) {
  if (std::holds_alternative<sts::TxtFound>(event)) return Txt::found;
  if (std::holds_alternative<sts::TxtFailed>(event)) return Txt::dns_error;
  if (const auto* absent = std::get_if<sts::TxtAbsent>(&event)) return kind_of(*absent);
  return std::nullopt;
}

}  // namespace

void LifeTally::count(const sts::Event& event, const sts::Entry& before) {
  if (const auto seen = txt_of(event)) ++txt[static_cast<std::size_t>(*seen)];
  auto& fetches = before.stored ? renewal : first;
  if (const auto* fetched = std::get_if<sts::PolicyFetched>(&event); fetched && !fetched->elsewhere)
    fetches.count(std::nullopt);
  if (const auto* failed = std::get_if<sts::FetchFailed>(&event)) fetches.count(failed->why.fault);
}

std::string_view name_of(Txt txt) {
  switch (txt) {
    case Txt::found: return "found";
    case Txt::no_record: return "no-record";
    case Txt::invalid_record: return "invalid-record";
    case Txt::several_records: return "several-records";
    case Txt::dns_error: break;
  }
  return "dns-error";
}

}  // namespace tlspolicyd::service
