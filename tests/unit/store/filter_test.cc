#include "store/filter.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/bug.h"
#include "base/strings.h"

namespace assay::store {
namespace {

using ::testing::ElementsAre;

constexpr std::pair<std::string_view, std::int64_t> kVerdicts[] = {{"TRUSTED", 1}, {"TRUSTED_WITH_WARNINGS", 2}, {"REJECTED", 3}};
constexpr FilterField kFields[] = {
    {"name", FieldType::kText, "v.name"},
    {"node.cluster", FieldType::kText, "v.cluster"},
    {"recorded_at", FieldType::kTime, "v.recorded_at"},
    {"simulated", FieldType::kBool, "v.simulated"},
    {"chip_id", FieldType::kHex, "v.chip_id"},
    {"verdict", FieldType::kEnum, "v.verdict", kVerdicts},
    {"reason", FieldType::kHas, "EXISTS (SELECT 1 FROM reason r WHERE r.seq = v.seq AND r.reason = ?)"},
};

// Row 5 has no value but its key. 1795478400 is 2026-11-24T00:00:00Z.
constexpr const char* kRows = R"sql(
  CREATE TABLE v (seq INTEGER PRIMARY KEY, name TEXT, cluster TEXT, recorded_at INTEGER, simulated INTEGER, chip_id BLOB,
                  verdict INTEGER) STRICT;
  CREATE TABLE reason (seq INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
  INSERT INTO v VALUES
    (1, 'azure_a', 'prod', 1795478399, 0, x'00ff', 1),
    (2, 'azure_b', 'dev', 1795478400, 1, x'00', 2),
    (3, 'gcp_a', 'prod', 1795478401, 0, x'c0ffee', 3),
    (4, 'it''s "50%" [a]*?\', '', 1795482000, 1, x'', 3),
    (5, NULL, NULL, NULL, NULL, NULL, NULL),
    (6, 'Azure_ü AND', 'prod', 0, 0, x'aa', 1);
  INSERT INTO reason VALUES (3, 'hwid_mismatch'), (3, 'tcb_too_old'), (4, 'tcb_too_old'), (6, 'odd * reason');
)sql";

class Database {
 public:
  Database() {
    ASSAY_CHECK(sqlite3_open(":memory:", &connection_) == SQLITE_OK);
    ASSAY_CHECK(sqlite3_exec(connection_, kRows, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  ~Database() { sqlite3_close(connection_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The keys of the rows for which it holds: "1 2 4".
  std::string Matching(const SqlCondition& condition) {
    const std::string sql = Cat("SELECT seq FROM v WHERE v.seq > 0 AND (", condition.where, ") ORDER BY seq");
    sqlite3_stmt* handle = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(connection_, sql.c_str(), -1, &handle, nullptr), SQLITE_OK) << sql << ": " << sqlite3_errmsg(connection_);
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(handle, &sqlite3_finalize);
    EXPECT_EQ(static_cast<std::size_t>(sqlite3_bind_parameter_count(handle)), condition.parameters.size()) << sql;
    int next = 1;
    for (const SqlValue& value : condition.parameters) {
      if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        sqlite3_bind_int64(handle, next++, *integer);
      } else if (const auto* text = std::get_if<std::string>(&value)) {
        sqlite3_bind_text64(handle, next++, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
      } else {
        const Bytes& bytes = std::get<Bytes>(value);
        sqlite3_bind_blob64(handle, next++, bytes.empty() ? static_cast<const void*>("") : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
      }
    }
    std::vector<std::string> keys;
    int code = sqlite3_step(handle);
    for (; code == SQLITE_ROW; code = sqlite3_step(handle)) keys.push_back(std::to_string(sqlite3_column_int64(handle, 0)));
    EXPECT_EQ(code, SQLITE_DONE) << sql << ": " << sqlite3_errmsg(connection_);
    return Join(keys, " ");
  }

 private:
  sqlite3* connection_ = nullptr;
};

std::string MessageFor(std::string_view filter) {
  const auto condition = ParseFilter(filter, kFields);
  EXPECT_EQ(condition.status().code(), absl::StatusCode::kInvalidArgument) << filter;
  return std::string(MessageOf(condition.status()));
}

std::string Repeated(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text.append(piece);
  return text;
}

struct Good {
  std::string_view filter;
  std::string_view rows;
};
constexpr Good kGood[] = {
    {"", "1 2 3 4 5 6"},
    {" \t\r\n ", "1 2 3 4 5 6"},
    // text
    {"name = azure_a", "1"},
    {"name=azure_a", "1"},
    {"name\n=\t'azure_a'", "1"},
    {"name = \"azure_a\"", "1"},
    {"name:azure_a", "1"},
    {"name = AZURE_A", ""},
    {"name != azure_a", "2 3 4 5 6"},
    {"name = ''", ""},
    {"node.cluster = ''", "4"},
    {"node.cluster != \"\"", "1 2 3 5 6"},
    {"name < b", "1 2 6"},
    {"name <= azure_a", "1 6"},
    {"name > azure_a", "2 3 4"},
    {"name >= azure_b", "2 3 4"},
    {"name = 'Azure_ü AND'", "6"},
    {"node.cluster = 'AND'", ""},
    {"node.cluster > -x:y", "1 2 3 6"},
    {R"(name = 'it\'s "50%" [a]\*?\\')", "4"},
    {R"(name = "it's \"50%\" [a]\*?\\")", "4"},
    // wildcards
    {"name = azure_*", "1 2"},
    {"name = \"azure_*\"", "1 2"},
    {"name:azure_*", "1 2"},
    {"name = *_a", "1 3"},
    {"name = *zure*", "1 2 6"},
    {"name = Azure*", "6"},
    {"name = *", "1 2 3 4 6"},
    {"name = **", "1 2 3 4 6"},
    {"name:*", "1 2 3 4 6"},
    {"name != *", "5"},
    {"name != azure_*", "3 4 5 6"},
    {"node.cluster = *", "1 2 3 4 6"},
    {R"(name = '*[a]\*?*')", "4"},
    {"name = '*[*'", "4"},
    {"name = '*?*'", "4"},
    {R"(name = '*\**')", "4"},
    {R"(name = '\**')", ""},
    {R"(name = 'azure_\*')", ""},
    {"name = '*%*'", "4"},
    {"name = '*[a-z]*'", ""},
    {"name = 'azur?_*'", ""},
    // times
    {"recorded_at = 2026-11-24T00:00:00Z", "2"},
    {"recorded_at = \"2026-11-24T00:00:00Z\"", "2"},
    {"recorded_at = 2026-11-24T02:30:00+02:30", "2"},
    {"recorded_at = 2026-11-23T16:00:00-08:00", "2"},
    {"recorded_at != 2026-11-24T00:00:00Z", "1 3 4 5 6"},
    {"recorded_at < 2026-11-24T00:00:00Z", "1 6"},
    {"recorded_at<=2026-11-24T00:00:00Z", "1 2 6"},
    {"recorded_at>2026-11-24T00:00:00Z", "3 4"},
    {"recorded_at >= 2026-11-24T00:00:00Z", "2 3 4"},
    {"recorded_at >= 2026-11-24T00:00:00Z recorded_at < 2026-11-24T01:00:00Z", "2 3"},
    // the others
    {"simulated = true", "2 4"},
    {"simulated = 'false'", "1 3 6"},
    {"simulated != true", "1 3 5 6"},
    {"chip_id = c0ffee", "3"},
    {"chip_id = C0FFEE", "3"},
    {"chip_id = ''", "4"},
    {"chip_id = 00", "2"},
    {"chip_id != 00", "1 3 4 5 6"},
    {"verdict = TRUSTED", "1 6"},
    {"verdict != TRUSTED", "2 3 4 5"},
    {"reason:hwid_mismatch", "3"},
    {"reason = tcb_too_old", "3 4"},
    {R"(reason:"odd \* reason")", "6"},
    {"reason:nothing", ""},
    // logic
    {"NOT name = azure_a", "2 3 4 5 6"},
    {"-name = azure_a", "2 3 4 5 6"},
    {"NOT name != azure_a", "1"},
    {"NOT name < b", "3 4 5"},
    {"-name = azure_*", "3 4 5 6"},
    {"NOT name != azure_*", "1 2"},
    {"NOT reason:tcb_too_old", "1 2 5 6"},
    {"-(name < b OR reason:tcb_too_old)", "5"},
    {"NOT (NOT (name < b))", "1 2 6"},
    {"NOT(recorded_at > 2026-11-24T00:00:00Z name > b)", "1 2 5 6"},
    {"name < b AND NOT recorded_at < 2026-11-24T00:00:00Z", "2"},
    {"verdict = TRUSTED node.cluster = prod", "1 6"},
    {"verdict = TRUSTED AND node.cluster = prod AND name = *a", "1"},
    {"verdict = REJECTED OR simulated = true", "2 3 4"},
    // OR binds tighter; with the other precedence row 1 would match the first of these too, rows 2 and 4 the next two
    {"name = azure_a OR verdict = REJECTED AND node.cluster = ''", "4"},
    {"node.cluster = prod verdict = REJECTED OR simulated = true", "3"},
    {"node.cluster = prod AND verdict = REJECTED OR simulated = true", "3"},
    {"(node.cluster = prod AND verdict = REJECTED) OR simulated = true", "2 3 4"},
    {"NOT name = azure_a OR verdict = TRUSTED", "1 2 3 4 5 6"},  // NOT binds tightest
    {"((  ( name = azure_a )))", "1"},
};

TEST(Filter, MatchesTheRowsThatItDescribes) {
  Database database;
  for (const auto& [filter, rows] : kGood) {
    const auto condition = ParseFilter(filter, kFields);
    ASSERT_TRUE(condition.ok()) << filter << ": " << condition.status();
    EXPECT_EQ(std::count(condition->where.begin(), condition->where.end(), '?'), static_cast<std::ptrdiff_t>(condition->parameters.size()))
        << filter;
    EXPECT_EQ(database.Matching(*condition), rows) << filter << "\n" << condition->where;
  }
}

TEST(Filter, NegationTakesExactlyTheOtherRows) {
  Database database;
  for (const auto& [filter, rows] : kGood) {
    if (filter.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    for (const std::string_view negation : {"NOT (", "-("}) {
      const auto condition = ParseFilter(Cat(negation, filter, ")"), kFields);
      ASSERT_TRUE(condition.ok()) << filter << ": " << condition.status();
      std::vector<std::string> others;
      for (const char key : std::string_view("123456")) {
        if (rows.find(key) == std::string_view::npos) others.emplace_back(1, key);
      }
      EXPECT_EQ(database.Matching(*condition), Join(others, " ")) << filter << "\n" << condition->where;
    }
  }
}

TEST(Filter, BindsItsValuesInTheirOrder) {
  const auto condition =
      ParseFilter("reason:a AND -(verdict = REJECTED OR chip_id = 0aFF) recorded_at > 1970-01-01T00:01:00Z name = 'x?*'", kFields);
  ASSERT_TRUE(condition.ok()) << condition.status();
  EXPECT_EQ(condition->where,
            "EXISTS (SELECT 1 FROM reason r WHERE r.seq = v.seq AND r.reason = ?) AND "
            "v.verdict IS NOT ? AND v.chip_id IS NOT ? AND v.recorded_at > ? AND v.name GLOB ?");
  EXPECT_THAT(condition->parameters, ElementsAre(SqlValue("a"), SqlValue(std::int64_t{3}), SqlValue(Bytes{0x0a, 0xff}),
                                                 SqlValue(std::int64_t{60}), SqlValue("x[?]*")));
}

TEST(Filter, RefusalsNamePlaceExpectedAndActual) {
  constexpr std::string_view kNoComparison = "expected a comparison or '(', found ";
  const struct {
    std::string_view filter;
    std::string message;
  } cases[] = {
      // fields
      {"nam = x", "filter:1:1: expected a field, found 'nam'; did you mean 'name'?"},
      {"name = x AND cluster = y",
       "filter:1:14: expected one of the fields name, node.cluster, recorded_at, simulated, chip_id, verdict, "
       "reason, found 'cluster'"},
      {"Verdict = TRUSTED", "filter:1:1: expected a field, found 'Verdict'; did you mean 'verdict'?"},
      {"node .cluster = x", "filter:1:1: expected a field, found 'node'; did you mean 'name'?"},
      {"'name' = x", Cat("filter:1:1: ", kNoComparison, "'''")},
      {"\"name\" = x", Cat("filter:1:1: ", kNoComparison, "'\"'")},
      {"*", "filter:1:1: expected one of the fields name, node.cluster, recorded_at, simulated, chip_id, verdict, reason, found '*'"},
      {"= x", Cat("filter:1:1: ", kNoComparison, "'='")},
      {"v.name = x", "filter:1:1: expected a field, found 'v.name'; did you mean 'name'?"},
      // comparators
      {"name", "filter:1:5: expected one of = != < <= > >= : after 'name', found the end of the input"},
      {"name x", "filter:1:6: expected one of = != < <= > >= : after 'name', found 'x'"},
      {"name('x')", "filter:1:5: expected one of = != < <= > >= : after 'name', found '('"},
      {"name == x", "filter:1:6: expected one of = != < <= > >= : after 'name', found '=='"},
      {"name <> x", "filter:1:6: expected one of = != < <= > >= : after 'name', found '<>'"},
      {"name ! x", "filter:1:6: expected one of = != < <= > >= : after 'name', found '!'"},
      {"recorded_at:2026-11-24T00:00:00Z", "filter:1:12: expected one of = != < <= > >= after 'recorded_at', found ':'"},
      {"simulated > false", "filter:1:11: expected one of = != after 'simulated', found '>'"},
      {"simulated:true", "filter:1:10: expected one of = != after 'simulated', found ':'"},
      {"chip_id <= 00", "filter:1:9: expected one of = != after 'chip_id', found '<='"},
      {"verdict >= TRUSTED", "filter:1:9: expected one of = != after 'verdict', found '>='"},
      {"reason < a", "filter:1:8: expected one of : = after 'reason', found '<'"},
      {"reason != a", "filter:1:8: expected one of : = after 'reason', found '!='; write NOT in front of the comparison"},
      // values
      {"name =", "filter:1:7: expected a value after 'name =', found the end of the input"},
      {"name = )", "filter:1:8: expected a value after 'name =', found ')'"},
      {"name = (a OR b)", "filter:1:8: expected a value after 'name =', found '('"},
      {"name = , x", "filter:1:8: expected a value after 'name =', found ','"},
      {R"(name = \*)", R"(filter:1:8: expected a value after 'name =', found '\')"},
      {"name = AND", "filter:1:8: expected a value after 'name =', found the keyword AND; put it in quotes if it is one"},
      {"name = OR verdict = TRUSTED", "filter:1:8: expected a value after 'name =', found the keyword OR; put it in quotes if it is one"},
      {"name = 'x", "filter:1:10: expected a ' for the one at filter:1:8, found the end of the input"},
      {"name = \"x'", "filter:1:11: expected a \" for the one at filter:1:8, found the end of the input"},
      {R"(name = 'x\')", R"(filter:1:12: expected a ' for the one at filter:1:8, found the end of the input)"},
      {R"(name = 'x\)", R"(filter:1:11: expected one of \ " ' * after a backslash, found the end of the input)"},
      {R"(name = '\n')", R"(filter:1:10: expected one of \ " ' * after a backslash, found 'n')"},
      {R"(name = '\x00')", R"(filter:1:10: expected one of \ " ' * after a backslash, found 'x')"},
      {"name = a*b",
       R"(filter:1:8: expected a * at the ends of the value only, found 'a*b'; in quotes, \* stands for the character itself)"},
      {"name != '***'",
       R"(filter:1:9: expected a * at the ends of the value only, found '***'; in quotes, \* stands for the character itself)"},
      {"name < a*", R"(filter:1:8: expected no * in a value after 'name <', found 'a*'; in quotes, \* stands for the character itself)"},
      {"reason:*", R"(filter:1:8: expected no * in a value after 'reason :', found '*'; in quotes, \* stands for the character itself)"},
      {"reason = hwid*",
       R"(filter:1:10: expected no * in a value after 'reason =', found 'hwid*'; in quotes, \* stands for the character itself)"},
      {"verdict = TRUSTD",
       "filter:1:11: expected one of TRUSTED, TRUSTED_WITH_WARNINGS, REJECTED for 'verdict', found 'TRUSTD'; "
       "did you mean 'TRUSTED'?"},
      {"verdict = 1", "filter:1:11: expected one of TRUSTED, TRUSTED_WITH_WARNINGS, REJECTED for 'verdict', found '1'"},
      {"verdict = *", "filter:1:11: expected one of TRUSTED, TRUSTED_WITH_WARNINGS, REJECTED for 'verdict', found '*'"},
      {"verdict = ''", "filter:1:11: expected one of TRUSTED, TRUSTED_WITH_WARNINGS, REJECTED for 'verdict', found ''"},
      {"simulated = True", "filter:1:13: expected true or false for 'simulated', found 'True'"},
      {"simulated = 1", "filter:1:13: expected true or false for 'simulated', found '1'"},
      {"chip_id = 0", "filter:1:11: expected hexadecimal digits, two a byte for 'chip_id', found '0'"},
      {"chip_id = 0x00", "filter:1:11: expected hexadecimal digits, two a byte for 'chip_id', found '0x00'"},
      {"chip_id = 00*", "filter:1:11: expected hexadecimal digits, two a byte for 'chip_id', found '00*'"},
      // structure
      {"name = x and verdict = TRUSTED", "filter:1:10: expected a field, found 'and'; did you mean 'AND'?"},
      {"name = x or verdict = TRUSTED", "filter:1:10: expected a field, found 'or'; did you mean 'OR'?"},
      {"Not name = x", "filter:1:1: expected a field, found 'Not'; did you mean 'NOT'?"},
      {"name = x AND", Cat("filter:1:13: ", kNoComparison, "the end of the input")},
      {"name = x OR ", Cat("filter:1:13: ", kNoComparison, "the end of the input")},
      {"NOT", Cat("filter:1:4: ", kNoComparison, "the end of the input")},
      {"-", Cat("filter:1:2: ", kNoComparison, "the end of the input")},
      {"- name = x", Cat("filter:1:2: ", kNoComparison, "' '")},
      {"--name = x", Cat("filter:1:2: ", kNoComparison, "'-'")},
      {"NOT NOT name = x", Cat("filter:1:5: ", kNoComparison, "the keyword NOT")},
      {"NOT -name = x", Cat("filter:1:5: ", kNoComparison, "'-'")},
      {"AND name = x", Cat("filter:1:1: ", kNoComparison, "the keyword AND")},
      {"name = x AND OR name = y", Cat("filter:1:14: ", kNoComparison, "the keyword OR")},
      {"()", Cat("filter:1:2: ", kNoComparison, "')'")},
      {"(name = x", "filter:1:10: expected a ')' for the '(' at filter:1:1, found the end of the input"},
      {"name = y\n AND\n  (name = x", "filter:3:12: expected a ')' for the '(' at filter:3:3, found the end of the input"},
      {"name = x)", "filter:1:9: expected AND, OR, a comparison or the end, found a ')' that closes nothing"},
      {"(name = x) )", "filter:1:12: expected AND, OR, a comparison or the end, found a ')' that closes nothing"},
      {"(name = x)(name = y)", "filter:1:11: expected a blank, ')' or the end, found '('"},
      {"name = 'x'verdict = TRUSTED", "filter:1:11: expected a blank, ')' or the end, found 'v'"},
      {"name = x, verdict = TRUSTED", "filter:1:9: expected a blank, ')' or the end, found ','"},
      {"name = a=b", "filter:1:9: expected a blank, ')' or the end, found '='"},
  };
  for (const auto& c : cases) EXPECT_EQ(MessageFor(c.filter), c.message) << c.filter;
}

TEST(Filter, RefusesWhatIsNoTime) {
  for (const std::string_view time : {"2026-11-24",
                                      "2026-11-24T02:00:00",
                                      "2026-11-24t02:00:00z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T02:00:00.5Z",
                                      "2026-11-24T02:00:00+0100",
                                      "2026-11-24T02:00:00+24:00",
                                      "2026-11-24T02:00:00+01:60",
                                      "2026-11-24T02:00:00Z+1:00",
                                      "2026-11-24T02:00:00Z01:00",
                                      "2026-11-24T02:00:00+1:000",
                                      "2026-13-24T02:00:00+01:00",
                                      "1764000000",
                                      "now",
                                      "*",
                                      "2026-*",
                                      "",
                                      "2026-11-24 02:00:00Z",
                                      " 2026-11-24T02:00:00Z"}) {
    EXPECT_EQ(MessageFor(Cat("recorded_at > '", time, "'")),
              Cat("filter:1:15: expected a time such as 2026-11-24T02:00:00Z or 2026-11-24T03:00:00+01:00 for 'recorded_at', found '", time,
                  "'"));
  }
}

TEST(Filter, AttackTextStaysAParameterOrIsRefused) {
  Database database;
  for (const std::string_view text : {"'; DROP TABLE v; --", "' OR '1'='1", "x' OR 1=1 --", "? ?1 :a @b $c", "1) OR (1=1", "/* */",
                                      "\"v\".\"name\"", "`", "[", "%", "_", "NULL", "v.name", "ü\u2028\U0001F512"}) {
    std::string escaped;
    for (const char c : text) {
      if (c == '"' || c == '*') escaped.push_back('\\');
      escaped.push_back(c);
    }
    for (const std::string_view comparator : {"=", "!=", "<"}) {
      const auto condition = ParseFilter(Cat("name ", comparator, " \"", escaped, '"'), kFields);
      ASSERT_TRUE(condition.ok()) << text << ": " << condition.status();
      EXPECT_EQ(condition->where, comparator == "=" ? "v.name IS ?" : comparator == "!=" ? "v.name IS NOT ?" : "v.name < ?");
      EXPECT_THAT(condition->parameters, ElementsAre(SqlValue(std::string(text))));
      database.Matching(*condition);
    }
    EXPECT_EQ(database.Matching(*ParseFilter(Cat("reason:\"", escaped, '"'), kFields)), "") << text;
    EXPECT_EQ(database.Matching(*ParseFilter(Cat("name = \"", escaped, "\""), kFields)), "") << text;
  }
  EXPECT_EQ(database.Matching(SqlCondition{"1", {}}), "1 2 3 4 5 6");

  for (const std::string_view filter :
       {"name = x'; DROP TABLE v; --", "name = x; DROP TABLE v", "1=1", "1", "name = x OR 1=1", "name IS NOT NULL", "v.seq = 1",
        "name = x /* */", "name = x -- y", "name = x) OR (1=1", "?1 = 1", "name/**/=x", "name = x UNION SELECT 1"}) {
    EXPECT_EQ(MessageFor(filter).find("filter:1:"), 0U) << filter;
  }
}

TEST(Filter, AttackControlCharactersAndBrokenUtf8AreRefused) {
  const struct {
    std::string filter;
    std::string_view message;
  } cases[] = {
      {std::string("\0", 1), "filter:1:1: expected no control character, found byte 0x00"},
      {std::string("name = 'a\0b'", 12), "filter:1:10: expected no control character, found byte 0x00"},
      {std::string("name = a\0", 9), "filter:1:9: expected no control character, found byte 0x00"},
      {"name = \x1b[0m", "filter:1:8: expected no control character, found byte 0x1b"},
      {"name = 'a\x7f'", "filter:1:10: expected no control character, found byte 0x7f"},
      {"name\v= x", "filter:1:5: expected no control character, found byte 0x0b"},
      {"name = '\xff'", "filter:1:9: expected UTF-8, found byte 0xff"},
      {"name = '\xc0\xa7'", "filter:1:9: expected UTF-8, found byte 0xc0"},      // an overlong quote
      {"name = '\xed\xa0\x80'", "filter:1:9: expected UTF-8, found byte 0xed"},  // a surrogate
      {"name = '\xc3", "filter:1:9: expected UTF-8, found byte 0xc3"},
      {"\xef\xbb", "filter:1:1: expected UTF-8, found byte 0xef"},
  };
  for (const auto& c : cases) EXPECT_EQ(MessageFor(c.filter), c.message);
}

TEST(Filter, ItsLimitsAreExact) {
  const auto ok = [](std::string_view filter) { return ParseFilter(filter, kFields).ok(); };
  const std::string longest = Cat("name = '", std::string(kLongestFilter - 9, 'x'), '\'');
  EXPECT_TRUE(ok(longest));
  EXPECT_EQ(MessageFor(longest + ' '), "filter: expected at most 2048 bytes, found 2049");
  EXPECT_EQ(MessageFor(std::string(1 << 20, '(')), "filter: expected at most 2048 bytes, found 1048576");

  const auto nested = [](std::size_t depth) { return Cat(Repeated("(", depth), "name = x", Repeated(")", depth)); };
  EXPECT_TRUE(ok(nested(32)));
  EXPECT_EQ(MessageFor(nested(33)), "filter:1:33: expected at most 32 levels of parentheses, found one more");
  EXPECT_EQ(MessageFor(Repeated("(", 2048)), "filter:1:33: expected at most 32 levels of parentheses, found one more");
  EXPECT_EQ(MessageFor(Repeated("NOT (", 400)), "filter:1:165: expected at most 32 levels of parentheses, found one more");
  EXPECT_TRUE(ok(Repeated("(name = x) ", 64)));  // width is no depth

  for (const std::string_view one_more : {"name = x ", "name = x AND ", "name = x OR "}) {
    EXPECT_TRUE(ok(Cat(Repeated(one_more, 63), "name = x"))) << one_more;
    EXPECT_EQ(MessageFor(Cat(Repeated(one_more, 64), "name = x")),
              Cat("filter:1:", 64 * one_more.size() + 1, ": expected at most 64 comparisons, found one more"));
  }
}

TEST(Filter, TheDeepestOperandComesFirstAndBringsItsParameters) {
  const auto condition = ParseFilter("name = a AND (name = b OR (name = c AND NOT (name = d AND name < e)) OR name = f)", kFields);
  ASSERT_TRUE(condition.ok()) << condition.status();
  EXPECT_EQ(condition->where,
            "((v.name IS NOT ? OR (v.name < ?) IS NOT TRUE) AND v.name IS ? OR v.name IS ? OR v.name IS ?) AND v.name IS ?");
  EXPECT_THAT(condition->parameters, ElementsAre(SqlValue("d"), SqlValue("e"), SqlValue("c"), SqlValue("b"), SqlValue("f"), SqlValue("a")));
}

// A tree of comparisons, AND below OR below AND, with `depth` levels of parentheses.
std::string Tree(std::size_t depth, bool conjunction) {
  if (depth == 0) return conjunction ? "name < b" : "reason:tcb_too_old";
  const std::string inner = Cat('(', Tree(depth - 1, !conjunction), ')');
  return Cat(depth % 2 == 0 ? "NOT " : "", inner, conjunction ? " AND " : " OR ", inner);
}

// SQLite's parser gives up at a nesting that is quickly reached: each of these reaches our limits, in each order of operands.
TEST(Filter, WhatItAcceptsAtMostSqliteTakes) {
  Database database;
  const struct {
    std::string_view left, innermost, right;
    std::string_view rows;
  } nests[] = {
      {"(", "name = *gcp*", ")", "3"},
      {"NOT (", "name = *gcp*", ")", "3"},  // 32 times NOT
      {"NOT (name < b OR ", "name = *gcp*", ")", "3"},
      {"NOT (", "name = *gcp*", " OR name < b)", "3"},
      {"NOT (name >= b AND ", "name = *gcp*", ")", "1 2 3 5 6"},
      {"name < b OR (name > h AND ", "name = *gcp*", ")", "1 2 6"},
      {"name > h AND -(name < b OR ", "name = *gcp*", ")", "4"},
      {"(verdict = REJECTED reason:nothing OR ", "name = *gcp*", ")", "3"},
      {"(verdict = REJECTED reason:nothing OR NOT (", "name = *gcp*", "))", "3"},  // 16 times NOT
      {"(verdict = REJECTED reason:tcb_too_old OR NOT ", "(name = *gcp*)", ")", "3 4"},
  };
  for (const auto& nest : nests) {
    std::string filter;
    std::size_t levels = 0;
    // As often as our limits let it be.
    for (std::size_t times = 1; times <= kDeepestFilter; ++times) {
      const std::string deeper = Cat(Repeated(nest.left, times), nest.innermost, Repeated(nest.right, times));
      if (!ParseFilter(deeper, kFields).ok()) break;
      filter = deeper;
      levels = times;
    }
    EXPECT_GE(levels, 15U) << nest.left;
    const auto condition = ParseFilter(filter, kFields);
    ASSERT_TRUE(condition.ok()) << condition.status();
    EXPECT_EQ(database.Matching(*condition), nest.rows) << filter << "\n" << condition->where;
  }
  for (const bool conjunction : {false, true}) {
    const std::string tree = Tree(6, conjunction);  // 64 comparisons
    const auto condition = ParseFilter(tree, kFields), opposite = ParseFilter(Cat("NOT (", tree, ')'), kFields);
    ASSERT_TRUE(condition.ok() && opposite.ok()) << condition.status();
    EXPECT_EQ(condition->parameters.size(), 64U);
    std::string rows = Cat(database.Matching(*condition), ' ', database.Matching(*opposite));
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows.substr(rows.find_last_of(' ') + 1), "123456") << condition->where;
  }
  const auto widest = ParseFilter(Cat(Repeated("reason:tcb_too_old OR ", 63), "reason:hwid_mismatch"), kFields);
  ASSERT_TRUE(widest.ok()) << widest.status();
  EXPECT_EQ(database.Matching(*widest), "3 4");
}

TEST(Filter, MessagesStayShortWhateverTheFilter) {
  EXPECT_LT(MessageFor(std::string(2000, 'x')).size(), 400U);
  EXPECT_LT(MessageFor(Cat("verdict = ", std::string(2000, 'x'))).size(), 400U);
  EXPECT_LT(MessageFor(Cat("name ", std::string(2000, '='))).size(), 400U);
}

}  // namespace
}  // namespace assay::store
