#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/hex.h"

namespace assay::crypto {
namespace {

struct KnownDigest {
  HashAlgorithm algorithm;
  std::string message;
  std::string digest;
};

// FIPS 180-4's example messages: "abc" and the empty one.
const KnownDigest kKnownDigests[] = {
    {HashAlgorithm::kSha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {HashAlgorithm::kSha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {HashAlgorithm::kSha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {HashAlgorithm::kSha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {HashAlgorithm::kSha384, "abc", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {HashAlgorithm::kSha512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

TEST(Digest, KnownAnswers) {
  for (const KnownDigest& known : kKnownDigests) {
    SCOPED_TRACE(NameOf(known.algorithm));
    EXPECT_EQ(ToHex(Digest(known.algorithm, AsBytes(known.message))), known.digest);
    EXPECT_EQ(known.digest.size(), 2 * DigestSize(known.algorithm));
  }
}

TEST(Digest, FixedSizesAgreeWithTheGeneralForm) {
  const ByteView message = AsBytes("message");
  EXPECT_TRUE(Equal(Sha256(message), Digest(HashAlgorithm::kSha256, message)));
  EXPECT_TRUE(Equal(Sha384(message), Digest(HashAlgorithm::kSha384, message)));
  EXPECT_TRUE(Equal(Sha512(message), Digest(HashAlgorithm::kSha512, message)));
}

TEST(Digest, NamesAreDistinct) {
  EXPECT_EQ(NameOf(HashAlgorithm::kSha1), "SHA-1");
  EXPECT_EQ(NameOf(HashAlgorithm::kSha256), "SHA-256");
  EXPECT_EQ(NameOf(HashAlgorithm::kSha384), "SHA-384");
  EXPECT_EQ(NameOf(HashAlgorithm::kSha512), "SHA-512");
}

TEST(Hasher, PiecesHashAsTheWhole) {
  const std::string message(1000, 'x');
  for (const std::size_t piece : {1U, 7U, 64U, 1000U}) {
    Hasher hasher(HashAlgorithm::kSha384);
    for (std::size_t at = 0; at < message.size(); at += piece) hasher.Update(AsBytes(std::string_view(message).substr(at, piece)));
    EXPECT_EQ(hasher.Finish(), Digest(HashAlgorithm::kSha384, AsBytes(message)));
  }
}

TEST(Hasher, SurvivesMovingAndOtherDigestsInBetween) {
  Hasher first(HashAlgorithm::kSha256);
  first.Update(AsBytes("a"));
  Hasher moved(std::move(first));
  static_cast<void>(Sha256(AsBytes("something else")));
  moved.Update(AsBytes("bc"));
  EXPECT_EQ(ToHex(moved.Finish()), kKnownDigests[2].digest);
}

TEST(HasherDeathTest, FinishesOnce) {
  Hasher hasher(HashAlgorithm::kSha256);
  static_cast<void>(hasher.Finish());
  EXPECT_DEATH(static_cast<void>(hasher.Finish()), "bug");
  EXPECT_DEATH(hasher.Update(AsBytes("x")), "bug");
}

TEST(Digest, ThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const std::string message(static_cast<std::size_t>(t) * 100, 'y');
      const Sha256Digest expected = Sha256(AsBytes(message));
      for (int i = 0; i < 200; ++i) EXPECT_EQ(Sha256(AsBytes(message)), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// RFC 4231 section 4: cases 1, 2, 6 (a key longer than the block).
TEST(HmacSha256, KnownAnswers) {
  EXPECT_EQ(ToHex(HmacSha256(Bytes(20, 0x0B), AsBytes("Hi There"))), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(ToHex(HmacSha256(AsBytes("Jefe"), AsBytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(HmacSha256(Bytes(131, 0xAA), AsBytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, AnEmptyKeyIsNotTheKeyOfLastTime) {
  static_cast<void>(HmacSha256(AsBytes("secret"), AsBytes("m")));
  EXPECT_EQ(ToHex(HmacSha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace assay::crypto
