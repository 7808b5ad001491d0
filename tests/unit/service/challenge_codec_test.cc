#include "service/challenge_codec.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::service {
namespace {

const Time kIssued = *ParseTime("2026-11-24T12:00:00Z");
const Time kExpires = kIssued + Duration(60);

Bytes Key(std::uint8_t first) {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(first + i);
  return key;
}

crypto::Sha256Digest Digest(std::string_view text) { return crypto::Sha256(AsBytes(text)); }

ChallengeFields Fields() {
  ChallengeFields fields{{}, kIssued, kExpires, Digest("context"), Digest("policies")};
  for (std::size_t i = 0; i < fields.nonce.size(); ++i) fields.nonce[i] = static_cast<std::uint8_t>(0xA0 + i);
  return fields;
}

// The name of the reason for which it is refused; "" if it is opened.
std::string_view Refused(ByteView challenge, Time now = kIssued, std::string_view context = "context",
                         std::string_view policies = "policies", std::uint8_t key = 1) {
  CheckLog log;
  const auto opened = ChallengeCodec(Key(key)).Open(challenge, now, Digest(context), Digest(policies), log);
  EXPECT_EQ(opened.has_value(), log.findings().empty());
  if (opened) {
    EXPECT_EQ(opened->nonce, Fields().nonce);
    EXPECT_EQ(opened->expires, kExpires);
    return "";
  }
  return NameOf(log.findings().front().reason);
}

TEST(ChallengeCodec, OpensWhatItSealed) { EXPECT_EQ(Refused(ChallengeCodec(Key(1)).Seal(Fields())), ""); }

TEST(ChallengeCodec, LaysItsFieldsOutAsDocumented) {
  const Bytes sealed = ChallengeCodec(Key(1)).Seal(Fields());
  ASSERT_EQ(sealed.size(), 153U);
  const ByteView bytes(sealed);
  EXPECT_EQ(sealed[0], 1);
  EXPECT_TRUE(Equal(bytes.subspan(9, 32), Fields().nonce));
  EXPECT_EQ(ToHex(bytes.subspan(41, 16)), "000000006b057c40000000006b057c7c");  // seconds, big-endian
  EXPECT_TRUE(Equal(bytes.subspan(57, 32), Digest("context")));
  EXPECT_TRUE(Equal(bytes.subspan(89, 32), Digest("policies")));
  EXPECT_TRUE(Equal(bytes.subspan(121), crypto::HmacSha256(Key(1), bytes.first(121))));
}

TEST(ChallengeCodec, AttackEverySingleBitFlipIsRefused) {
  const Bytes sealed = ChallengeCodec(Key(1)).Seal(Fields());
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_EQ(Refused(changed), bit < 8 ? "challenge_malformed" : "challenge_forged") << "bit " << bit;
  }
}

TEST(ChallengeCodec, EveryOtherLengthIsMalformed) {
  const Bytes sealed = ChallengeCodec(Key(1)).Seal(Fields());
  for (std::size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_EQ(Refused(ByteView(sealed).first(length)), "challenge_malformed") << length;
  }
  Bytes longer = sealed;
  longer.push_back(0);
  EXPECT_EQ(Refused(longer), "challenge_malformed");
}

TEST(ChallengeCodec, BothEndsOfTheWindowAreInside) {
  const Bytes sealed = ChallengeCodec(Key(1)).Seal(Fields());
  EXPECT_EQ(Refused(sealed, kIssued), "");
  EXPECT_EQ(Refused(sealed, kExpires), "");
  EXPECT_EQ(Refused(sealed, kIssued - Duration(1)), "challenge_expired");
  EXPECT_EQ(Refused(sealed, kExpires + Duration(1)), "challenge_expired");
}

TEST(ChallengeCodec, IsGoodForOneContextAndOnePolicySet) {
  const Bytes sealed = ChallengeCodec(Key(1)).Seal(Fields());
  EXPECT_EQ(Refused(sealed, kIssued, "another"), "context_mismatch");
  EXPECT_EQ(Refused(sealed, kIssued, "context", "another"), "context_mismatch");
}

TEST(ChallengeCodec, AnotherKeyIsNamed) {
  const Bytes sealed = ChallengeCodec(Key(1)).Seal(Fields());
  CheckLog log;
  EXPECT_FALSE(ChallengeCodec(Key(2)).Open(sealed, kIssued, Digest("context"), Digest("policies"), log));
  ASSERT_EQ(log.findings().size(), 1U);
  EXPECT_EQ(log.findings()[0].reason, Reason::kChallengeForged);
  EXPECT_NE(log.findings()[0].actual.find(ToHex(ByteView(sealed).subspan(1, 8))), std::string::npos);
}

}  // namespace
}  // namespace assay::service
