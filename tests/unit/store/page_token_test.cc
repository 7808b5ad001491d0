#include "store/page_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/strings.h"
#include "codec/base64.h"

namespace assay::store {
namespace {

using testing::HasSubstr;

const PageTokens kTokens(Bytes(32, 7));

TEST(PageToken, OpensForTheRequestThatItWasSealedFor) {
  for (const std::int64_t last : {std::int64_t{1}, std::int64_t{4711}, std::numeric_limits<std::int64_t>::max()}) {
    const auto opened = kTokens.Open(kTokens.Seal(last, "verdicts\n\nverdict = REJECTED"), "verdicts\n\nverdict = REJECTED");
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, last);
  }
}

TEST(PageToken, AnotherRequestOrKeyDoesNotOpenIt) {
  const std::string token = kTokens.Seal(5, "nodes\n");
  for (const auto& opened : {kTokens.Open(token, "verdicts\n"), kTokens.Open(token, ""), PageTokens(Bytes(32, 8)).Open(token, "nodes\n")}) {
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(MessageOf(opened.status())), HasSubstr("another request or verifier"));
  }
}

TEST(PageToken, EveryBitCounts) {
  const Bytes genuine = *codec::FromBase64Url(kTokens.Seal(5, "a"));
  for (std::size_t bit = 0; bit < genuine.size() * 8; ++bit) {
    Bytes altered = genuine;
    altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(kTokens.Open(codec::ToBase64Url(altered), "a").ok()) << bit;
  }
}

TEST(PageToken, OtherTextIsNone) {
  const std::string genuine = kTokens.Seal(5, "a");
  for (const std::string& text : {std::string(), std::string("1"), std::string("§"), genuine + "A", genuine + "=", genuine.substr(1), std::string(10'000, 'A')}) {
    const auto opened = kTokens.Open(text, "a");
    EXPECT_EQ(opened.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(MessageOf(opened.status())), HasSubstr("not a page token")) << text.substr(0, 50);
  }
}

TEST(PageToken, AnEndThatIsNoneIsNotSealedIn) { EXPECT_FALSE(kTokens.Open(kTokens.Seal(0, "a"), "a").ok()); }

}  // namespace
}  // namespace assay::store
