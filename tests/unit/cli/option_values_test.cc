#include "client/cli/option_values.h"
#include "base/absl_bridge.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace assay::cli {
namespace {

const std::string kHex128(128, 'a');

TEST(OptionValues, At) {
  ASSERT_TRUE(ParseAtOption("2026-11-24T02:00:00Z").ok());
  EXPECT_EQ(FormatTime(*ParseAtOption("2026-11-24T02:00:00Z")), "2026-11-24T02:00:00Z");
  for (const std::string_view bad : {"yesterday", "2026-11-24", "2026-11-24T02:00:00", "2026-11-24T02:00:00+01:00", "2026-02-30T00:00:00Z",
                                     "2026-11-24T24:00:00Z", "2026-11-24t02:00:00z", " 2026-11-24T02:00:00Z"}) {
    EXPECT_EQ(MessageOf(ParseAtOption(bad).status()),
              Cat("--at: expected a UTC time such as 2026-11-24T02:00:00Z, actual '", bad,
                  "'. Give date and time in full and end it with Z; leave --at out for the present."));
  }
  EXPECT_EQ(MessageOf(ParseAtOption("").status()),
            "--at: expected a UTC time such as 2026-11-24T02:00:00Z, actual nothing. Give date and time in full and end it with Z; "
            "leave --at out for the present.");
}

TEST(OptionValues, ReportDataIsExactly64Bytes) {
  ASSERT_TRUE(ParseReportDataOption(kHex128).ok());
  const struct {
    std::string text;
    std::string_view actual;
  } cases[] = {
      {"", "0 bytes"},
      {"aabb", "2 bytes"},
      {kHex128.substr(2), "63 bytes"},
      {kHex128 + "00", "65 bytes"},
      {kHex128.substr(1), "an odd number of digits, 127"},
      {"0x" + kHex128.substr(2), "'x' at position 2"},
      {"zz", "'z' at position 1"},
      {"aa bb", "' ' at position 3"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MessageOf(ParseReportDataOption(c.text).status()),
              Cat("--report-data: expected 64 bytes, as 128 hexadecimal digits, actual ", c.actual,
                  ". Give the whole field: a shorter value is never compared as a prefix."));
  }
}

TEST(OptionValues, Nonce) {
  EXPECT_EQ(*ParseNonceOption("00ff"), (Bytes{0x00, 0xff}));
  ASSERT_TRUE(ParseNonceOption(kHex128).ok());
  for (const auto& [text, actual] : std::initializer_list<std::pair<std::string, std::string_view>>{
           {"", "0 bytes"}, {kHex128 + "00", "65 bytes"}, {"abc", "an odd number of digits, 3"}, {"a\x1b", "'\\x1b' at position 2"}}) {
    EXPECT_EQ(MessageOf(ParseNonceOption(text).status()),
              Cat("--nonce: expected 1 to 64 bytes in hexadecimal digits, actual ", actual,
                  ". Give the nonce exactly as it was demanded of the TPM or of the Nitro document."));
  }
}

TEST(OptionValues, ChallengeOfOneValue) {
  const auto by_nonce = ChallengeOf({.nonce = "0102"});
  ASSERT_TRUE(by_nonce.ok());
  ASSERT_TRUE(by_nonce->demanded());
  EXPECT_EQ(by_nonce->values().nonce, (Bytes{1, 2}));
  EXPECT_FALSE(by_nonce->values().report_data);

  const auto by_report_data = ChallengeOf({.report_data = kHex128});
  ASSERT_TRUE(by_report_data.ok());
  ASSERT_TRUE(by_report_data->demanded());
  EXPECT_EQ(by_report_data->values().report_data->front(), 0xaa);
  EXPECT_FALSE(by_report_data->values().nonce);
}

TEST(OptionValues, ChallengeOfNone) {
  EXPECT_FALSE(ChallengeOf({})->demanded());
  EXPECT_FALSE(ChallengeOf({})->absence_accepted());  // saying nothing accepts nothing
  EXPECT_FALSE(ChallengeOf({.no_freshness = true})->demanded());
  EXPECT_TRUE(ChallengeOf({.no_freshness = true})->absence_accepted());
}

TEST(OptionValues, ATpmsHandleIsOneOfAPersistentObject) {
  EXPECT_EQ(*ParseTpmHandleOption("0x81000003"), 0x81000003U);
  EXPECT_EQ(*ParseTpmHandleOption("0x81FFFFFF"), 0x81FFFFFFU);
  for (const char* text :
       {"", "0x", "81000003", "0x80000000", "0x8100000", "0x810000033", "0x8100000g", "2164260867", "0X81000003", " 0x81000003"}) {
    EXPECT_EQ(ParseTpmHandleOption(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(OptionValues, ChallengeOfSeveralIsRefused) {
  const struct {
    FreshnessOptions options;
    std::string_view actual;
  } cases[] = {
      {{.nonce = "01", .report_data = kHex128}, "--nonce --report-data"},
      {{.nonce = "01", .no_freshness = true}, "--nonce --no-freshness"},
      {{.report_data = kHex128, .no_freshness = true}, "--report-data --no-freshness"},
      {{.no_freshness = true, .transcript = "t"}, "--no-freshness --transcript"},
      {{.nonce = "01", .report_data = kHex128, .no_freshness = true}, "--nonce --report-data --no-freshness"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(MessageOf(ChallengeOf(c.options).status()),
              Cat("freshness: expected at most one of --nonce, --report-data, --transcript and --no-freshness, actual: ", c.actual,
                  ". Give the one value that the evidence was demanded to carry."));
  }
}

// An empty value is a value: it must not turn a demanded challenge into none.
TEST(OptionValues, AnEmptyValueIsNotAbsence) {
  EXPECT_FALSE(ChallengeOf({.nonce = ""}).ok());
  EXPECT_FALSE(ChallengeOf({.report_data = ""}).ok());
}

}  // namespace
}  // namespace assay::cli
