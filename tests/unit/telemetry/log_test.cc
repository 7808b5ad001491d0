#include "telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

namespace assay::telemetry {
namespace {

using ::testing::HasSubstr;

class StoppedClock final : public Clock {
 public:
  Time Now() const override { return *ParseTime("2026-11-24T02:00:00Z"); }
};

class LogTest : public ::testing::Test {
 protected:
  std::string Line(std::string_view value) {
    out_.str("");
    log_.Info("seen", {{"value", value}});
    return out_.str();
  }

  StoppedClock clock_;
  std::ostringstream out_;
  Log log_{out_, clock_};
};

TEST_F(LogTest, OneJsonObjectALine) {
  const std::string owned = "qemu_sev_snp";
  log_.Warning("challenge refused", {{"platform", owned},
                                     {"literal", "text"},
                                     {"count", -3},
                                     {"limit", std::uint64_t{18446744073709551615U}},
                                     {"simulated", true},
                                     {"demanded", false},
                                     {"expires", *ParseTime("2026-11-24T02:01:00Z")}});
  EXPECT_EQ(out_.str(), R"({"time":"2026-11-24T02:00:00Z","level":"warning","message":"challenge refused",)"
                        R"("platform":"qemu_sev_snp","literal":"text","count":-3,"limit":18446744073709551615,)"
                        R"("simulated":true,"demanded":false,"expires":"2026-11-24T02:01:00Z"})"
                        "\n");
}

TEST_F(LogTest, AMessageAloneIsALine) {
  log_.Error("store lost");
  EXPECT_EQ(out_.str(), R"({"time":"2026-11-24T02:00:00Z","level":"error","message":"store lost"})"
                        "\n");
}

TEST_F(LogTest, ValuesFromOutsideStayInsideTheirQuotes) {
  const struct {
    std::string value;
    std::string json;
  } cases[] = {
      {"", R"("")"},
      {"naïve — ✓", R"("naïve — ✓")"},
      {R"(a "b" \c)", R"("a \"b\" \\c")"},
      {"one\ntwo\r\t", R"("one\\x0atwo\\x0d\\x09")"},
      {std::string("nul\0nul", 7), R"("nul\\x00nul")"},
      {"\x1b[31mred", R"("\\x1b[31mred")"},
      {"\xff\xfe", R"("\\xff\\xfe")"},
      {"\xc2\x9b", R"("\\xc2\\x9b")"},
      {"\"}\n{\"level\":\"error\"", R"("\"}\\x0a{\"level\":\"error\"")"},
  };
  for (const auto& c : cases) {
    const std::string line = Line(c.value);
    EXPECT_THAT(line, HasSubstr("\"value\":" + c.json + "}\n"));
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
  }
}

TEST_F(LogTest, ValuesAreBounded) {
  EXPECT_THAT(Line(std::string(kMaxLogValue, 'x')), HasSubstr("\"" + std::string(kMaxLogValue, 'x') + "\""));
  const std::string line = Line(std::string(1'000'000, 'x'));
  EXPECT_LT(line.size(), kMaxLogValue + 120);
  EXPECT_THAT(line, HasSubstr("(1000000 bytes)"));
}

TEST_F(LogTest, LinesBelowTheLeastLevelAreNotWritten) {
  log_.Debug("seen");
  EXPECT_EQ(out_.str(), "");

  Log errors_only(out_, clock_, LogLevel::kError);
  errors_only.Info("seen");
  errors_only.Warning("seen");
  EXPECT_EQ(out_.str(), "");
  errors_only.Error("seen");
  EXPECT_THAT(out_.str(), HasSubstr(R"("level":"error")"));

  out_.str("");
  Log everything(out_, clock_, LogLevel::kDebug);
  everything.Debug("seen");
  EXPECT_THAT(out_.str(), HasSubstr(R"("level":"debug")"));
}

TEST_F(LogTest, AFailedStreamIsTriedAgain) {
  out_.setstate(std::ios::badbit);
  log_.Info("seen");
  EXPECT_THAT(out_.str(), HasSubstr("seen"));
}

TEST_F(LogTest, LinesOfSeveralThreadsAreNeverMixed) {
  constexpr int kThreads = 8, kLines = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kLines; ++i) log_.Info("seen", {{"thread", t}, {"line", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::istringstream in(out_.str());
  std::set<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.insert(line);
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kThreads * kLines));
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kLines; ++i) {
      const std::string expected = R"({"time":"2026-11-24T02:00:00Z","level":"info","message":"seen","thread":)" + std::to_string(t) +
                                   ",\"line\":" + std::to_string(i) + "}";
      EXPECT_EQ(lines.count(expected), 1U) << expected;
    }
  }
}

TEST(LogLevel, NamesAndNothingElse) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    EXPECT_EQ(ParseLogLevel(NameOf(level)), level);
  }
  for (const char* text : {"", "INFO", "Info", "warn", "info ", "fatal", "0"}) { EXPECT_EQ(ParseLogLevel(text), std::nullopt) << text; }
}

// A message or key that is put together at run time, and so could come from outside, does not compile.
static_assert(!std::is_constructible_v<LogMessage, std::string>);
static_assert(!std::is_constructible_v<LogMessage, std::string_view>);
static_assert(!std::is_constructible_v<LogMessage, const char*>);
static_assert(!std::is_constructible_v<LogKey, std::string>);
static_assert(!std::is_constructible_v<LogKey, const char*>);
// A pointer must not turn into `true`, nor a double into an integer.
static_assert(!std::is_constructible_v<LogField, LogKey, const void*>);
static_assert(!std::is_constructible_v<LogField, LogKey, double>);

}  // namespace
}  // namespace assay::telemetry
