#include "service/refusal.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace assay::service {
namespace {

Refusal Plain() {
  return {{.reason = Reason::kRequestFieldInvalid,
           .component = "context",
           .claim = "cluster",
           .expected = "1 to 253 bytes",
           .actual = "0 bytes"}};
}

TEST(Refusal, SaysWhatTheFindingSays) {
  const v1::ErrorDetail detail = DetailOf({Plain().finding, 250});
  EXPECT_EQ(detail.reason(), "request_field_invalid");
  EXPECT_EQ(detail.code(), 5008U);
  EXPECT_EQ(detail.field(), "context.cluster");
  EXPECT_EQ(detail.expected(), "1 to 253 bytes");
  EXPECT_EQ(detail.actual(), "0 bytes");
  EXPECT_EQ(detail.remedy(), "Correct the field named.");
  EXPECT_EQ(detail.retry_after_ms(), 250U);
}

TEST(Refusal, TheFieldHasNoLooseDot) {
  Refusal refusal = Plain();
  refusal.finding.claim.clear();
  EXPECT_EQ(DetailOf(refusal).field(), "context");
  refusal.finding.component.clear();
  EXPECT_EQ(DetailOf(refusal).field(), "");
  refusal.finding.claim = "cluster";
  EXPECT_EQ(DetailOf(refusal).field(), "cluster");
}

TEST(Refusal, ARemedyOfItsOwnReplacesTheReasons) {
  Refusal refusal = Plain();
  refusal.finding.remedy = "Send a cluster.";
  EXPECT_EQ(DetailOf(refusal).remedy(), "Send a cluster.");
}

TEST(Refusal, WaitingIsNotSuggestedUnlessItHelps) { EXPECT_EQ(DetailOf(Plain()).retry_after_ms(), 0U); }

// What a request said comes back in the answer, which ends up on terminals and in logs.
TEST(Refusal, ControlCharactersAndBrokenTextAreEscaped) {
  Refusal refusal = Plain();
  for (std::string* part : {&refusal.finding.claim, &refusal.finding.expected, &refusal.finding.actual, &refusal.finding.remedy}) {
    *part = std::string("a\0b\x1b[31m\r\n\xff\xc3\xa9", 13);
  }
  const v1::ErrorDetail detail = DetailOf(refusal);
  const std::string escaped = "a\\x00b\\x1b[31m\\x0d\\x0a\\xff\xc3\xa9";
  EXPECT_EQ(detail.field(), "context." + escaped);
  EXPECT_EQ(detail.expected(), escaped);
  EXPECT_EQ(detail.actual(), escaped);
  EXPECT_EQ(detail.remedy(), escaped);
}

// gRPC sends the detail as metadata, of which clients take 8 KiB by default: a detail that were longer would be lost whole.
TEST(Refusal, IsBoundedWhateverWasSent) {
  for (const char filler : {'x', '\n', '\xff'}) {
    Refusal refusal = Plain();
    for (std::string* part : {&refusal.finding.component, &refusal.finding.claim, &refusal.finding.expected, &refusal.finding.actual,
                              &refusal.finding.remedy}) {
      *part = std::string(100'000, filler);
    }
    const v1::ErrorDetail detail = DetailOf(refusal);
    for (const std::string& part : {detail.field(), detail.expected(), detail.actual(), detail.remedy()}) {
      EXPECT_GT(part.size(), 200U);
      EXPECT_LE(part.size(), 540U);
    }
    EXPECT_LE(detail.ByteSizeLong(), 2600U);
  }
}

// The RPC's status is made of it: a number of another stage would be a verdict's business.
TEST(Refusal, EveryReasonOfARequestHasARemedy) {
  std::size_t of_requests = 0;
  for (const ReasonEntry& entry : AllReasons()) {
    if (entry.stage != Stage::kRequest) continue;
    ++of_requests;
    const v1::ErrorDetail detail = DetailOf({{.reason = entry.reason}});
    EXPECT_EQ(detail.reason(), entry.name);
    EXPECT_EQ(detail.code() / 1000, 5U) << entry.name;
    EXPECT_FALSE(detail.remedy().empty()) << entry.name;
  }
  EXPECT_GE(of_requests, 12U);
}

TEST(Answer, IsAValueOrARefusal) {
  const Answer<int> value(7), refusal(Plain()), finding(Plain().finding);
  EXPECT_TRUE(value.ok());
  EXPECT_EQ(value.value(), 7);
  EXPECT_FALSE(refusal.ok());
  EXPECT_FALSE(finding.ok());
  EXPECT_EQ(finding.refusal().finding.claim, "cluster");
  EXPECT_EQ(finding.refusal().retry_after_ms, 0U);
  EXPECT_DEATH((void)value.refusal(), "");
  EXPECT_DEATH((void)refusal.value(), "");
}

}  // namespace
}  // namespace assay::service
