#include "store/policy_table.h"

namespace tlspolicyd::store {

Record record_in(const Statement& statement) {
  return {.domain = std::string(statement.text(0)),
          .mode = std::string(statement.text(1)),
          .max_age = statement.number(2),
          .mx = std::string(statement.text(3)),
          .line_order = std::string(statement.text(4)),
          .id = std::string(statement.text(5)),
          .fetched_at = statement.number(6),
          .expires_at = statement.number(7),
          .used_at = statement.number(8),
          .confirmed_at = statement.number(9),
          .tried_at = statement.number(10),
          .lapsed_at = statement.number(11),
          .failures = statement.number(12),
          .checksum = statement.number(13)};
}

void bind_record(Statement& statement, const Record& record) {
  statement.bind(1, record.domain);
  statement.bind(2, record.mode);
  statement.bind(3, record.max_age);
  statement.bind(4, record.mx);
  statement.bind(5, record.line_order);
  statement.bind(6, record.id);
  statement.bind(7, record.fetched_at);
  statement.bind(8, record.expires_at);
  statement.bind(9, record.used_at);
  statement.bind(10, record.confirmed_at);
  statement.bind(11, record.tried_at);
  statement.bind(12, record.lapsed_at);
  statement.bind(13, record.failures);
  statement.bind(14, record.checksum);
}

}  // namespace tlspolicyd::store
