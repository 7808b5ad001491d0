#include "crypto/certification_request.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "crypto/private_key.h"
#include "tests/unit/crypto/test_pki.h"

namespace assay::crypto {
namespace {

using test::Concat;
using test::Der;
using test::FromHexText;
using test::TestKey;

const TestKey& NodeKey() {
  static const TestKey key = TestKey::Ec("P-256");
  return key;
}

// CertificationRequestInfo (RFC 2986 section 4.1), of which a test may spoil one part.
struct Info {
  Bytes version = FromHexText("020100");
  Bytes subject = test::NameDer("node-1");
  Bytes spki = NodeKey().Spki();
  Bytes attributes = FromHexText("a000");
  Bytes tail = {};
  Bytes Signed(const TestKey& key = NodeKey()) const {
    return test::SignStructure(Der(0x30, Concat({version, subject, spki, attributes, tail})), key);
  }
};

void ExpectRefused(ByteView der, Reason reason, const std::string& claim) {
  const auto request = CertificationRequest::FromDer(der);
  ASSERT_FALSE(request) << claim;
  EXPECT_EQ(request.findings()[0].reason, reason) << claim;
  EXPECT_EQ(request.findings()[0].claim, claim);
  EXPECT_EQ(request.findings()[0].component, "csr");
  EXPECT_FALSE(request.findings()[0].actual.empty()) << claim;
  EXPECT_EQ(ERR_peek_error(), 0U) << claim;
}

TEST(CertificationRequest, ShowsWhatIsInIt) {
  const Bytes der = Info{}.Signed();
  const auto request = CertificationRequest::FromDer(der);
  ASSERT_TRUE(request) << Describe(request.findings()[0]);
  EXPECT_TRUE(Equal(request->der(), der));
  EXPECT_TRUE(Equal(request->public_key().spki(), NodeKey().Spki()));
  ASSERT_EQ(request->subject().size(), 1u);
  EXPECT_EQ(request->subject()[0].value, "node-1");
  EXPECT_TRUE(request->IsSignedByItsKey());
}

TEST(CertificationRequest, ReadsWhatOurOwnKeysAndOpensslWrite) {
  const PrivateKey key = PrivateKey::GenerateP256();
  const auto own = CertificationRequest::FromDer(*key.CertificateRequest("node-1"));
  ASSERT_TRUE(own);
  EXPECT_TRUE(own->public_key() == key.public_key());
  EXPECT_TRUE(own->IsSignedByItsKey());
  // With an attribute (extensionRequest), as OpenSSL writes it.
  X509_REQ* request = X509_REQ_new();
  X509_REQ_set_version(request, 0);
  X509_REQ_set_pubkey(request, NodeKey().get());
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>("\x30\x00"), 2);
  sk_X509_EXTENSION_push(extensions, X509_EXTENSION_create_by_NID(nullptr, NID_basic_constraints, 1, value));
  X509_REQ_add_extensions(request, extensions);
  ASSERT_GT(X509_REQ_sign(request, NodeKey().get(), EVP_sha256()), 0);
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(request, &bytes);
  ASSERT_GT(size, 0);
  const auto read = CertificationRequest::FromDer(ByteView(bytes, static_cast<std::size_t>(size)));
  ASSERT_TRUE(read) << Describe(read.findings()[0]);
  EXPECT_TRUE(read->IsSignedByItsKey());
  EXPECT_TRUE(read->subject().empty());
  OPENSSL_free(bytes);
  ASN1_OCTET_STRING_free(value);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  X509_REQ_free(request);
}

TEST(CertificationRequest, RefusesWhatIsNotRfc2986) {
  struct Case {
    Info info;
    std::string claim;
  };
  for (const Case& c : {Case{{.version = FromHexText("020101")}, "version"}, Case{{.version = {}}, "version"},
                        Case{{.version = FromHexText("0201ff")}, "version"}, Case{{.subject = {}}, "subject"},
                        Case{{.subject = FromHexText("0500")}, "subject"}, Case{{.spki = {}}, "subjectPKInfo"},
                        Case{{.attributes = {}}, "attributes"}, Case{{.attributes = FromHexText("3000")}, "attributes"},
                        Case{{.attributes = FromHexText("a100")}, "attributes"}, Case{{.tail = FromHexText("0500")}, "attributes"}}) {
    ExpectRefused(c.info.Signed(), Reason::kCertificateMalformed, c.claim);
  }
  ExpectRefused({}, Reason::kCertificateMalformed, "encoding");
  ExpectRefused(AsBytes("csr"), Reason::kCertificateMalformed, "encoding");
  ExpectRefused(Concat({Info{}.Signed(), Bytes{0}}), Reason::kCertificateMalformed, "encoding");
}

TEST(CertificationRequest, RefusesKeysThatThisBuildDoesNotAccept) {
  for (const TestKey& key : {TestKey::Ed25519(), TestKey::Ec("P-521"), TestKey::Ec("secp256k1"), TestKey::Rsa(1024)}) {
    Info info;
    info.spki = key.Spki();
    const auto request = CertificationRequest::FromDer(info.Signed());
    ASSERT_FALSE(request);
    EXPECT_EQ(request.findings()[0].reason, Reason::kKeyUnsupported);
    EXPECT_EQ(request.findings()[0].component, "csr");
  }
}

TEST(CertificationRequest, OnlyItsOwnKeySignsIt) {
  const auto by_another = CertificationRequest::FromDer(Info{}.Signed(TestKey::Ec("P-256")));
  ASSERT_TRUE(by_another);
  EXPECT_FALSE(by_another->IsSignedByItsKey());
  // No byte can be changed without that being seen.
  const Bytes der = Info{}.Signed();
  for (std::size_t at = 0; at < der.size(); ++at) {
    Bytes changed = der;
    changed[at] ^= 1;
    const auto request = CertificationRequest::FromDer(changed);
    EXPECT_FALSE(request && request->IsSignedByItsKey()) << at;
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(CertificationRequest, EveryTruncationIsRefused) {
  const Bytes der = Info{}.Signed();
  for (std::size_t size = 0; size < der.size(); ++size) ExpectRefused(ByteView(der).first(size), Reason::kCertificateMalformed, "encoding");
}

TEST(CertificationRequest, TheSizeLimitIsExact) {
  for (const std::size_t size : {kMaxCertificationRequestSize - 1, kMaxCertificationRequestSize}) {
    ExpectRefused(Bytes(size, 0), Reason::kCertificateMalformed, "encoding");
  }
  ExpectRefused(Bytes(kMaxCertificationRequestSize + 1, 0), Reason::kSizeOverLimit, "length");
}

}  // namespace
}  // namespace assay::crypto
