#include "crypto/public_key.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include <functional>
#include <string>

#include "crypto/digest.h"
#include "test_pki.h"

namespace assay::crypto {
namespace {

using test::Concat;
using test::Der;
using test::FromHexText;
using test::TestKey;

// An odd number of exactly `bits` bits as INTEGER content.
Bytes Modulus(unsigned bits) {
  Bytes magnitude((bits + 7) / 8, 0x5A);
  magnitude[0] = static_cast<std::uint8_t>(1U << ((bits - 1) % 8));
  magnitude.back() = 0x01;
  if (magnitude[0] >= 0x80) magnitude.insert(magnitude.begin(), 0);
  return magnitude;
}
const Bytes k65537 = {1, 0, 1};

ByteView PointOf(const Bytes& spki, std::size_t field) { return ByteView(spki).last(2 * field); }

// SubjectPublicKeyInfo of `key` in the form that `set` asks OpenSSL for.
Bytes EncodedAs(const TestKey& key, const char* parameter, const char* value) {
  EVP_PKEY* copy = EVP_PKEY_dup(key.get());
  EXPECT_EQ(EVP_PKEY_set_utf8_string_param(copy, parameter, value), 1);
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(copy, &encoded);
  EXPECT_GT(size, 0);
  Bytes der(encoded, encoded + size);
  OPENSSL_free(encoded);
  EVP_PKEY_free(copy);
  return der;
}

void ExpectRefused(ByteView spki, const std::string& what) {
  const auto key = PublicKey::FromSpki(spki);
  ASSERT_FALSE(key.ok()) << what;
  ASSERT_EQ(key.findings().size(), 1U) << what;
  EXPECT_EQ(key.findings()[0].reason, Reason::kKeyUnsupported) << what;
  EXPECT_FALSE(key.findings()[0].expected.empty()) << what;
  EXPECT_FALSE(key.findings()[0].actual.empty()) << what;
  EXPECT_EQ(ERR_peek_error(), 0U) << what;
}

TEST(PublicKey, AcceptsTheThreeKinds) {
  struct Accepted {
    Bytes spki;
    KeyKind kind;
    int bits;
  };
  for (const Accepted& accepted :
       {Accepted{TestKey::Ec("P-256").Spki(), KeyKind::kEcP256, 256}, Accepted{TestKey::Ec("P-384").Spki(), KeyKind::kEcP384, 384},
        Accepted{TestKey::Rsa(2048).Spki(), KeyKind::kRsa, 2048}, Accepted{test::RsaSpki(Modulus(2049), k65537), KeyKind::kRsa, 2049},
        Accepted{test::RsaSpki(Modulus(8192), k65537), KeyKind::kRsa, 8192}}) {
    const auto key = PublicKey::FromSpki(accepted.spki);
    ASSERT_TRUE(key.ok()) << accepted.bits;
    EXPECT_EQ(key->kind(), accepted.kind);
    EXPECT_EQ(key->bits(), accepted.bits);
    EXPECT_TRUE(Equal(key->spki(), accepted.spki));
    EXPECT_EQ(key->spki_sha256(), Sha256(accepted.spki));
  }
}

TEST(PublicKey, FromPointIsTheSameKey) {
  for (const auto& [group, kind, field] :
       {std::tuple{"P-256", KeyKind::kEcP256, std::size_t{32}}, std::tuple{"P-384", KeyKind::kEcP384, std::size_t{48}}}) {
    const Bytes spki = TestKey::Ec(group).Spki();
    const ByteView point = PointOf(spki, field);
    const auto key = PublicKey::FromEcPoint(kind, point.first(field), point.last(field));
    ASSERT_TRUE(key.ok());
    EXPECT_TRUE(*key == *PublicKey::FromSpki(spki));
    EXPECT_FALSE(PublicKey::FromEcPoint(kind, point.first(field), point.first(field)).ok()) << "off the curve";
    EXPECT_FALSE(PublicKey::FromEcPoint(kind, point.first(field - 1), point.last(field)).ok());
    EXPECT_FALSE(PublicKey::FromEcPoint(kind, point.first(field), point.last(field - 1)).ok());
    EXPECT_FALSE(PublicKey::FromEcPoint(KeyKind::kRsa, point.first(field), point.last(field)).ok());
    EXPECT_FALSE(PublicKey::FromEcPoint(kind, Bytes(field, 0), Bytes(field, 0)).ok());
    EXPECT_FALSE(PublicKey::FromEcPoint(kind, Bytes(field, 0xFF), point.last(field)).ok()) << "not below the prime";
    EXPECT_FALSE(PublicKey::FromEcPoint(kind, {}, {}).ok());
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// x = p + 5 encodes the same field element as x = 5, which is on P-256.
TEST(PublicKey, CoordinatesAreBelowThePrime) {
  const Bytes five = FromHexText("0000000000000000000000000000000000000000000000000000000000000005");
  const Bytes y = FromHexText("459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc");
  const Bytes p_and_five = FromHexText("ffffffff00000001000000000000000000000001000000000000000000000004");
  ASSERT_TRUE(PublicKey::FromEcPoint(KeyKind::kEcP256, five, y).ok());
  EXPECT_FALSE(PublicKey::FromEcPoint(KeyKind::kEcP256, p_and_five, y).ok());
}

TEST(PublicKey, RefusesOtherCurvesAndForms) {
  for (const char* group : {"P-521", "P-224", "secp256k1", "brainpoolP256r1", "brainpoolP384r1"}) {
    ExpectRefused(TestKey::Ec(group).Spki(), group);
  }
  for (const char* group : {"P-256", "P-384"}) {
    const TestKey key = TestKey::Ec(group);
    ExpectRefused(EncodedAs(key, "encoding", "explicit"), "explicit parameters");
    ExpectRefused(EncodedAs(key, "point-format", "compressed"), "compressed point");
    ExpectRefused(EncodedAs(key, "point-format", "hybrid"), "hybrid point");
  }
  ExpectRefused(FromHexText("3019301306072a8648ce3d020106082a8648ce3d0301070302 0000"), "point at infinity");
  ExpectRefused(TestKey::Ed25519().Spki(), "Ed25519");
}

TEST(PublicKey, RefusesOtherRsaKeys) {
  ExpectRefused(TestKey::Rsa(1024).Spki(), "1024 bits");
  ExpectRefused(test::RsaSpki(Modulus(2047), k65537), "2047 bits");
  ExpectRefused(test::RsaSpki(Modulus(8193), k65537), "8193 bits");
  ExpectRefused(test::RsaSpki(Modulus(16384), k65537), "16384 bits");
  ExpectRefused(test::RsaSpki(Modulus(2048), Bytes{3}), "exponent 3");
  ExpectRefused(test::RsaSpki(Modulus(2048), Bytes{1, 0, 3}), "exponent 65539");
  ExpectRefused(test::RsaSpki(Modulus(2048), Bytes{0, 1, 0, 1}), "exponent with leading zero");
  ExpectRefused(test::RsaSpki(Modulus(2048), Modulus(2048)), "exponent as long as the modulus");
  ExpectRefused(test::RsaSpki(Bytes{0}, k65537), "modulus 0");
  Bytes even = Modulus(2048);
  even.back() = 0x02;
  ExpectRefused(test::RsaSpki(even, k65537), "even modulus");
  Bytes negative = Modulus(2048);
  negative.erase(negative.begin());
  ExpectRefused(test::RsaSpki(negative, k65537), "negative modulus");
  Bytes padded = Modulus(2048);
  padded.insert(padded.begin(), 0);
  ExpectRefused(test::RsaSpki(padded, k65537), "modulus with leading zero");

  const Bytes key = Der(0x30, Concat({Der(0x02, Modulus(2048)), Der(0x02, k65537)}));
  const auto spki = [](const char* algorithm, const Bytes& bits) { return Der(0x30, Concat({FromHexText(algorithm), Der(0x03, bits)})); };
  ExpectRefused(spki("300b06092a864886f70d010101", Concat({Bytes{0}, key})), "without NULL");
  ExpectRefused(spki("300b06092a864886f70d01010a", Concat({Bytes{0}, key})), "id-RSASSA-PSS");
  ExpectRefused(spki("300d06092a864886f70d0101010500", Concat({Bytes{0}, key, Bytes{0}})), "bytes behind RSAPublicKey");
  ExpectRefused(spki("300d06092a864886f70d0101010500", {}), "empty bit string");
  const Bytes three = Der(0x30, Concat({Der(0x02, Modulus(2048)), Der(0x02, k65537), Der(0x02, k65537)}));
  ExpectRefused(spki("300d06092a864886f70d0101010500", Concat({Bytes{0}, three})), "three numbers");
}

TEST(PublicKey, RefusesEveryTruncationAndExtension) {
  for (const Bytes& spki : {TestKey::Ec("P-256").Spki(), TestKey::Ec("P-384").Spki(), TestKey::Rsa(2048).Spki()}) {
    for (std::size_t size = 0; size < spki.size(); ++size) {
      ExpectRefused(ByteView(spki).first(size), "truncated to " + std::to_string(size));
    }
    ExpectRefused(Concat({spki, Bytes{0}}), "trailing byte");
  }
}

TEST(PublicKey, EqualityIsOfKeys) {
  const TestKey one = TestKey::Ec("P-256"), other = TestKey::Ec("P-256");
  EXPECT_TRUE(PublicKey::FromSpki(one.Spki()).value() == PublicKey::FromSpki(one.Spki()).value());
  EXPECT_FALSE(PublicKey::FromSpki(one.Spki()).value() == PublicKey::FromSpki(other.Spki()).value());
}

TEST(PublicKey, KindsHaveNames) {
  EXPECT_EQ(NameOf(KeyKind::kEcP256), "EC P-256");
  EXPECT_EQ(NameOf(KeyKind::kEcP384), "EC P-384");
  EXPECT_EQ(NameOf(KeyKind::kRsa), "RSA");
}

}  // namespace
}  // namespace assay::crypto
