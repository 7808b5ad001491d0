#include "crypto/signature.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>

#include "crypto/private_key.h"
#include "test_pki.h"

namespace assay::crypto {
namespace {

using test::FromHexText;
using test::TestKey;

class SignatureTest : public ::testing::Test {
 protected:
  // Every question of this suite leaves OpenSSL's error queue as it found it: empty.
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0U); }

  static PublicKey Public(const TestKey& key) { return PublicKey::FromSpki(key.Spki()).value(); }
  static const TestKey& Rsa() {
    static const TestKey key = TestKey::Rsa(2048);
    return key;
  }
  const Bytes message_ = ToBytes(AsBytes("the signed region"));
};

const char kP256Order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const char kP384Order[] = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

TEST_F(SignatureTest, ScalarsLieBetweenOneAndTheOrder) {
  for (const auto& [kind, order_hex] : {std::pair{KeyKind::kEcP256, kP256Order}, std::pair{KeyKind::kEcP384, kP384Order}}) {
    const Bytes order = FromHexText(order_hex);
    Bytes below = order, above = order, one(order.size(), 0);
    --below.back();
    ++above.back();
    one.back() = 1;
    EXPECT_TRUE(IsEcdsaScalar(kind, one));
    EXPECT_TRUE(IsEcdsaScalar(kind, below));
    EXPECT_FALSE(IsEcdsaScalar(kind, order));
    EXPECT_FALSE(IsEcdsaScalar(kind, above));
    EXPECT_FALSE(IsEcdsaScalar(kind, Bytes(order.size(), 0)));
    EXPECT_FALSE(IsEcdsaScalar(kind, Bytes(order.size(), 0xFF)));
    EXPECT_FALSE(IsEcdsaScalar(kind, ByteView(one).subspan(1)));
    EXPECT_FALSE(IsEcdsaScalar(kind, test::Concat({Bytes{0}, one})));
    EXPECT_FALSE(IsEcdsaScalar(kind, {}));
    EXPECT_FALSE(IsEcdsaScalar(KeyKind::kRsa, one));
  }
  EXPECT_FALSE(IsEcdsaScalar(KeyKind::kRsa, {}));
}

TEST_F(SignatureTest, EcdsaOnlyForThisKeyDigestAndMessage) {
  const TestKey signer = TestKey::Ec("P-384");
  const PublicKey key = Public(signer), other = Public(TestKey::Ec("P-384"));
  const Bytes signature = signer.Sign("SHA-384", message_);
  EXPECT_TRUE(VerifyEcdsaDer(key, HashAlgorithm::kSha384, message_, signature));
  EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha256, message_, signature));
  EXPECT_FALSE(VerifyEcdsaDer(other, HashAlgorithm::kSha384, message_, signature));
  EXPECT_FALSE(VerifyEcdsaDer(Public(TestKey::Ec("P-256")), HashAlgorithm::kSha384, message_, signature));
  EXPECT_FALSE(VerifyEcdsaDer(Public(Rsa()), HashAlgorithm::kSha384, message_, signature));
  EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha384, ByteView(message_).subspan(1), signature));
  EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha384, {}, signature));
  EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha384, message_, {}));
}

TEST_F(SignatureTest, EveryChangedByteOfADerSignatureIsRefused) {
  const TestKey signer = TestKey::Ec("P-256");
  const PublicKey key = Public(signer);
  const Bytes signature = signer.Sign("SHA-256", message_);
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes changed = signature;
    changed[i] ^= 0x01;
    EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha256, message_, changed)) << i;
    EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha256, message_, ByteView(signature).first(i))) << i;
  }
  EXPECT_FALSE(VerifyEcdsaDer(key, HashAlgorithm::kSha256, message_, test::Concat({signature, Bytes{0}})));
}

TEST_F(SignatureTest, P1363IsExactlyTwoScalars) {
  const PrivateKey signer = PrivateKey::GenerateP256();
  const PublicKey& key = signer.public_key();
  const Bytes signature = signer.SignP1363(message_);
  ASSERT_EQ(signature.size(), 64U);
  const ByteView r = ByteView(signature).first(32), s = ByteView(signature).last(32);
  EXPECT_TRUE(VerifyEcdsaP1363(key, HashAlgorithm::kSha256, message_, signature));
  EXPECT_TRUE(VerifyEcdsa(key, HashAlgorithm::kSha256, message_, r, s));
  EXPECT_FALSE(VerifyEcdsa(key, HashAlgorithm::kSha256, message_, s, r));
  EXPECT_FALSE(VerifyEcdsa(key, HashAlgorithm::kSha256, message_, Bytes(32, 0), s));
  EXPECT_FALSE(VerifyEcdsa(key, HashAlgorithm::kSha256, message_, r, Bytes(32, 0)));
  EXPECT_FALSE(VerifyEcdsa(key, HashAlgorithm::kSha256, message_, test::Concat({Bytes{0}, r}), s));
  EXPECT_FALSE(VerifyEcdsa(Public(Rsa()), HashAlgorithm::kSha256, message_, r, s));
  EXPECT_FALSE(VerifyEcdsaP1363(Public(Rsa()), HashAlgorithm::kSha256, message_, signature));
  EXPECT_FALSE(VerifyEcdsaP1363(Public(TestKey::Ec("P-384")), HashAlgorithm::kSha256, message_, signature));
  EXPECT_FALSE(VerifyEcdsaP1363(key, HashAlgorithm::kSha256, message_, {}));
  EXPECT_FALSE(VerifyEcdsaP1363(key, HashAlgorithm::kSha256, message_, ByteView(signature).first(63)));
  EXPECT_FALSE(VerifyEcdsaP1363(key, HashAlgorithm::kSha256, message_, test::Concat({signature, Bytes{0}})));
}

// r + n is the same number to a verifier that reduces first.
TEST_F(SignatureTest, ScalarsAreNotReduced) {
  const PrivateKey signer = PrivateKey::GenerateP256();
  const Bytes order = FromHexText(kP256Order);
  Bytes signature = signer.SignP1363(message_);
  unsigned carry = 0;
  for (std::size_t i = 32; i-- > 0;) {
    carry += static_cast<unsigned>(signature[i]) + order[i];
    signature[i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(VerifyEcdsaP1363(signer.public_key(), HashAlgorithm::kSha256, message_, signature));
}

TEST_F(SignatureTest, Pkcs1OnlyForThisKeyDigestAndLength) {
  const PublicKey key = Public(Rsa());
  const Bytes signature = Rsa().Sign("SHA-256", message_);
  EXPECT_TRUE(VerifyRsaPkcs1(key, HashAlgorithm::kSha256, message_, signature));
  EXPECT_FALSE(VerifyRsaPkcs1(key, HashAlgorithm::kSha384, message_, signature));
  EXPECT_FALSE(VerifyRsaPkcs1(key, HashAlgorithm::kSha256, {}, signature));
  EXPECT_FALSE(VerifyRsaPkcs1(key, HashAlgorithm::kSha256, message_, ByteView(signature).first(255)));
  EXPECT_FALSE(VerifyRsaPkcs1(key, HashAlgorithm::kSha256, message_, test::Concat({Bytes{0}, signature})));
  EXPECT_FALSE(VerifyRsaPkcs1(key, HashAlgorithm::kSha256, message_, Bytes(256, 0)));
  EXPECT_FALSE(VerifyRsaPkcs1(key, HashAlgorithm::kSha256, message_, Bytes(256, 0xFF)));
  EXPECT_FALSE(VerifyRsaPkcs1(Public(TestKey::Ec("P-256")), HashAlgorithm::kSha256, message_, signature));
  EXPECT_FALSE(VerifyRsaPss(key, HashAlgorithm::kSha256, HashAlgorithm::kSha256, 32, message_, signature)) << "the other padding";
}

TEST_F(SignatureTest, PssDemandsExactParameters) {
  const PublicKey key = Public(Rsa());
  const auto verify = [&](HashAlgorithm hash, HashAlgorithm mgf, int salt, const Bytes& signature) {
    return VerifyRsaPss(key, hash, mgf, salt, message_, signature);
  };
  const Bytes signature = Rsa().SignPss("SHA-384", "SHA-384", 48, message_);
  EXPECT_TRUE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48, signature));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 47, signature));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 49, signature));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 0, signature));
  for (const int command : {-1, -2, -3, -4}) {
    EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, command, signature)) << command;
  }
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 100000, signature));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha256, 48, signature));
  EXPECT_FALSE(verify(HashAlgorithm::kSha256, HashAlgorithm::kSha384, 48, signature));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48, Rsa().SignPss("SHA-384", "SHA-1", 48, message_)));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48, Rsa().SignPss("SHA-384", "SHA-384", 20, message_)));
  EXPECT_FALSE(verify(HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48, Bytes(signature.begin(), signature.end() - 1)));
  EXPECT_FALSE(VerifyRsaPss(Public(TestKey::Ec("P-384")), HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48, message_, signature));
}

}  // namespace
}  // namespace assay::crypto
