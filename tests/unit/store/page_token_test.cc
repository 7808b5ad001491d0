#include "store/page_token.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/digest.h"

namespace assay::store {
namespace {

using ::testing::HasSubstr;

constexpr ListArguments kArguments{
    .list = "verdicts", .parent = "clusters/prod", .filter = "verdict = REJECTED", .order_by = "recorded_at desc"};
constexpr std::int64_t kLast = 0x0102030405060708;

constexpr std::string_view kOtherArguments =
    "page_token: expected a token of the same list, parent, filter and order_by, found one of others; "
    "repeat the arguments of the first page, or list again from there";
constexpr std::string_view kForged =
    "page_token: expected a token of this server, found one with the MAC of another key, or changed; list again from the first page";

PageTokenCodec Codec(std::uint8_t key = 7) { return PageTokenCodec(Bytes(32, key)); }

// "" if it is opened.
std::string Refused(std::string_view token, const ListArguments& arguments = kArguments, std::uint8_t key = 7) {
  const auto last = Codec(key).Open(token, arguments);
  if (last.ok()) return "";
  EXPECT_EQ(last.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(MessageOf(last.status()));
}

TEST(PageToken, OpensWhatItSealed) {
  for (const std::int64_t last : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, kLast, std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()}) {
    const std::string token = Codec().Seal(kArguments, last);
    EXPECT_EQ(token.size(), kPageTokenSize);
    const auto opened = Codec().Open(token, kArguments);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, last);
  }
  EXPECT_EQ(Refused(Codec().Seal({.list = "nodes"}, 1), {.list = "nodes"}), "");
}

TEST(PageToken, LaysItsFieldsOutAsDocumented) {
  const auto token = codec::FromBase64Url(Codec().Seal(kArguments, kLast));
  ASSERT_TRUE(token && token->size() == 57);
  const ByteView bytes(*token);
  EXPECT_EQ(bytes[0], 1);
  Bytes arguments;
  for (const std::string_view argument : {"verdicts", "clusters/prod", "verdict = REJECTED", "recorded_at desc"}) {
    AppendU64Be(arguments, argument.size());
    Append(arguments, AsBytes(argument));
  }
  EXPECT_TRUE(Equal(bytes.subspan(1, 32), crypto::Sha256(arguments)));
  EXPECT_TRUE(Equal(bytes.subspan(33, 8), Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
  Bytes message = ToBytes(AsBytes("assay-page-token"));
  Append(message, bytes.first(41));
  EXPECT_TRUE(Equal(bytes.subspan(41), ByteView(crypto::HmacSha256(Bytes(32, 7), message)).first(16)));
}

TEST(PageToken, AttackEverySingleBitFlipIsRefused) {
  const Bytes sealed = *codec::FromBase64Url(Codec().Seal(kArguments, kLast));
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    const std::string message = Refused(codec::ToBase64Url(changed));
    if (bit < 8) {
      EXPECT_EQ(message, Cat("page_token: expected the next_page_token of the page before, base64url of version 1, "
                             "found a malformed one of version ",
                             int{changed[0]}, "; pass it on unchanged"));
    } else {
      EXPECT_EQ(message, kForged) << "bit " << bit;
    }
  }
}

TEST(PageToken, AttackEveryOtherCharacterIsRefused) {
  const std::string sealed = Codec().Seal(kArguments, kLast);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      if (static_cast<char>(c) == sealed[at]) continue;
      std::string changed = sealed;
      changed[at] = static_cast<char>(c);
      EXPECT_NE(Refused(changed), "") << at << ' ' << c;
    }
  }
}

TEST(PageToken, EveryOtherFormIsMalformed) {
  const std::string sealed = Codec().Seal(kArguments, kLast);
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_EQ(Refused(sealed.substr(0, length)), Cat("page_token: expected the next_page_token of the page before, 76 characters, "
                                                     "found a malformed one of ",
                                                     length, " characters; pass it on unchanged"));
  }
  for (const std::string& text :
       {sealed + "A", sealed + "=", " " + sealed, sealed + std::string(1, '\0'), sealed + sealed, std::string(76, '='),
        std::string(76, ' '), std::string(76, '\0'), std::string(76, '+'), "=" + sealed.substr(1)}) {
    EXPECT_THAT(Refused(text), HasSubstr("found a malformed one")) << text;
  }
  EXPECT_EQ(Refused(std::string(76, 'A')),
            "page_token: expected the next_page_token of the page before, base64url of version 1, "
            "found a malformed one of version 0; pass it on unchanged");
}

TEST(PageToken, IsGoodForItsOwnArgumentsOnly) {
  const std::string sealed = Codec().Seal(kArguments, kLast);
  ASSERT_EQ(Refused(sealed), "");
  for (std::string_view ListArguments::*const member :
       {&ListArguments::list, &ListArguments::parent, &ListArguments::filter, &ListArguments::order_by}) {
    const std::string own(kArguments.*member);
    for (const std::string& other : {std::string(), std::string("other"), own + " ", own.substr(1)}) {
      ListArguments changed = kArguments;
      changed.*member = other;
      EXPECT_EQ(Refused(sealed, changed), kOtherArguments) << other;
    }
  }
}

TEST(PageToken, AttackTextCannotMoveFromOneArgumentToTheNext) {
  const ListArguments lists[] = {{.list = "ab", .parent = "c"},
                                 {.list = "a", .parent = "bc"},
                                 {.list = "abc"},
                                 {.list = "", .parent = "abc"},
                                 {.list = "", .filter = "abc"},
                                 {.list = "", .order_by = "abc"},
                                 {.list = std::string_view("ab\0c", 4)},
                                 {.list = "", .parent = "", .filter = "ab", .order_by = "c"}};
  std::set<std::string> tokens;
  for (const ListArguments& sealed_for : lists) {
    const std::string token = Codec().Seal(sealed_for, kLast);
    EXPECT_TRUE(tokens.insert(token).second);
    for (const ListArguments& opened_for : lists) EXPECT_EQ(Refused(token, opened_for), &sealed_for == &opened_for ? "" : kOtherArguments);
  }
}

TEST(PageToken, AnotherKeyIsRefusedBeforeTheArgumentsAreLookedAt) {
  EXPECT_EQ(Refused(Codec(8).Seal(kArguments, kLast)), kForged);
  EXPECT_EQ(Refused(Codec(8).Seal({.list = "other"}, kLast)), kForged);
}

TEST(PageToken, AttackTheMacOfAnotherPurposeIsRefused) {
  Bytes token = *codec::FromBase64Url(Codec().Seal(kArguments, kLast));
  token.resize(41);
  Append(token, ByteView(crypto::HmacSha256(Bytes(32, 7), token)).first(16));  // under the same key, without our label
  EXPECT_EQ(Refused(codec::ToBase64Url(token)), kForged);
}

TEST(PageTokenDeathTest, AShortKeyIsABug) { EXPECT_DEATH(PageTokenCodec(Bytes(31, 1)), "does not hold"); }

}  // namespace
}  // namespace assay::store
