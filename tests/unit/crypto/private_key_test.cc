#include "crypto/private_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>
#include <type_traits>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/signature.h"
#include "test_pki.h"

namespace assay::crypto {
namespace {

using test::TestKey;
using ::testing::HasSubstr;
using ::testing::Not;

static_assert(!std::is_copy_constructible_v<PrivateKey> && !std::is_copy_assignable_v<PrivateKey>);
static_assert(!std::is_copy_constructible_v<SecretText> && !std::is_copy_assignable_v<SecretText>);

const Time kStart = *ParseTime("2026-11-24T00:00:00Z");

std::string PemOf(const TestKey& key, const EVP_CIPHER* cipher = nullptr, bool traditional = false) {
  BIO* bio = BIO_new(BIO_s_mem());
  char pass[] = "secret";
  const int ok = traditional ? PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr)
                             : PEM_write_bio_PKCS8PrivateKey(bio, key.get(), cipher, cipher == nullptr ? nullptr : pass,
                                                             cipher == nullptr ? 0 : 6, nullptr, nullptr);
  EXPECT_EQ(ok, 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

TEST(PrivateKey, SignsBothForms) {
  const PrivateKey key = PrivateKey::GenerateP256();
  EXPECT_EQ(key.public_key().kind(), KeyKind::kEcP256);
  const ByteView message = AsBytes("message");
  // Often enough that r and s shorter than 32 bytes occur (1 in 128).
  for (int i = 0; i < 600; ++i) {
    const Bytes raw = key.SignP1363(message);
    ASSERT_EQ(raw.size(), 64U);
    ASSERT_TRUE(VerifyEcdsaP1363(key.public_key(), HashAlgorithm::kSha256, message, raw)) << i;
  }
  EXPECT_TRUE(VerifyEcdsaDer(key.public_key(), HashAlgorithm::kSha256, message, key.SignDer(message)));
  EXPECT_FALSE(VerifyEcdsaDer(key.public_key(), HashAlgorithm::kSha256, AsBytes("massage"), key.SignDer(message)));
  EXPECT_NE(key.SignDer(message), key.SignDer(message));
  EXPECT_FALSE(key.public_key() == PrivateKey::GenerateP256().public_key());
}

TEST(PrivateKey, PemGoesThereAndBack) {
  const PrivateKey key = PrivateKey::GenerateP256();
  const SecretText pem = key.ToPem();
  EXPECT_THAT(std::string(pem.view()), HasSubstr("BEGIN "
                                                 "PRIVATE KEY"));
  const auto again = PrivateKey::FromPem(pem.view());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->public_key() == key.public_key());
  EXPECT_TRUE(VerifyEcdsaDer(key.public_key(), HashAlgorithm::kSha256, AsBytes("m"), again->SignDer(AsBytes("m"))));
  EXPECT_TRUE(PrivateKey::FromPem(PemOf(TestKey::Ec("P-256"), nullptr, true)).ok()) << "SEC 1";
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(PrivateKey, MovingLeavesOneOwner) {
  PrivateKey key = PrivateKey::GenerateP256();
  const PublicKey public_key = key.public_key();
  PrivateKey moved = std::move(key);
  EXPECT_TRUE(moved.public_key() == public_key);
  SecretText pem = moved.ToPem();
  const SecretText taken = std::move(pem);
  EXPECT_TRUE(PrivateKey::FromPem(taken.view()).ok());
}

TEST(PrivateKey, RefusesOtherPem) {
  const std::string good = PemOf(TestKey::Ec("P-256"));
  TestKey explicit_curve = TestKey::Ec("P-256");
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(explicit_curve.get(), "encoding", "explicit"), 1);
  struct Case {
    const char* what;
    std::string pem;
    Reason reason;
  };
  for (const Case& test : std::initializer_list<Case>{
           {"nothing", "", Reason::kEncodingMalformed},
           {"no PEM", "hello", Reason::kEncodingMalformed},
           {"cut off", good.substr(0, good.size() / 2), Reason::kEncodingMalformed},
           {"two keys", good + good, Reason::kEncodingMalformed},
           {"text behind", good + "x", Reason::kEncodingMalformed},
           {"too long", good + std::string(20000, '\n'), Reason::kEncodingMalformed},
           {"encrypted", PemOf(TestKey::Ec("P-256"), EVP_aes_128_cbc()), Reason::kEncodingMalformed},
           {"P-384", PemOf(TestKey::Ec("P-384")), Reason::kKeyUnsupported},
           {"P-521", PemOf(TestKey::Ec("P-521")), Reason::kKeyUnsupported},
           {"RSA", PemOf(TestKey::Rsa(2048)), Reason::kKeyUnsupported},
           {"Ed25519", PemOf(TestKey::Ed25519()), Reason::kKeyUnsupported},
           {"explicit curve", PemOf(explicit_curve), Reason::kKeyUnsupported},
       }) {
    const auto key = PrivateKey::FromPem(test.pem);
    ASSERT_FALSE(key.ok()) << test.what;
    EXPECT_EQ(key.findings()[0].reason, test.reason) << test.what;
    EXPECT_EQ(ERR_peek_error(), 0U) << test.what;
    if (test.pem.size() > 100) {
      EXPECT_THAT(Describe(key.findings()[0]), Not(HasSubstr(test.pem.substr(40, 20)))) << "findings show no secrets";
    }
  }
}

// What an empty file leaves: no characters and no address.
TEST(PrivateKey, RefusesNothingAtAll) {
  EXPECT_EQ(PrivateKey::FromPem(std::string_view()).findings().at(0).reason, Reason::kEncodingMalformed);
}

TEST(PrivateKey, RefusesAPublicHalfOfAnotherKey) {
  // PKCS #8 with the number of one key and the point of another.
  const TestKey one = TestKey::Ec("P-256"), other = TestKey::Ec("P-256");
  const auto pkcs8 = [](const TestKey& key) {
    BIO* bio = BIO_new(BIO_s_mem());
    EXPECT_EQ(i2d_PKCS8PrivateKey_bio(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    Bytes der(data, data + size);
    BIO_free(bio);
    return der;
  };
  Bytes mixed = pkcs8(one);
  const Bytes foreign = pkcs8(other);
  ASSERT_EQ(mixed.size(), foreign.size());
  std::copy(foreign.end() - 64, foreign.end(), mixed.end() - 64);
  std::string base64(mixed.size() * 2, '\0');
  base64.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), mixed.data(), static_cast<int>(mixed.size()))));
  std::string pem =
      "-----BEGIN "
      "PRIVATE KEY-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) pem += base64.substr(at, 64) + "\n";
  const auto key = PrivateKey::FromPem(pem + "-----END PRIVATE KEY-----\n");
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.findings()[0].reason, Reason::kKeyUnsupported);
}

TEST(PrivateKey, SelfSignedCertificateIsOne) {
  const PrivateKey key = PrivateKey::GenerateP256();
  for (const char* end : {"2026-11-25T00:00:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z"}) {
    const auto der = key.SelfSignedCertificate("node-1", kStart, *ParseTime(end));
    ASSERT_TRUE(der.ok());
    const auto certificate = Certificate::FromDer(*der);
    ASSERT_TRUE(certificate.ok()) << Describe(certificate.findings()[0]);
    EXPECT_EQ(certificate->version(), 3);
    EXPECT_EQ(certificate->SubjectText(), "CN=node-1");
    EXPECT_TRUE(certificate->SelfIssued());
    EXPECT_TRUE(certificate->IsSignedBy(key.public_key()));
    EXPECT_TRUE(certificate->public_key() == key.public_key());
    EXPECT_EQ(certificate->not_before(), kStart);
    EXPECT_EQ(FormatTime(certificate->not_after()), end);
    EXPECT_EQ(certificate->serial().size(), 16U);
    EXPECT_LT(certificate->serial()[0], 0x80);
    EXPECT_FALSE(certificate->is_ca());
    EXPECT_EQ(certificate->key_usage(), static_cast<std::uint16_t>(KeyUsage::kDigitalSignature));
    EXPECT_NE(certificate->FindExtension("2.5.29.37"), nullptr);
  }
  EXPECT_NE(*key.SelfSignedCertificate("n", kStart, kStart), *key.SelfSignedCertificate("n", kStart, kStart)) << "serials are random";
}

TEST(PrivateKey, CertificateRequestProvesPossession) {
  const PrivateKey key = PrivateKey::GenerateP256();
  const auto der = key.CertificateRequest("node-1");
  ASSERT_TRUE(der.ok());
  const unsigned char* next = der->data();
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(d2i_X509_REQ(nullptr, &next, static_cast<long>(der->size())),
                                                                    X509_REQ_free);
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(next, der->data() + der->size());
  EXPECT_EQ(X509_REQ_get_version(request.get()), 0);
  EXPECT_EQ(X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())), 1);
  unsigned char* spki = nullptr;
  const int size = i2d_PUBKEY(X509_REQ_get0_pubkey(request.get()), &spki);
  ASSERT_GT(size, 0);
  EXPECT_TRUE(Equal(ByteView(spki, static_cast<std::size_t>(size)), key.public_key().spki()));
  OPENSSL_free(spki);
}

TEST(PrivateKey, NamesAndTimesMustFit) {
  const PrivateKey key = PrivateKey::GenerateP256();
  const Time end = kStart + std::chrono::hours(1);
  EXPECT_TRUE(key.SelfSignedCertificate(std::string(64, 'x'), kStart, end).ok());
  EXPECT_TRUE(key.CertificateRequest("knoten-\xC3\xA4").ok());
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string(1000, 'x'), std::string("\xC3\x28")}) {
    EXPECT_EQ(key.SelfSignedCertificate(name, kStart, end).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(key.CertificateRequest(name).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(key.SelfSignedCertificate("n", end, kStart).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace assay::crypto
