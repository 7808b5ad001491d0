#include "store/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/strings.h"

namespace assay::store {
namespace {

using testing::HasSubstr;

constexpr std::pair<std::string_view, std::int64_t> kColours[] = {{"RED", 1}, {"GREEN", 2}};
constexpr FilterField kFields[] = {
    {"name", FieldType::kText, "t.name"},      {"at", FieldType::kTime, "t.at"},   {"good", FieldType::kBool, "t.good"},
    {"key", FieldType::kHex, "t.key"},         {"colour", FieldType::kEnum, "t.colour", kColours},
    {"tag", FieldType::kHas, "EXISTS (SELECT 1 FROM tag WHERE tag.id = t.id AND tag.tag = ?)"},
};

// A real database decides what a condition means.
class FilterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(sqlite3_open(":memory:", &database_), SQLITE_OK);
    Execute("CREATE TABLE t (id INTEGER, name TEXT, at INTEGER, good INTEGER, key BLOB, colour INTEGER);"
            "CREATE TABLE tag (id INTEGER, tag TEXT);"
            "INSERT INTO t VALUES (1, 'alpha', 1000, 1, x'01', 1), (2, 'beta', 2000, 0, x'02', 2), (3, 'gamma-1', 3000, 1, x'', NULL),"
            " (4, 'a\"b''c', 4000, 0, x'04', 1);"
            "INSERT INTO tag VALUES (1, 'old'), (2, 'old'), (2, 'new');");
  }
  void TearDown() override { sqlite3_close(database_); }
  void Execute(const char* sql) { ASSERT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database_); }

  // The ids that fit, as text; "error: …" if the filter is refused.
  std::string Ids(std::string_view filter) {
    const auto condition = ParseFilter(filter, kFields);
    if (!condition.ok()) return Cat("error: ", MessageOf(condition.status()));
    EXPECT_EQ(std::count(condition->where.begin(), condition->where.end(), '?'), static_cast<std::ptrdiff_t>(condition->parameters.size()));
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database_, Cat("SELECT id FROM t WHERE ", condition->where, " ORDER BY id").c_str(), -1, &statement, nullptr), SQLITE_OK)
        << condition->where << ": " << sqlite3_errmsg(database_);
    int at = 0;
    for (const SqlValue& value : condition->parameters) {
      ++at;
      if (const auto* number = std::get_if<std::int64_t>(&value)) sqlite3_bind_int64(statement, at, *number);
      else if (const auto* text = std::get_if<std::string>(&value)) sqlite3_bind_text(statement, at, text->data(), static_cast<int>(text->size()), SQLITE_STATIC);
      else sqlite3_bind_blob(statement, at, std::get<Bytes>(value).empty() ? "" : static_cast<const void*>(std::get<Bytes>(value).data()), static_cast<int>(std::get<Bytes>(value).size()), SQLITE_STATIC);
    }
    std::string ids;
    while (sqlite3_step(statement) == SQLITE_ROW) ids += std::to_string(sqlite3_column_int(statement, 0));
    sqlite3_finalize(statement);
    return ids;
  }

  sqlite3* database_ = nullptr;
};

TEST_F(FilterTest, SelectsWhatItSays) {
  const struct {
    std::string_view filter, ids;
  } cases[] = {
      {"", "1234"},
      {"  ", "1234"},
      {"name = alpha", "1"},
      {"name=alpha", "1"},
      {"name = \"alpha\"", "1"},
      {"name = 'alpha'", "1"},
      {"name != alpha", "234"},
      {"name = \"a\\\"b'c\"", "4"},
      {"name = al*", "1"},
      {"name = *a", "12"},
      {"name = *m*", "3"},
      {"name != *a", "34"},
      {"name = *", "1234"},
      {"name = \"gamma-*\"", "3"},
      {"name > alpha AND name < gamma", "2"},
      {"at > 1970-01-01T00:33:20Z", "34"},
      {"at >= \"1970-01-01T00:33:20Z\"", "234"},
      {"at = 1970-01-01T00:16:40Z", "1"},
      {"good = true", "13"},
      {"good != true", "24"},
      {"key = 02", "2"},
      {"key = \"\"", "3"},
      {"key != 02", "134"},
      {"colour = RED", "14"},
      {"colour != RED", "23"},  // nothing is not red either
      {"tag:old", "12"},
      {"tag = new", "2"},
      {"NOT tag:old", "34"},
      {"-tag:old", "34"},
      {"NOT NOT tag:old", "12"},
      {"tag:old good = true", "1"},
      {"tag:old AND good = true", "1"},
      {"name = alpha OR name = beta", "12"},
      {"good = true AND name = alpha OR name = beta", "1"},  // AIP-160: OR binds closer
      {"(good = true AND name = alpha) OR name = beta", "12"},
      {"((((name = beta))))", "2"},
      {"NOT (name = alpha OR name = beta) good = false", "4"},
      {"name = AND", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(Ids(c.filter), c.ids) << c.filter;
}

TEST_F(FilterTest, RefusesWhatItDoesNotUnderstandInFull) {
  std::string deep(40, '(');
  deep += "good = true" + std::string(40, ')');
  std::string many = "good = true";
  for (int i = 0; i < 64; ++i) many += " OR good = true";
  const struct {
    std::string filter;
    std::string_view message;
  } cases[] = {
      {"alpha", "column 1: expected a field (name, at, good, key, colour, tag), actual 'alpha'"},
      {"nmae = alpha", "column 1: expected a field (did you mean 'name'?), actual 'nmae'"},
      {"zzzzzzzz = 1", "expected a field (name, at, good, key, colour, tag), actual 'zzzzzzzz'"},
      {"name", "column 5: expected one of = != < <= > >= :, actual the end"},
      {"name =", "column 7: expected a value for name, actual the end"},
      {"name = (", "column 8: expected a value for name, actual '('"},
      {"name = \"alpha", "column 8: expected a text that ends with \""},
      {"name = \"al\\pha\"", "column 8"},
      {"name == alpha", "column 7: expected a value for name, actual '='"},
      {"name : alpha", "column 1: expected one of = != < <= > >= behind name, actual ':'"},
      {"tag != old", "column 1: expected ':' or '=' behind tag, actual '!='"},
      {"tag > old", "behind tag"},
      {"good > true", "column 1: expected '=' or '!=' behind good, actual '>'"},
      {"good = yes", "column 8: expected true or false for good, actual 'yes'"},
      {"colour = red", "column 10: expected one of RED, GREEN for colour, actual 'red'"},
      {"key = 0", "column 7: expected hexadecimal digits for key, actual '0'"},
      {"key = zz", "expected hexadecimal digits"},
      {"at > yesterday", "column 6: expected a time as 2026-11-24T02:00:00Z for at, actual 'yesterday'"},
      {"at > 2026-11-24", "expected a time"},
      {"(name = alpha", "column 14: expected ')', actual the end"},
      {"name = alpha)", "column 13: expected AND, OR or the end, actual ')'"},
      {"name = alpha OR", "column 16: expected a field"},
      {"name = alpha AND AND name = beta", "expected a field"},
      {"OR name = alpha", "column 1"},
      {"NOT", "column 4"},
      {"name = alpha and name = beta", "column 14: expected a field"},
      {"name = alpha; DROP TABLE t", "column 13: expected a name, a value, an operator or a bracket, actual ';'"},
      {"name = alpha -- x", "expected"},
      {std::string("name = al\0pha", 13), "column 10: expected text, actual a zero byte"},
      {"name = \xff", "column 8"},
      {deep, "expected at most 32 levels"},
      {many, "expected at most 64 comparisons"},
      {std::string(2049, ' '), "expected at most 2048 bytes, actual 2049 bytes"},
  };
  for (const auto& c : cases) {
    const std::string result = Ids(c.filter);
    EXPECT_THAT(result, HasSubstr("error: column ")) << c.filter;
    EXPECT_THAT(result, HasSubstr(std::string(c.message))) << c.filter;
  }
}

TEST_F(FilterTest, NoTextBecomesSql) {
  for (const std::string_view text : {"x' OR '1' = '1", "?1", "%", "_", "alpha' --", "\u00e4\u00f6"}) {
    const std::string quoted = Cat("name = \"", text, "\"");
    EXPECT_EQ(Ids(quoted), "") << text;
    const auto condition = ParseFilter(quoted, kFields);
    ASSERT_TRUE(condition.ok());
    EXPECT_EQ(condition->where, "(t.name IS ?)") << text;
  }
}

}  // namespace
}  // namespace assay::store
