#include "base/clock.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Time, RoundTrips) {
  for (const char* text : {"1950-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2000-02-29T12:34:56Z",
                           "2026-11-24T02:00:00Z", "2038-01-19T03:14:08Z", "2049-12-31T23:59:59Z", "9999-12-31T23:59:59Z"}) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTime(*time), text);
  }
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00Z")->time_since_epoch().count(), 0);
  EXPECT_EQ(ParseTime("2026-11-24T02:00:00Z")->time_since_epoch().count(), 1795485600);
}

TEST(Time, RefusesOtherFormsAndDatesThatDoNotExist) {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T02:00:00",
                           "2026-11-24T02:00:00z",
                           "2026-11-24t02:00:00Z",
                           "2026-11-24 02:00:00Z",
                           "2026-11-24T02:00:00+00:00",
                           "2026-11-24T02:00:00.0Z",
                           "2026-11-24T02:00Z",
                           "2026-11-24T2:00:00Z",
                           "26-11-24T02:00:00Z",
                           "2026-11-24T02:00:00Z ",
                           " 2026-11-24T02:00:00Z",
                           "2026/11/24T02:00:00Z",
                           "2026-11-24T02-00-00Z",
                           "2026-02-29T00:00:00Z",
                           "1900-02-29T00:00:00Z",
                           "2100-02-29T00:00:00Z",
                           "2026-00-10T00:00:00Z",
                           "2026-13-10T00:00:00Z",
                           "2026-11-00T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-11-24T24:00:00Z",
                           "2026-11-24T02:60:00Z",
                           "2026-11-24T02:00:60Z",
                           "1949-12-31T23:59:59Z",
                           "0000-01-01T00:00:00Z",
                           "-026-11-24T02:00:00Z",
                           "2026-1a-24T02:00:00Z",
                           "2026-+1-24T02:00:00Z",
                           "2026-11-24T 2:00:00Z"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(Duration, RoundTrips) {
  const std::pair<const char*, std::int64_t> cases[] = {{"1s", 1},    {"90s", 90},    {"10m", 600},  {"90m", 5400},
                                                        {"1h", 3600}, {"25h", 90000}, {"7d", 604800}};
  for (const auto& [text, seconds] : cases) {
    const auto duration = ParseDuration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(duration->count(), seconds);
    EXPECT_EQ(FormatDuration(*duration), text);
  }
  EXPECT_EQ(FormatDuration(Duration{0}), "0s");
  EXPECT_EQ(FormatDuration(Duration{3661}), "3661s");
  EXPECT_EQ(ParseDuration("24h"), ParseDuration("1d"));
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"", "1", "s", "0s", "00h", "-1s", "+1s", "1.5h", "1h30m", "1 h", " 1h", "1h ", "1H", "1w", "1ms", "0x10s",
                           "10000000000s", "1\xc2\xb5s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(SystemClock, IsBehindNoTimeThatHasPassed) { EXPECT_GT(SystemClock().Now(), *ParseTime("2024-01-01T00:00:00Z")); }

}  // namespace
}  // namespace assay
