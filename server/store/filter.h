// Filters of list requests: the language of AIP-160 (https://google.aip.dev/160) → an SQL condition with bound parameters.
//
//   verdict = REJECTED AND (platform = "azure_*" OR reason:hwid_mismatch) recorded_at >= 2026-11-24T00:00:00Z -simulated = true
//
//   expression = sequence {AND sequence}    sequence = factor {factor}, which is AND too    factor = term {OR term}: OR binds tighter
//   term = [NOT | -] (comparison | "(" expression ")")    comparison = field (= | != | < | <= | > | >= | :) value
//   value = word | "…" | '…'; in quotes \\ \" \' and \* stand for the character itself. Keywords are upper case.
//
//   kText              all comparators; `:` is `=`. A * at either end of the value of = != : is any text: name = "*" says "has a name"
//   kTime              all but `:`. RFC 3339 in whole seconds, UTC or with an offset
//   kBool kHex kEnum   = and != only: true or false; two digits a byte; a name of `values`, in its case
//   kHas               `:` and `=` only, without wildcards
//
// Promises: no text of the filter reaches the SQL, only parameters; a row that has no value (NULL) is unequal to every value,
// and NOT takes exactly the rows that its operand doesn't. SQLite takes every condition, as part of a query of ordinary depth:
// what a filter nests, the condition need not.
// Does not promise AIP-160's bare literals, functions and parenthesised values: they are refused; nor that a condition is quick.
//
// Errors: InvalidArgument only, with the place, what was expected and what was found: "filter:1:11: expected …, found …".
#pragma once

#include <cstddef>
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

inline constexpr std::size_t kLongestFilter = 2048;  // bytes
inline constexpr std::size_t kDeepestFilter = 32;    // parentheses
inline constexpr std::size_t kMostComparisons = 64;

enum class FieldType { kText, kTime, kBool, kHex, kEnum, kHas };

struct FilterField {
  std::string_view name;  // as in the filter; may have dots
  FieldType type;
  // SQL, ours and never from outside: a column or expression that needs no parentheses around it, of text (kText), Unix
  // seconds (kTime), 0 or 1 (kBool), a blob (kHex) or an integer (kEnum). Of kHas a condition with one ? for the text:
  // EXISTS (SELECT 1 FROM verdict_reason r WHERE r.seq = verdict.seq AND r.reason = ?). The others have no ?.
  std::string_view column;
  std::span<const std::pair<std::string_view, std::int64_t>> values = {};  // kEnum: name and integer
};

using SqlValue = std::variant<std::int64_t, std::string, Bytes>;

struct SqlCondition {
  std::string where;                 // "1" if the filter is empty; may need parentheses around it
  std::vector<SqlValue> parameters;  // one for each ? in `where`, in their order
};

absl::StatusOr<SqlCondition> ParseFilter(std::string_view filter, std::span<const FilterField> fields);

}  // namespace assay::store
