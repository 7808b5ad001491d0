// The filter language of AIP-160 (https://google.aip.dev/160), as far as records need it, turned into SQL.
//
//   verdict != TRUSTED AND (cluster = prod OR cluster = "staging-*") AND NOT reason:tcb_below recorded_at > 2026-11-01T00:00:00Z
//
// Promises: nothing of the text ever becomes SQL: names are looked up among the fields given, values become parameters; a
// filter that is not understood in full is refused with its column, what was expected and what stands there. OR binds closer
// than AND, and terms side by side are joined by AND, as AIP-160 has it. Bounded: bytes, depth and comparisons.
// Does not promise to be quick on every filter: which fields are indexed is the schema's business. Left out of AIP-160:
// functions, and bare words without a field.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::store {

enum class FieldType : std::uint8_t {
  kText,  // = != with * at the beginning or the end for any text; < <= > >= bytewise
  kTime,  // RFC 3339; any comparison
  kBool,  // true or false; = !=
  kHex,   // octets in hexadecimal; = !=
  kEnum,  // one of `values`; = !=
  kHas,   // a set of texts; : and =
};
struct FilterField {
  std::string_view name;
  FieldType type;
  std::string_view column;  // SQL expression; for kHas a condition with one "?"
  std::span<const std::pair<std::string_view, std::int64_t>> values = {};
};

using SqlValue = std::variant<std::int64_t, std::string, Bytes>;
struct SqlCondition {
  std::string where;                 // "1" for the empty filter; as many "?" as parameters, in their order
  std::vector<SqlValue> parameters;
};

// InvalidArgument: "column 9: expected …, actual …".
absl::StatusOr<SqlCondition> ParseFilter(std::string_view filter, std::span<const FilterField> fields);

}  // namespace assay::store
