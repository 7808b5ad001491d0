// Filters: any text is refused with a message, or becomes a condition of our own words which SQLite takes, with a parameter
// for each ?, and whose negation matches exactly the other rows.
#include <sqlite3.h>

#include <algorithm>
#include <memory>

#include "base/absl_bridge.h"
#include "base/bug.h"
#include "base/strings.h"
#include "store/filter.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

using store::FieldType;
using store::SqlCondition;

constexpr std::pair<std::string_view, std::int64_t> kVerdicts[] = {{"TRUSTED", 1}, {"REJECTED", 2}};
constexpr std::string_view kHasReason = "EXISTS (SELECT 1 FROM reason r WHERE r.seq = v.seq AND r.reason = ?)";
constexpr store::FilterField kFields[] = {
    {"name", FieldType::kText, "v.name"},
    {"at", FieldType::kTime, "v.at"},
    {"simulated", FieldType::kBool, "v.simulated"},
    {"chip", FieldType::kHex, "v.chip"},
    {"verdict", FieldType::kEnum, "v.verdict", kVerdicts},
    {"reason", FieldType::kHas, kHasReason},
};
constexpr std::int64_t kRows = 4;

sqlite3* Database() {
  static sqlite3* const connection = [] {
    sqlite3* opened = nullptr;
    ASSAY_CHECK(sqlite3_open(":memory:", &opened) == SQLITE_OK);
    ASSAY_CHECK(sqlite3_exec(opened, R"sql(
      CREATE TABLE v (seq INTEGER PRIMARY KEY, name TEXT, at INTEGER, simulated INTEGER, chip BLOB, verdict INTEGER) STRICT;
      CREATE TABLE reason (seq INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
      INSERT INTO v VALUES (1, 'azure', 0, 0, x'00', 1), (2, '', 1795478400, 1, x'', 2), (3, NULL, NULL, NULL, NULL, NULL), (4, '*[?]', 1, 1, x'c0', 1);
      INSERT INTO reason VALUES (1, 'hwid_mismatch'), (4, '');
    )sql",
                             nullptr, nullptr, nullptr) == SQLITE_OK);
    return opened;
  }();
  return connection;
}

std::int64_t RowsMatching(const SqlCondition& condition) {
  const std::string sql = Cat("SELECT count(*) FROM v WHERE ", condition.where);
  sqlite3_stmt* handle = nullptr;
  const char* rest = nullptr;
  ASSAY_CHECK(sqlite3_prepare_v2(Database(), sql.c_str(), -1, &handle, &rest) == SQLITE_OK && *rest == '\0');
  const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(handle, &sqlite3_finalize);
  ASSAY_CHECK(sqlite3_stmt_readonly(handle) != 0);
  ASSAY_CHECK(static_cast<std::size_t>(sqlite3_bind_parameter_count(handle)) == condition.parameters.size());
  int next = 1;
  for (const store::SqlValue& value : condition.parameters) {
    int bound = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      bound = sqlite3_bind_int64(handle, next++, *integer);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      bound = sqlite3_bind_text64(handle, next++, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
      const Bytes& bytes = std::get<Bytes>(value);
      bound = sqlite3_bind_blob64(handle, next++, bytes.empty() ? static_cast<const void*>("") : bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    ASSAY_CHECK(bound == SQLITE_OK);
  }
  ASSAY_CHECK(sqlite3_step(handle) == SQLITE_ROW);
  return sqlite3_column_int64(handle, 0);
}

// `where` without everything that may stand in it: nothing is left.
void CheckOwnWords(std::string where) {
  constexpr std::string_view kWords[] = {kHasReason,     "v.simulated", "v.verdict", "v.name",  "v.chip", "v.at",
                                         " IS NOT TRUE", " IS NOT ?",   " IS ?",     " GLOB ?", " <= ?",  " >= ?",
                                         " < ?",         " > ?",        " AND ",     " OR ",    "(",      ")"};
  for (const std::string_view word : kWords) {
    for (std::size_t at = where.find(word); at != std::string::npos; at = where.find(word, at)) where.replace(at, word.size(), 1, '\n');
  }
  ASSAY_CHECK(std::all_of(where.begin(), where.end(), [](char c) { return c == '\n'; }));
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view filter = AsText({data, size});
  const absl::StatusOr<SqlCondition> condition = store::ParseFilter(filter, kFields);
  if (!condition.ok()) {
    const std::string_view message = MessageOf(condition.status());
    ASSAY_CHECK(condition.status().code() == absl::StatusCode::kInvalidArgument && message.starts_with("filter:") && message.size() < 1024);
    ASSAY_CHECK(Printable(message, message.size()) == message);
    return 0;
  }
  ASSAY_CHECK(size <= store::kLongestFilter && condition->parameters.size() <= store::kMostComparisons);
  ASSAY_CHECK(std::count(condition->where.begin(), condition->where.end(), '?') ==
              static_cast<std::ptrdiff_t>(condition->parameters.size()));
  const std::int64_t matching = RowsMatching(*condition);
  if (condition->where == "1") {
    ASSAY_CHECK(matching == kRows);
    return 0;
  }
  CheckOwnWords(condition->where);
  const absl::StatusOr<SqlCondition> negation = store::ParseFilter(Cat("NOT (", filter, ')'), kFields);
  if (negation.ok()) ASSAY_CHECK(RowsMatching(*negation) == kRows - matching);  // else it is over a limit
  return 0;
}

}  // namespace assay
