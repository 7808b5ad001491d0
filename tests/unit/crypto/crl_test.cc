#include "crypto/crl.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "test_pki.h"
#include "tests/vectors_dir.h"

namespace assay::crypto {
namespace {

using ::assay::test::ReadFile;
using test::Concat;
using test::CrlSpec;
using test::Der;
using test::ExtensionDer;
using test::FromHexText;
using test::MakeCrl;
using test::TestKey;

const TestKey& RootKey() {
  static const TestKey key = TestKey::Ec("P-256");
  return key;
}
Certificate MakeRoot(const test::CertificateSpec& spec, const TestKey& key = RootKey()) {
  return Certificate::FromDer(test::MakeCertificate(spec, key, key)).value();
}

const Bytes kCrlNumber = {0x55, 0x1D, 0x14}, kReasonCode = {0x55, 0x1D, 0x15}, kDelta = {0x55, 0x1D, 0x1B},
            kDistributionPoint = {0x55, 0x1D, 0x1C}, kCertificateIssuer = {0x55, 0x1D, 0x1D}, kAki = {0x55, 0x1D, 0x23},
            kUnknown = {0x2A, 0x03, 0x04};

void ExpectRefused(ByteView der, Reason reason, const std::string& claim, const std::string& what) {
  const auto list = CertificateList::FromDer(der, "crl");
  ASSERT_FALSE(list.ok()) << what;
  EXPECT_EQ(list.findings()[0].reason, reason) << what;
  EXPECT_EQ(list.findings()[0].claim, claim) << what;
  EXPECT_EQ(list.findings()[0].component, "crl") << what;
  EXPECT_FALSE(list.findings()[0].actual.empty()) << what;
  EXPECT_EQ(ERR_peek_error(), 0U) << what;
}

TEST(CertificateList, ShowsWhatIsInIt) {
  CrlSpec spec;
  spec.revoked = {FromHexText("0300"), FromHexText("02"), FromHexText("008001")};
  spec.extensions = {ExtensionDer(kAki, false, FromHexText("3003800101")), ExtensionDer(kCrlNumber, false, FromHexText("02020080"))};
  const Bytes der = MakeCrl(spec, RootKey());
  const auto list = CertificateList::FromDer(der);
  ASSERT_TRUE(list.ok()) << Describe(list.findings()[0]);
  EXPECT_TRUE(Equal(list->der(), der));
  EXPECT_EQ(list->sha256(), Sha256(der));
  EXPECT_EQ(list->IssuerText(), "CN=root");
  EXPECT_EQ(FormatTime(list->this_update()), "2024-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(list->next_update()), "2034-01-01T00:00:00Z");
  EXPECT_EQ(list->number(), FromHexText("0080"));
  EXPECT_EQ(list->signature_algorithm().hash, HashAlgorithm::kSha256);
  ASSERT_EQ(list->revoked_serials().size(), 3U);
  EXPECT_TRUE(std::is_sorted(list->revoked_serials().begin(), list->revoked_serials().end()));
  for (const Bytes& serial : spec.revoked) EXPECT_TRUE(list->Revokes(serial));
  for (const char* other : {"", "01", "0301", "0002", "8001", "03", "030000"}) EXPECT_FALSE(list->Revokes(FromHexText(other))) << other;
}

TEST(CertificateList, RevokesTheSerialThatACertificateShows) {
  const TestKey key = TestKey::Ec("P-256");
  test::CertificateSpec spec = test::LeafSpec("leaf", "root");
  spec.serial = {0xFE, 0x01};
  const Certificate leaf = Certificate::FromDer(test::MakeCertificate(spec, key, RootKey())).value();
  CrlSpec revoking;
  revoking.revoked = {FromHexText("00fe01")};
  EXPECT_TRUE(CertificateList::FromDer(MakeCrl(revoking, RootKey()))->Revokes(leaf.serial()));
}

TEST(CertificateList, AcceptsWhatIsUnusualButRight) {
  CrlSpec empty, version_1, with_reason, duplicate;
  version_1.version_2 = false;
  version_1.revoked = {{0x01}};
  with_reason.revoked = {{0x01}};
  with_reason.entry_extensions = Der(0x30, ExtensionDer(kReasonCode, true, FromHexText("0a0101")));
  duplicate.revoked = {{0x01}, {0x01}};
  CrlSpec unknown;
  unknown.extensions = {ExtensionDer(kUnknown, false, FromHexText("0500"))};
  for (const CrlSpec& spec : {empty, version_1, with_reason, duplicate, unknown}) {
    const auto list = CertificateList::FromDer(MakeCrl(spec, RootKey()));
    EXPECT_TRUE(list.ok()) << Describe(list.findings()[0]);
  }
  EXPECT_TRUE(CertificateList::FromDer(MakeCrl(empty, RootKey()))->revoked_serials().empty());
  EXPECT_FALSE(CertificateList::FromDer(MakeCrl(empty, RootKey()))->number().has_value());
}

TEST(CertificateList, RefusesWhatItCanNotKeep) {
  struct Case {
    const char* what;
    std::string claim;
    CrlSpec spec;
  };
  const auto with = [](Bytes extension) { return CrlSpec{.revoked = {}, .extensions = {std::move(extension)}}; };
  const auto with_entry = [](Bytes extensions, bool version_2 = true) {
    return CrlSpec{.revoked = {{0x01}}, .version_2 = version_2, .entry_extensions = std::move(extensions)};
  };
  CrlSpec no_next_update, bad_date, old_with_extension = with(ExtensionDer(kCrlNumber, false, FromHexText("020101"))),
                                    twice = old_with_extension;
  no_next_update.next_update = std::nullopt;
  bad_date.this_update = "241301000000Z";
  old_with_extension.version_2 = false;
  twice.extensions.push_back(twice.extensions[0]);
  for (const Case& test : std::initializer_list<Case>{
           {"no nextUpdate", "nextUpdate", no_next_update},
           {"month 13", "thisUpdate", bad_date},
           {"extensions in version 1", "tbsCertList", old_with_extension},
           {"extension twice", "crlExtensions", twice},
           {"delta", "deltaCRLIndicator", with(ExtensionDer(kDelta, true, FromHexText("020101")))},
           {"delta, not critical", "deltaCRLIndicator", with(ExtensionDer(kDelta, false, FromHexText("020101")))},
           {"only user certificates", "issuingDistributionPoint", with(ExtensionDer(kDistributionPoint, true, FromHexText("30038101ff")))},
           {"only CA certificates", "issuingDistributionPoint", with(ExtensionDer(kDistributionPoint, true, FromHexText("30038201ff")))},
           {"some reasons only", "issuingDistributionPoint", with(ExtensionDer(kDistributionPoint, true, FromHexText("300483020640")))},
           {"indirect", "issuingDistributionPoint", with(ExtensionDer(kDistributionPoint, true, FromHexText("30038401ff")))},
           {"narrowed, not critical", "issuingDistributionPoint", with(ExtensionDer(kDistributionPoint, false, FromHexText("30038101ff")))},
           {"unknown critical", "extension 1.2.3.4", with(ExtensionDer(FromHexText("2a0304"), true, FromHexText("0500")))},
           {"number is no integer", "cRLNumber", with(ExtensionDer(kCrlNumber, false, FromHexText("0500")))},
           {"number with trailing bytes", "cRLNumber", with(ExtensionDer(kCrlNumber, false, FromHexText("02010100")))},
           {"unknown critical in entry", "extension 1.2.3.4", with_entry(Der(0x30, ExtensionDer(kUnknown, true, FromHexText("0500"))))},
           {"entry of another issuer", "certificateIssuer",
            with_entry(Der(0x30, ExtensionDer(kCertificateIssuer, true, FromHexText("3000"))))},
           {"entry extensions in version 1", "revokedCertificates",
            with_entry(Der(0x30, ExtensionDer(kReasonCode, false, FromHexText("0a0101"))), false)},
           {"empty entry extensions", "revokedCertificates", with_entry(FromHexText("3000"))},
           {"four fields in an entry", "revokedCertificates",
            with_entry(Concat({Der(0x30, ExtensionDer(kReasonCode, false, FromHexText("0a0101"))), FromHexText("0500")}))},
       }) {
    ExpectRefused(MakeCrl(test.spec, RootKey()), Reason::kCrlMalformed, test.claim, test.what);
  }
}

TEST(CertificateList, RefusesOtherBytes) {
  const Bytes der = MakeCrl({}, RootKey());
  ExpectRefused({}, Reason::kCrlMalformed, "encoding", "nothing");
  ExpectRefused(Concat({der, Bytes{0}}), Reason::kCrlMalformed, "encoding", "trailing byte");
  ExpectRefused(Concat({der, der}), Reason::kCrlMalformed, "encoding", "two lists");
  const Bytes certificate = test::MakeCertificate(test::CaSpec("root", "root"), RootKey(), RootKey());
  EXPECT_FALSE(CertificateList::FromDer(certificate).ok());
  EXPECT_FALSE(Certificate::FromDer(der).ok());
}

TEST(CertificateList, LimitsComeFirst) {
  ExpectRefused(Bytes(kMaxCrlSize + 1, 0), Reason::kSizeOverLimit, "length", "too large");
  // As many of the smallest elements as fit: refused by their number, before one of them is looked at.
  Bytes entries;
  for (std::size_t i = 0; i <= kMaxCrlEntries; ++i) entries.insert(entries.end(), {0x05, 0x00});
  const Bytes tbs = Der(0x30, Concat({FromHexText("020101"), test::kEcdsaSha256Algorithm, test::NameDer("root"),
                                      Der(0x17, AsBytes("240101000000Z")), Der(0x17, AsBytes("340101000000Z")), Der(0x30, entries)}));
  ExpectRefused(test::SignStructure(tbs, RootKey()), Reason::kSizeOverLimit, "revokedCertificates", "too many entries");
}

// What is at a limit is looked at, and refused for what it is.
TEST(CertificateList, ItsLimitsAreExact) {
  for (const std::size_t size : {kMaxCrlSize - 1, kMaxCrlSize}) {
    ExpectRefused(Bytes(size, 0), Reason::kCrlMalformed, "encoding", std::to_string(size));
  }
  Bytes entries;
  for (std::size_t i = 0; i < kMaxCrlEntries; ++i) entries.insert(entries.end(), {0x05, 0x00});
  const Bytes tbs = Der(0x30, Concat({FromHexText("020101"), test::kEcdsaSha256Algorithm, test::NameDer("root"),
                                      Der(0x17, AsBytes("240101000000Z")), Der(0x17, AsBytes("340101000000Z")), Der(0x30, entries)}));
  const auto list = CertificateList::FromDer(test::SignStructure(tbs, RootKey()));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.findings().front().reason, Reason::kCrlMalformed);
}

TEST(CertificateList, EveryTruncationIsRefused) {
  CrlSpec spec;
  spec.revoked = {{0x01}};
  const Bytes der = MakeCrl(spec, RootKey());
  for (std::size_t size = 0; size < der.size(); ++size) {
    ExpectRefused(ByteView(der).first(size), Reason::kCrlMalformed, "encoding", std::to_string(size));
  }
}

TEST(CertificateList, EveryChangedByteIsHarmless) {
  CrlSpec spec;
  spec.revoked = {FromHexText("020001")};
  spec.extensions = {ExtensionDer(kCrlNumber, false, FromHexText("020102"))};
  const Bytes der = MakeCrl(spec, RootKey());
  const Certificate root = MakeRoot(test::CaSpec("root", "root"));
  ASSERT_TRUE(CertificateList::FromDer(der)->IsIssuedBy(root));
  int decoded = 0;
  for (std::size_t i = 0; i < der.size(); ++i) {
    for (const std::uint8_t mask : {std::uint8_t{0x01}, std::uint8_t{0x20}, std::uint8_t{0x80}, std::uint8_t{0xFF}}) {
      Bytes changed = der;
      changed[i] ^= mask;
      const auto list = CertificateList::FromDer(changed);
      if (!list) continue;
      ++decoded;
      EXPECT_FALSE(list->IsIssuedBy(root)) << "byte " << i << " mask " << int{mask};
    }
  }
  EXPECT_GT(decoded, 0) << "otherwise this test shows nothing";
}

TEST(CertificateList, OnlyItsIssuerIssuedIt) {
  const TestKey other = TestKey::Ec("P-256");
  const auto list = CertificateList::FromDer(MakeCrl({}, RootKey())).value();
  EXPECT_TRUE(list.IsIssuedBy(MakeRoot(test::CaSpec("root", "root"))));
  EXPECT_FALSE(list.IsIssuedBy(MakeRoot(test::CaSpec("Root", "Root")))) << "another name";
  EXPECT_FALSE(list.IsIssuedBy(MakeRoot(test::CaSpec("root", "root"), other))) << "another key";
  test::CertificateSpec no_crl_sign = test::CaSpec("root", "root"), no_usage = no_crl_sign;
  no_crl_sign.extensions[1] = {"keyUsage", "critical,keyCertSign"};
  no_usage.extensions.erase(no_usage.extensions.begin() + 1);
  EXPECT_FALSE(list.IsIssuedBy(MakeRoot(no_crl_sign)));
  EXPECT_FALSE(list.IsIssuedBy(MakeRoot(no_usage)));
}

TEST(CertificateList, AlgorithmsInsideAndOutsideMustAgree) {
  const Bytes inner = FromHexText("300a06082a8648ce3d040303");
  const Bytes tbs = Der(0x30, Concat({FromHexText("020101"), inner, test::NameDer("root"), Der(0x17, AsBytes("240101000000Z")),
                                      Der(0x17, AsBytes("340101000000Z"))}));
  const auto list = CertificateList::FromDer(test::SignStructure(tbs, RootKey()));
  ASSERT_TRUE(list.ok());
  EXPECT_FALSE(list->IsIssuedBy(MakeRoot(test::CaSpec("root", "root"))));
}

TEST(CertificateList, GenuineAmdLists) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const auto load = [&](const char* name) { return Certificate::FromDer(ReadFile(dir / "snp" / "roots" / name)).value(); };
  const auto genoa = CertificateList::FromDer(ReadFile(dir / "snp" / "crls" / "crl_genoa_2022.der"));
  const auto milan = CertificateList::FromDer(ReadFile(dir / "snp" / "crls" / "crl_milan_2022.der"));
  ASSERT_TRUE(genoa.ok()) << Describe(genoa.findings()[0]);
  ASSERT_TRUE(milan.ok()) << Describe(milan.findings()[0]);
  EXPECT_TRUE(genoa->Revokes(FromHexText("020001")));
  EXPECT_FALSE(genoa->Revokes(load("ask_genoa.der").serial())) << "0x20002 replaced it";
  EXPECT_EQ(genoa->revoked_serials().size(), 1U);
  EXPECT_TRUE(milan->revoked_serials().empty());
  EXPECT_EQ(genoa->number(), FromHexText("02"));
  EXPECT_EQ(milan->number(), FromHexText("03"));
  EXPECT_EQ(FormatTime(genoa->this_update()), "2022-10-31T13:34:46Z");
  EXPECT_EQ(FormatTime(genoa->next_update()), "2023-10-31T23:00:00Z");
  EXPECT_TRUE(genoa->IsIssuedBy(load("ark_genoa.der")));
  EXPECT_TRUE(milan->IsIssuedBy(load("ark_milan.der")));
  EXPECT_FALSE(genoa->IsIssuedBy(load("ark_milan.der")));
  EXPECT_FALSE(genoa->IsIssuedBy(load("ask_genoa.der")));
}

}  // namespace
}  // namespace assay::crypto
