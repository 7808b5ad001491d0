#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/hex.h"
#include "test_pki.h"
#include "tests/vectors_dir.h"

namespace assay::crypto {
namespace {

using ::assay::test::ReadFile;
using test::CaSpec;
using test::CertificateSpec;
using test::Concat;
using test::Der;
using test::ExtensionDer;
using test::FromHexText;
using test::LeafSpec;
using test::MakeCertificate;
using test::TestKey;

const TestKey& RootKey() {
  static const TestKey key = TestKey::Ec("P-256");
  return key;
}

// The parts of a TBSCertificate, each DER; a test replaces one.
struct Tbs {
  Bytes version = FromHexText("a003020102");
  Bytes serial = FromHexText("020105");
  Bytes algorithm = test::kEcdsaSha256Algorithm;
  Bytes issuer = test::NameDer("root");
  Bytes validity = Der(0x30, Concat({Der(0x17, AsBytes("240101000000Z")), Der(0x17, AsBytes("340101000000Z"))}));
  Bytes subject = test::NameDer("leaf");
  Bytes spki = RootKey().Spki();
  Bytes unique_ids = {};
  Bytes extensions = {};  // with the [3] tag
  Bytes rest = {};

  Bytes Signed() const {
    return test::SignStructure(
        Der(0x30, Concat({version, serial, algorithm, issuer, validity, subject, spki, unique_ids, extensions, rest})), RootKey());
  }
};
Bytes WithExtensions(std::initializer_list<ByteView> extensions) { return Der(0xA3, Der(0x30, Concat(extensions))); }
Bytes Validity(std::uint8_t tag, std::string_view not_before, std::string_view not_after) {
  return Der(0x30, Concat({Der(tag, AsBytes(not_before)), Der(tag, AsBytes(not_after))}));
}

const Bytes kBasicConstraints = {0x55, 0x1D, 0x13};
const Bytes kKeyUsage = {0x55, 0x1D, 0x0F};
const Bytes kSubjectAltName = {0x55, 0x1D, 0x11};
const Bytes kPrivateOid = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78};

void ExpectMalformed(ByteView der, const std::string& claim, const std::string& what) {
  const auto certificate = Certificate::FromDer(der, "vcek");
  ASSERT_FALSE(certificate.ok()) << what;
  const Finding& finding = certificate.findings()[0];
  EXPECT_EQ(finding.reason, Reason::kCertificateMalformed) << what;
  EXPECT_EQ(finding.component, "vcek") << what;
  EXPECT_EQ(finding.claim, claim) << what;
  EXPECT_FALSE(finding.expected.empty()) << what;
  EXPECT_FALSE(finding.actual.empty()) << what;
  EXPECT_EQ(ERR_peek_error(), 0U) << what;
}

TEST(Certificate, ShowsWhatIsInIt) {
  const TestKey key = TestKey::Ec("P-384");
  CertificateSpec spec = CaSpec("Inter, mediate", "root", 3);
  spec.serial = {0x80, 0x01};
  spec.not_before = *ParseTime("2024-02-29T12:34:56Z");
  spec.not_after = *ParseTime("2055-03-01T00:00:00Z");
  const Bytes der = MakeCertificate(spec, key, RootKey());
  const auto certificate = Certificate::FromDer(der);
  ASSERT_TRUE(certificate.ok()) << Describe(certificate.findings()[0]);
  EXPECT_TRUE(Equal(certificate->der(), der));
  EXPECT_EQ(certificate->sha256(), Sha256(der));
  EXPECT_EQ(certificate->version(), 3);
  EXPECT_EQ(ToHex(certificate->serial()), "008001");
  EXPECT_EQ(certificate->SubjectText(), "CN=Inter\\, mediate");
  EXPECT_EQ(certificate->IssuerText(), "CN=root");
  EXPECT_EQ(certificate->CommonName(), "Inter, mediate");
  EXPECT_FALSE(certificate->SelfIssued());
  EXPECT_EQ(FormatTime(certificate->not_before()), "2024-02-29T12:34:56Z");
  EXPECT_EQ(FormatTime(certificate->not_after()), "2055-03-01T00:00:00Z");
  EXPECT_TRUE(Equal(certificate->public_key().spki(), key.Spki()));
  EXPECT_EQ(certificate->signature_algorithm().kind, SignatureAlgorithm::Kind::kEcdsa);
  EXPECT_EQ(certificate->signature_algorithm().hash, HashAlgorithm::kSha256);
  EXPECT_TRUE(certificate->SignatureAlgorithmsAgree());
  EXPECT_TRUE(certificate->is_ca());
  EXPECT_EQ(certificate->path_length(), 3);
  EXPECT_EQ(certificate->key_usage(), static_cast<std::uint16_t>(KeyUsage::kKeyCertSign) | static_cast<std::uint16_t>(KeyUsage::kCrlSign));
  ASSERT_EQ(certificate->extensions().size(), 4U);
  ASSERT_NE(certificate->FindExtension("2.5.29.19"), nullptr);
  EXPECT_TRUE(certificate->FindExtension("2.5.29.19")->critical);
  EXPECT_EQ(certificate->FindExtension("2.5.29.99"), nullptr);
  EXPECT_TRUE(certificate->IsSignedBy(PublicKey::FromSpki(RootKey().Spki()).value()));
  EXPECT_FALSE(certificate->IsSignedBy(certificate->public_key()));
}

TEST(Certificate, AbsentExtensionsAreAbsent) {
  const auto certificate = Certificate::FromDer(Tbs{}.Signed());
  ASSERT_TRUE(certificate.ok()) << Describe(certificate.findings()[0]);
  EXPECT_FALSE(certificate->is_ca());
  EXPECT_FALSE(certificate->path_length().has_value());
  EXPECT_FALSE(certificate->key_usage().has_value());
  EXPECT_TRUE(certificate->extensions().empty());
}

TEST(Certificate, AcceptsWhatIsUnusualButRight) {
  struct Case {
    const char* what;
    std::function<void(Tbs&)> change;
  };
  for (const Case& test : std::initializer_list<Case>{
           {"version 1", [](Tbs& tbs) { tbs.version = {}; }},
           {"version 2 with unique ids",
            [](Tbs& tbs) {
              tbs.version = FromHexText("a003020101");
              tbs.unique_ids = FromHexText("8102000182020001");
            }},
           {"serial 0, as AMD's leafs have", [](Tbs& tbs) { tbs.serial = FromHexText("020100"); }},
           {"negative serial", [](Tbs& tbs) { tbs.serial = FromHexText("0201ff"); }},
           {"empty issuer", [](Tbs& tbs) { tbs.issuer = FromHexText("3000"); }},
           {"empty subject", [](Tbs& tbs) { tbs.subject = FromHexText("3000"); }},
           {"years 1950 and 2049", [](Tbs& tbs) { tbs.validity = Validity(0x17, "500101000000Z", "491231235959Z"); }},
           {"no well-defined end", [](Tbs& tbs) { tbs.validity = Validity(0x18, "20240101000000Z", "99991231235959Z"); }},
           {"ends before it begins", [](Tbs& tbs) { tbs.validity = Validity(0x17, "340101000000Z", "240101000000Z"); }},
           {"cA FALSE written out",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kBasicConstraints, true, FromHexText("3003010100"))}); }},
           {"unknown critical extension",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kPrivateOid, true, FromHexText("ff00"))}); }},
       }) {
    Tbs tbs;
    test.change(tbs);
    const auto certificate = Certificate::FromDer(tbs.Signed());
    EXPECT_TRUE(certificate.ok()) << test.what << ": " << (certificate ? "" : Describe(certificate.findings()[0]));
  }
}

TEST(Certificate, RefusesWhatIsNotRfc5280) {
  const Bytes constraints = ExtensionDer(kBasicConstraints, true, FromHexText("30030101ff"));
  struct Case {
    const char* what;
    std::string claim;
    std::function<void(Tbs&)> change;
  };
  for (const Case& test : std::initializer_list<Case>{
           {"version 1 written out", "version", [](Tbs& tbs) { tbs.version = FromHexText("a003020100"); }},
           {"version 4", "version", [](Tbs& tbs) { tbs.version = FromHexText("a003020103"); }},
           {"negative version", "version", [](Tbs& tbs) { tbs.version = FromHexText("a0030201ff"); }},
           {"two versions", "version", [](Tbs& tbs) { tbs.version = FromHexText("a006020102020102"); }},
           {"no serial", "serialNumber", [](Tbs& tbs) { tbs.serial = {}; }},
           {"serial with leading zeros", "encoding", [](Tbs& tbs) { tbs.serial = FromHexText("02020005"); }},
           {"empty serial", "encoding", [](Tbs& tbs) { tbs.serial = FromHexText("0200"); }},
           {"no signature algorithm", "signature",
            [](Tbs& tbs) {
              tbs.algorithm = {};
              tbs.issuer = {};
              tbs.validity = {};
              tbs.subject = {};
              tbs.spki = {};
            }},
           {"name is no name", "issuer", [](Tbs& tbs) { tbs.issuer = FromHexText("3003020101"); }},
           {"name with undecodable text", "subject", [](Tbs& tbs) { tbs.subject = FromHexText("300d310b3009060355040 30c02c328"); }},
           {"no validity", "validity", [](Tbs& tbs) { tbs.validity = FromHexText("3000"); }},
           {"time without seconds", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "2401010000Z", "340101000000Z"); }},
           {"time with offset", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "240101000000+0000", "340101000000Z"); }},
           {"time with fraction", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x18, "20240101000000.5Z", "20340101000000Z"); }},
           {"local time", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x18, "20240101000000", "20340101000000Z"); }},
           {"31 February", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "240231000000Z", "340101000000Z"); }},
           {"29 February 2023", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "230229000000Z", "340101000000Z"); }},
           {"month 13", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "241301000000Z", "340101000000Z"); }},
           {"hour 24", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "240101240000Z", "340101000000Z"); }},
           {"second 60", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "240101000060Z", "340101000000Z"); }},
           {"sign in a number", "validity", [](Tbs& tbs) { tbs.validity = Validity(0x17, "24010100-100Z", "340101000000Z"); }},
           {"three times", "validity",
            [](Tbs& tbs) {
              tbs.validity = Der(0x30, Concat({Der(0x17, AsBytes("240101000000Z")), Der(0x17, AsBytes("340101000000Z")),
                                               Der(0x17, AsBytes("340101000000Z"))}));
            }},
           {"extensions in version 1", "tbsCertificate",
            [&](Tbs& tbs) {
              tbs.version = {};
              tbs.extensions = WithExtensions({constraints});
            }},
           {"extensions in version 2", "tbsCertificate",
            [&](Tbs& tbs) {
              tbs.version = FromHexText("a003020101");
              tbs.extensions = WithExtensions({constraints});
            }},
           {"more fields", "tbsCertificate", [](Tbs& tbs) { tbs.rest = FromHexText("0500"); }},
           {"empty list of extensions", "extensions", [](Tbs& tbs) { tbs.extensions = WithExtensions({}); }},
           {"extension twice", "extensions",
            [&](Tbs& tbs) {
              tbs.extensions = WithExtensions({constraints, constraints});
            }},
           {"private extension twice, other value", "extensions",
            [](Tbs& tbs) {
              tbs.extensions = WithExtensions(
                  {ExtensionDer(kPrivateOid, false, FromHexText("020101")), ExtensionDer(kPrivateOid, false, FromHexText("020102"))});
            }},
           {"critical FALSE written out", "extensions",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({FromHexText("300c0603551d13010100040230 00")}); }},
           {"extension without value", "extensions", [](Tbs& tbs) { tbs.extensions = WithExtensions({FromHexText("30050603551d13")}); }},
           {"basicConstraints with trailing bytes", "basicConstraints",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kBasicConstraints, true, FromHexText("30030101ff00"))}); }},
           {"basicConstraints with a third field", "basicConstraints",
            [](Tbs& tbs) {
              tbs.extensions = WithExtensions({ExtensionDer(kBasicConstraints, true, FromHexText("30080101ff0201000500"))});
            }},
           {"basicConstraints, cA in BER", "basicConstraints",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kBasicConstraints, true, FromHexText("3003010101"))}); }},
           {"negative pathLenConstraint", "basicConstraints",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kBasicConstraints, true, FromHexText("30060101ff0201ff"))}); }},
           {"huge pathLenConstraint", "basicConstraints",
            [](Tbs& tbs) {
              tbs.extensions = WithExtensions({ExtensionDer(kBasicConstraints, true, FromHexText("300a0101ff02050100000000"))});
            }},
           {"keyUsage is no bit string", "keyUsage",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kKeyUsage, true, FromHexText("020106"))}); }},
           {"keyUsage of 24 bits", "keyUsage",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kKeyUsage, true, FromHexText("030400060000"))}); }},
           {"known extension that does not decode", "extensions",
            [](Tbs& tbs) { tbs.extensions = WithExtensions({ExtensionDer(kSubjectAltName, false, FromHexText("020101"))}); }},
       }) {
    Tbs tbs;
    test.change(tbs);
    ExpectMalformed(tbs.Signed(), test.claim, test.what);
  }
}

TEST(Certificate, RefusesBer) {
  const Bytes der = Tbs{}.Signed();
  ASSERT_TRUE(Certificate::FromDer(der).ok());
  // The outer SEQUENCE in the indefinite form: OpenSSL decodes it.
  ASSERT_EQ(der[1], 0x82);
  Bytes indefinite = {0x30, 0x80};
  Append(indefinite, ByteView(der).subspan(4));
  Append(indefinite, Bytes{0, 0});
  ExpectMalformed(indefinite, "encoding", "indefinite length");
  Bytes long_length = {0x30, 0x83, 0x00};
  Append(long_length, ByteView(der).subspan(2));
  ExpectMalformed(long_length, "encoding", "length not minimal");
  ExpectMalformed(Concat({der, Bytes{0}}), "encoding", "trailing byte");
  ExpectMalformed(Concat({der, der}), "encoding", "two certificates");
  ExpectMalformed({}, "encoding", "nothing");
}

TEST(Certificate, RefusesOversize) {
  Tbs tbs;
  tbs.extensions = WithExtensions({ExtensionDer(kPrivateOid, false, Bytes(kMaxCertificateSize, 0))});
  ExpectMalformed(tbs.Signed(), "length", "too large");
}

// Bytes that are no certificate show where the limit lies: below it they are refused for what they are.
TEST(Certificate, TheSizeLimitIsExact) {
  for (const auto& [size, claim] :
       {std::pair(kMaxCertificateSize - 1, "encoding"), {kMaxCertificateSize, "encoding"}, {kMaxCertificateSize + 1, "length"}}) {
    ExpectMalformed(Bytes(size, 0), claim, std::to_string(size));
  }
  // And a whole one as near below it as its signature's length allows.
  Tbs tbs;
  tbs.extensions = WithExtensions({ExtensionDer(kPrivateOid, false, Bytes(kMaxCertificateSize - 1000, 0))});
  EXPECT_TRUE(Certificate::FromDer(tbs.Signed()).ok());
}

TEST(Certificate, RefusesSignatureOfOddBits) {
  const Tbs parts;
  const Bytes tbs =
      Der(0x30, Concat({parts.version, parts.serial, parts.algorithm, parts.issuer, parts.validity, parts.subject, parts.spki}));
  ExpectMalformed(Der(0x30, Concat({tbs, test::kEcdsaSha256Algorithm, FromHexText("03020480")})), "encoding",
                  "unused bits in the signature");
  ExpectMalformed(Der(0x30, Concat({tbs, test::kEcdsaSha256Algorithm})), "encoding", "no signature");
  ExpectMalformed(Der(0x30, Concat({tbs, test::kEcdsaSha256Algorithm, FromHexText("030100"), FromHexText("0500")})), "encoding",
                  "a fourth field");
}

TEST(Certificate, RefusesUnsupportedKeys) {
  for (const TestKey& key : {TestKey::Ec("P-521"), TestKey::Ec("secp256k1"), TestKey::Rsa(1024), TestKey::Ed25519()}) {
    const auto certificate = Certificate::FromDer(MakeCertificate(LeafSpec("leaf", "root"), key, RootKey()), "ak");
    ASSERT_FALSE(certificate.ok());
    EXPECT_EQ(certificate.findings()[0].reason, Reason::kKeyUnsupported);
    EXPECT_EQ(certificate.findings()[0].component, "ak");
  }
}

TEST(Certificate, EveryTruncationIsRefused) {
  const Bytes der = MakeCertificate(CaSpec("ca", "root"), RootKey(), RootKey());
  for (std::size_t size = 0; size < der.size(); ++size) ExpectMalformed(ByteView(der).first(size), "encoding", std::to_string(size));
}

// Whatever one byte is changed to, decoding ends in an answer, and a changed certificate never verifies as signed.
TEST(Certificate, EveryChangedByteIsHarmless) {
  const Bytes der = MakeCertificate(CaSpec("ca", "root"), RootKey(), RootKey());
  const PublicKey issuer = PublicKey::FromSpki(RootKey().Spki()).value();
  ASSERT_TRUE(Certificate::FromDer(der)->IsSignedBy(issuer));
  int decoded = 0;
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (const std::uint8_t mask : {std::uint8_t{0x01}, std::uint8_t{0x20}, std::uint8_t{0x80}, std::uint8_t{0xFF}}) {
      Bytes changed = der;
      changed[i] ^= mask;
      const auto certificate = Certificate::FromDer(changed);
      EXPECT_EQ(ERR_peek_error(), 0U);
      if (!certificate) continue;
      ++decoded;
      EXPECT_TRUE(Equal(certificate->der(), changed));
      EXPECT_FALSE(certificate->IsSignedBy(issuer)) << "byte " << i << " mask " << int{mask};
    }
  }
  EXPECT_GT(decoded, 0) << "otherwise this test shows nothing";
}

TEST(Certificate, NamesAreMadePrintableAndUnambiguous) {
  CertificateSpec spec = LeafSpec("a\n, O=Advanced Micro Devices", "root");
  const auto certificate = Certificate::FromDer(MakeCertificate(spec, RootKey(), RootKey()));
  ASSERT_TRUE(certificate.ok());
  EXPECT_EQ(certificate->SubjectText().find('\n'), std::string::npos);
  EXPECT_EQ(certificate->SubjectText().find(", O="), certificate->SubjectText().find("\\, O=") + 1);

  Tbs two_names;
  const Bytes attribute = Der(0x31, Der(0x30, Concat({FromHexText("0603550403"), Der(0x0C, AsBytes("SEV-VCEK"))})));
  two_names.subject = Der(0x30, Concat({attribute, attribute}));
  EXPECT_EQ(Certificate::FromDer(two_names.Signed())->CommonName(), "") << "two common names are none";
  Tbs no_name;
  no_name.subject = FromHexText("3000");
  EXPECT_EQ(Certificate::FromDer(no_name.Signed())->CommonName(), "");
  EXPECT_EQ(Certificate::FromDer(no_name.Signed())->SubjectText(), "");
}

TEST(Certificate, SignatureAlgorithms) {
  struct Case {
    const char* what;
    std::string algorithm;
    SignatureAlgorithm::Kind kind;
    std::optional<HashAlgorithm> hash, mgf_hash;
    int salt, trailer;
  };
  using Kind = SignatureAlgorithm::Kind;
  constexpr auto none = std::nullopt;
  const std::string pss = "06092a864886f70d01010a", sha384 = "300d06096086480165030402020500";
  const auto tagged = [](std::uint8_t tag, const std::string& hex) { return ToHex(Der(tag, FromHexText(hex))); };
  const auto parameters = [&](const std::string& hex) { return pss + ToHex(Der(0x30, FromHexText(hex))); };
  const std::string amd =
      tagged(0xA0, sha384) + tagged(0xA1, "301806092a864886f70d010108300b0609608648016503040202") + tagged(0xA2, "020130");
  for (const Case& test : std::initializer_list<Case>{
           {"ECDSA with SHA-384", "06082a8648ce3d040303", Kind::kEcdsa, HashAlgorithm::kSha384, none, -1, -1},
           {"ECDSA with SHA-1", "06072a8648ce3d0401", Kind::kEcdsa, HashAlgorithm::kSha1, none, -1, -1},
           {"ECDSA with NULL", "06082a8648ce3d0403030500", Kind::kOther, none, none, -1, -1},
           {"ECDSA with SHA-224", "06082a8648ce3d040301", Kind::kOther, none, none, -1, -1},
           {"PKCS #1", "06092a864886f70d01010b0500", Kind::kRsaPkcs1, HashAlgorithm::kSha256, none, -1, -1},
           {"PKCS #1 without NULL", "06092a864886f70d01010b", Kind::kOther, none, none, -1, -1},
           {"MD5", "06092a864886f70d0101040500", Kind::kOther, none, none, -1, -1},
           {"Ed25519", "06032b6570", Kind::kOther, none, none, -1, -1},
           {"PSS as AMD's leafs", parameters(amd), Kind::kRsaPss, HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48, 1},
           {"PSS as AMD's authorities", parameters(amd + tagged(0xA3, "020101")), Kind::kRsaPss, HashAlgorithm::kSha384,
            HashAlgorithm::kSha384, 48, 1},
           {"PSS, trailer 2", parameters(amd + tagged(0xA3, "020102")), Kind::kRsaPss, HashAlgorithm::kSha384, HashAlgorithm::kSha384, 48,
            2},
           {"PSS, defaults", parameters(""), Kind::kRsaPss, HashAlgorithm::kSha1, HashAlgorithm::kSha1, 20, 1},
           {"PSS without parameters", pss, Kind::kRsaPss, none, none, -1, -1},
           {"PSS, negative salt", parameters(tagged(0xA0, sha384) + tagged(0xA2, "0201ff")), Kind::kRsaPss, none, none, -1, -1},
           {"PSS, fields out of order", parameters(tagged(0xA2, "020130") + tagged(0xA0, sha384)), Kind::kRsaPss, none, none, -1, -1},
           {"PSS, SHA-224", parameters(tagged(0xA0, "300d06096086480165030402040500") + tagged(0xA2, "02011c")), Kind::kRsaPss, none,
            HashAlgorithm::kSha1, 28, 1},
           {"PSS, mask that is not MGF1",
            parameters(tagged(0xA0, sha384) + tagged(0xA1, "301806092a864886f70d010109300b0609608648016503040202") +
                       tagged(0xA2, "020130")),
            Kind::kRsaPss, HashAlgorithm::kSha384, none, 48, 1},
       }) {
    const Bytes algorithm = Der(0x30, FromHexText(test.algorithm));
    Tbs parts;
    const Bytes tbs = Der(0x30, Concat({parts.version, parts.serial, algorithm, parts.issuer, parts.validity, parts.subject, parts.spki}));
    const auto certificate =
        Certificate::FromDer(Der(0x30, Concat({tbs, algorithm, Der(0x03, Concat({Bytes{0}, RootKey().Sign("SHA-256", tbs)}))})));
    ASSERT_TRUE(certificate.ok()) << test.what << ": " << Describe(certificate.findings()[0]);
    const SignatureAlgorithm& read = certificate->signature_algorithm();
    EXPECT_EQ(read.kind, test.kind) << test.what;
    EXPECT_EQ(read.hash, test.hash) << test.what;
    EXPECT_EQ(read.mgf_hash, test.mgf_hash) << test.what;
    EXPECT_EQ(read.salt_length, test.salt) << test.what;
    EXPECT_EQ(read.trailer_field, test.trailer) << test.what;
    EXPECT_FALSE(read.oid.empty()) << test.what;
    EXPECT_TRUE(certificate->SignatureAlgorithmsAgree()) << test.what;
    EXPECT_FALSE(certificate->IsSignedBy(PublicKey::FromSpki(RootKey().Spki()).value())) << test.what << ": signed with ECDSA and SHA-256";
  }
}

TEST(Certificate, DisagreeingAlgorithmsNeverVerify) {
  Tbs tbs;
  tbs.algorithm = FromHexText("300a06082a8648ce3d040303");
  const auto certificate = Certificate::FromDer(tbs.Signed());
  ASSERT_TRUE(certificate.ok());
  EXPECT_FALSE(certificate->SignatureAlgorithmsAgree());
  EXPECT_FALSE(certificate->IsSignedBy(PublicKey::FromSpki(RootKey().Spki()).value()));
}

TEST(Certificate, Sha1NeverVerifies) {
  CertificateSpec spec = LeafSpec("leaf", "root");
  spec.md = "SHA-1";
  const auto certificate = Certificate::FromDer(MakeCertificate(spec, RootKey(), RootKey()));
  ASSERT_TRUE(certificate.ok());
  EXPECT_EQ(certificate->signature_algorithm().hash, HashAlgorithm::kSha1);
  EXPECT_FALSE(certificate->IsSignedBy(PublicKey::FromSpki(RootKey().Spki()).value()));
}

TEST(Certificate, RsaSignaturesVerify) {
  const TestKey rsa = TestKey::Rsa(2048);
  const PublicKey issuer = PublicKey::FromSpki(rsa.Spki()).value();
  for (const bool pss : {false, true}) {
    for (const char* md : {"SHA-256", "SHA-384", "SHA-512"}) {
      CertificateSpec spec = LeafSpec("leaf", "root");
      spec.md = md;
      spec.pss = pss;
      const auto certificate = Certificate::FromDer(MakeCertificate(spec, RootKey(), rsa));
      ASSERT_TRUE(certificate.ok());
      EXPECT_TRUE(certificate->IsSignedBy(issuer)) << md << pss;
      EXPECT_FALSE(certificate->IsSignedBy(certificate->public_key())) << md << pss;
    }
  }
}

// --- CertificatesFrom

std::string Pem(ByteView der, std::string_view label = "CERTIFICATE") {
  std::string base64(der.size() * 2 + 4, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), der.data(), static_cast<int>(der.size()));
  base64.resize(static_cast<std::size_t>(size));
  std::string text = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) text += base64.substr(at, 64) + "\n";
  return text + "-----END " + std::string(label) + "-----\n";
}

TEST(CertificatesFrom, ReadsDerAndPem) {
  const Bytes der = Tbs{}.Signed();
  const std::string pem = Pem(der);
  std::string windows = pem;
  for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) windows.replace(at, 1, "\r\n");
  EXPECT_EQ(CertificatesFrom(der, "chain")->size(), 1U);
  for (const std::string& text : {pem, windows, "subject=x\n" + pem + "\n", pem + pem, Pem(der, "X509 CRL") + pem}) {
    const auto certificates = CertificatesFrom(AsBytes(text), "chain");
    ASSERT_TRUE(certificates.ok()) << text;
    for (const Certificate& certificate : *certificates) EXPECT_TRUE(Equal(certificate.der(), der));
  }
  EXPECT_EQ(CertificatesFrom(AsBytes(pem + pem), "chain")->size(), 2U);
}

TEST(CertificatesFrom, RefusesBrokenBlocks) {
  const std::string pem = Pem(Tbs{}.Signed());
  const auto with = [&](std::size_t at, std::string_view text) { return std::string(pem).replace(at, text.size(), text); };
  const std::size_t body = pem.find('\n') + 1;
  struct Case {
    const char* what;
    std::string text;
    Reason reason;
  };
  for (const Case& test : std::initializer_list<Case>{
           {"no END", pem.substr(0, pem.find("-----END")), Reason::kEncodingMalformed},
           {"no BEGIN", pem + pem.substr(body), Reason::kEncodingMalformed},
           {"BEGIN damaged in front", pem.substr(body) + pem, Reason::kEncodingMalformed},
           {"second block broken", pem + pem.substr(0, 100), Reason::kEncodingMalformed},
           {"a character that is not base64", with(body, "!"), Reason::kEncodingMalformed},
           {"padding in the middle", with(body, "="), Reason::kEncodingMalformed},
           {"a character missing", std::string(pem).erase(body, 1), Reason::kEncodingMalformed},
           {"empty block", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", Reason::kEncodingMalformed},
           {"other bytes", Pem(Bytes{1, 2, 3}), Reason::kCertificateMalformed},
           {"no block", "hello", Reason::kCertificateMalformed},
           {"nothing", "", Reason::kCertificateMalformed},
           {"another label only", Pem(Tbs{}.Signed(), "PRIVATE KEY"), Reason::kCertificateMalformed},
           {"endless block", "-----BEGIN CERTIFICATE-----\n" + std::string(40000, 'A') + "\n-----END CERTIFICATE-----\n",
            Reason::kEncodingMalformed},
       }) {
    const auto certificates = CertificatesFrom(AsBytes(test.text), "chain");
    ASSERT_FALSE(certificates.ok()) << test.what;
    EXPECT_EQ(certificates.findings()[0].reason, test.reason) << test.what;
  }
}

TEST(CertificatesFrom, KeepsToTheLimit) {
  const Bytes der = Tbs{}.Signed();
  const std::string pem = Pem(der);
  EXPECT_TRUE(CertificatesFrom(AsBytes(pem + pem), "chain", 2).ok());
  for (const auto& refused : {CertificatesFrom(AsBytes(pem + pem + pem), "chain", 2), CertificatesFrom(der, "chain", 0),
                              CertificatesFrom(AsBytes(pem), "chain", 0)}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.findings()[0].reason, Reason::kSizeOverLimit);
  }
}

// --- genuine certificates

TEST(Certificate, GenuineAmdCertificatesDecode) {
  ASSAY_VECTORS_OR_SKIP(dir);
  int leafs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "snp" / "leafs")) {
    if (entry.path().extension() != ".der") continue;
    const auto leaf = Certificate::FromDer(ReadFile(entry.path()));
    ASSERT_TRUE(leaf.ok()) << entry.path() << Describe(leaf.findings()[0]);
    EXPECT_EQ(ToHex(leaf->serial()), "00") << entry.path();
    EXPECT_EQ(leaf->public_key().kind(), KeyKind::kEcP384);
    EXPECT_EQ(leaf->signature_algorithm().kind, SignatureAlgorithm::Kind::kRsaPss);
    EXPECT_EQ(leaf->signature_algorithm().salt_length, 48);
    EXPECT_EQ(leaf->signature_algorithm().mgf_hash, HashAlgorithm::kSha384);
    EXPECT_FALSE(leaf->is_ca());
    EXPECT_FALSE(leaf->key_usage().has_value());
    ++leafs;
  }
  EXPECT_EQ(leafs, 26);
  const auto ark = Certificate::FromDer(ReadFile(dir / "snp" / "roots" / "ark_milan.der"));
  ASSERT_TRUE(ark.ok());
  EXPECT_EQ(ToHex(ark->public_key().spki_sha256()), "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9");
  EXPECT_EQ(ark->CommonName(), "ARK-Milan");
  EXPECT_EQ(ark->SubjectText(), "OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices, CN=ARK-Milan");
  EXPECT_TRUE(ark->SelfIssued());
  EXPECT_TRUE(ark->IsSignedBy(ark->public_key()));
}

TEST(Certificate, GenuineOddities) {
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const auto& entry : std::filesystem::directory_iterator(dir / "x509" / "pem")) {
    const auto certificates = CertificatesFrom(ReadFile(entry.path()), "pem");
    const bool explicit_curve = entry.path().filename().string().find("explicit") != std::string::npos;
    EXPECT_EQ(certificates.ok(), !explicit_curve) << entry.path();
    if (explicit_curve && !certificates) { EXPECT_EQ(certificates.findings()[0].reason, Reason::kKeyUnsupported); }
  }
}

}  // namespace
}  // namespace assay::crypto
