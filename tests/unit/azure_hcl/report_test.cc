// HCL reports: genuine ones, minted ones with one thing wrong, and the limits of what is read.
#include "evidence/azure_hcl/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hex.h"
#include "evidence/azure_hcl/format.h"
#include "tests/softtee/azure_evidence.h"
#include "tests/vectors_dir.h"

namespace assay::azure_hcl {
namespace {

using softtee::AzureTee;

std::optional<ParsedReport> Parse(const Bytes& bytes, CheckLog& log) { return ReportParser::Parse(trust::UntrustedBytes(bytes), log); }
bool Has(const CheckLog& log, std::string_view reason) {
  return std::any_of(log.findings().begin(), log.findings().end(),
                     [reason](const Finding& finding) { return NameOf(finding.reason) == reason && finding.effect == Effect::kReject; });
}
std::string Show(const CheckLog& log) {
  std::string text;
  for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
  return text;
}
std::string Text(const trust::Description& description) {
  std::string text = description.name() + "=" + description.value() + "\n";
  for (const trust::Description& child : description.children()) text += Text(child);
  return text;
}
Bytes Minted(AzureTee tee, std::function<void(softtee::AzureParts&)> change = {}) {
  return softtee::MintAzure({.tee = tee, .change = std::move(change)}).report;
}

// A report without hardware that anybody signed, which is not this format's to say.
softtee::HclReport Plain(softtee::HclClaims claims = {}) {
  if (claims.keys.empty()) claims.keys = {softtee::HclKey::Of("HCLAkPub", softtee::TpmPki::Shared().rsa_ak)};
  softtee::HclReport report{.claims = claims.Json()};
  softtee::TdReport td_report;
  td_report.report_data = softtee::HclCommitment(report.claims);
  report.report_type = 4;
  report.hardware = td_report.Write();
  return report;
}

TEST(HclReport, ReadsGenuineOnes) {
  ASSAY_VECTORS_OR_SKIP(dir);
  struct {
    const char* file;
    ReportType type;
    const char* secure_boot;
  } const cases[] = {{"azure/snp_milan_v2report/hcl_report.bin", ReportType::kSnp, "secure boot=yes"},
                     {"azure/snp_milan_v3report/hcl_report.bin", ReportType::kSnp, "secure boot=yes"},
                     {"azure/snp_milan_userdata/hcl_report.bin", ReportType::kSnp, "secure boot=yes"},
                     {"azure/tdx/hcl_report.bin", ReportType::kTdx, "secure boot=yes"},
                     {"azure/structural/kinvolk_hcl_snp_2023.bin", ReportType::kSnp, "secure boot=yes"},
                     {"azure/structural/kinvolk_hcl_tdx.bin", ReportType::kTdx, "secure boot=no"},
                     {"constellation/azure-tdx/hclreport.bin", ReportType::kTdx, "TPM persisted=yes"}};
  for (const auto& one : cases) {
    CheckLog log;
    const Bytes bytes = test::ReadFile(dir / one.file);
    const auto report = Parse(bytes, log);
    ASSERT_TRUE(report) << one.file << "\n" << Show(log);
    EXPECT_EQ(report->type, one.type) << one.file;
    EXPECT_THAT(Text(Describe(trust::UntrustedBytes(bytes), *report)), testing::HasSubstr(one.secure_boot)) << one.file;
    EXPECT_EQ(report->hardware_report.size(), one.type == ReportType::kSnp ? 1184U : 1024U);
    const std::vector<evidence::Item> items{{std::string(kReportMediaType), trust::UntrustedBytes(bytes)}};
    EXPECT_EQ(TypeHint(items), one.type);
    ASSERT_TRUE(AkHint(items));
    EXPECT_EQ(AkHint(items)->bits(), 2048);
    EXPECT_EQ(kFormat.media_type_of(items.front().body), kReportMediaType);
    EXPECT_EQ(kFormat.contents(items.front()).size(), one.type == ReportType::kSnp ? 1U : 0U);
  }
}

TEST(HclReport, EveryByteOfAGenuineOneCounts) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Bytes genuine = test::ReadFile(dir / "azure/tdx/hcl_report.bin");
  CheckLog sound;
  const auto report = Parse(genuine, sound);
  ASSERT_TRUE(report);
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    CheckLog log;
    const auto parsed = Parse(changed, log);
    const bool in_hardware = at >= 32 && at < 32 + 1024;
    // What the TDREPORT says of itself nobody believes anyway: the platform has the TD quote.
    const bool in_what_nobody_reads = in_hardware && !(at >= 32 + 128 && at < 32 + 192);
    if (parsed) {
      EXPECT_TRUE(in_what_nobody_reads) << at;
    } else {
      EXPECT_TRUE(log.HasRejection()) << at;
    }
  }
}

TEST(HclReport, EveryTruncationIsRefused) {
  const Bytes whole = Plain().Write();
  CheckLog sound;
  ASSERT_TRUE(Parse(whole, sound)) << Show(sound);
  const std::size_t needed = 1236 + Plain().claims.size();
  for (std::size_t size = 0; size < needed; ++size) {
    CheckLog log;
    EXPECT_FALSE(Parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)), log)) << size;
    EXPECT_TRUE(Has(log, "length_wrong")) << size;
  }
  // Zeros behind the claims may be left out, or be more.
  CheckLog exact;
  EXPECT_TRUE(Parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(needed)), exact));
}

TEST(HclReport, Attack043_LengthsThatLieCostNothing) {
  for (const std::uint32_t length : {0U, 1U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFECU, 0xFFFFFFFFU}) {
    softtee::HclReport report = Plain();
    report.declared_claims = length;
    report.declared_data = length + 20;
    report.declared_report = length + 1236;
    CheckLog log;
    EXPECT_FALSE(Parse(report.Write(), log)) << length;
    EXPECT_TRUE(log.HasRejection()) << length;
  }
}

TEST(HclReport, LimitOfItsSize) {
  for (const std::size_t size : {kMaxReportSize - 1, kMaxReportSize, kMaxReportSize + 1}) {
    softtee::HclReport report = Plain();
    report.size = size;
    CheckLog log;
    EXPECT_EQ(Parse(report.Write(), log).has_value(), size <= kMaxReportSize) << size;
    EXPECT_EQ(Has(log, "length_wrong"), size > kMaxReportSize);
  }
}

TEST(HclReport, CollectsAllDefectsOfTheLayout) {
  softtee::HclReport report = Plain();
  report.version = 7;
  report.status = 9;
  report.hash_type = 3;
  report.reserved[0] = 1;
  CheckLog log;
  EXPECT_FALSE(Parse(report.Write(), log));
  for (const std::string_view reason : {"version_unsupported", "field_invalid", "hcl_type_unsupported", "reserved_not_zero"}) {
    EXPECT_TRUE(Has(log, reason)) << reason;
  }
}

// Reasons of the table that are seen here already: those of layout, of claims, and of what commits to what inside the report.
TEST(HclReport, FaultsAreRefusedForTheReasonThatTheyOwe) {
  std::size_t refused_here = 0;
  for (const softtee::AzureFaultEntry& entry : softtee::AllAzureFaults()) {
    if (entry.fault > softtee::AzureFault::kReportDataPrefix) continue;
    for (const AzureTee tee : {AzureTee::kSnp, AzureTee::kTdx}) {
      if (!softtee::CanExist(entry, tee)) continue;
      CheckLog log;
      EXPECT_FALSE(Parse(softtee::MintAzure({.tee = tee, .fault = entry.fault}).report, log)) << entry.name;
      EXPECT_TRUE(Has(log, entry.reason)) << entry.name << " owes " << entry.reason << ":\n" << Show(log);
      ++refused_here;
    }
  }
  EXPECT_GT(refused_here, 70U);
}

// The key is found by kid, wherever it stands, and whatever other keys there are.
TEST(RuntimeClaims, Attack120_TheKeyIsTheOneOfItsKid) {
  const softtee::TpmPki& pki = softtee::TpmPki::Shared();
  const softtee::HclKey ak = softtee::HclKey::Of("HCLAkPub", pki.rsa_ak), ek = softtee::HclKey::Of("HCLEkPub", pki.rsa_ek);
  softtee::HclKey transfer = softtee::HclKey::Of("HCLTransferKey", pki.rsa_ek), strange{.kid = "other", .kty = "OKP"};
  const auto expected = crypto::PublicKey::FromSpki(pki.rsa_ak.SubjectPublicKeyInfo());
  ASSERT_TRUE(expected);
  for (const auto& keys : {std::vector{ak}, {ak, ek}, {ek, ak}, {transfer, ek, ak}, {strange, ak}}) {
    softtee::HclClaims claims{.keys = keys};
    const std::vector<evidence::Item> items{{std::string(kReportMediaType), trust::UntrustedBytes(Plain(claims).Write())}};
    ASSERT_TRUE(AkHint(items)) << keys.size();
    EXPECT_EQ(*AkHint(items), *expected) << keys.size();
  }
}

// By their length, not by the first NUL: what stands behind it would else be hashed by the one and read by the other.
TEST(RuntimeClaims, Attack121_ClaimsEndWhereTheirLengthSays) {
  softtee::HclReport report = Plain();
  const std::string honest = report.claims;
  report.claims += std::string("\0", 1) + honest;
  softtee::TdReport td_report;
  td_report.report_data = softtee::HclCommitment(honest);
  report.hardware = td_report.Write();
  CheckLog log;
  EXPECT_FALSE(Parse(report.Write(), log));
  EXPECT_TRUE(Has(log, "encoding_malformed")) << Show(log);
  EXPECT_TRUE(Has(log, "claims_not_committed")) << Show(log);
  // And with the length of the first text alone the rest is no zero tail.
  report.declared_claims = static_cast<std::uint32_t>(honest.size());
  report.declared_data = static_cast<std::uint32_t>(honest.size() + 20);
  report.declared_report = static_cast<std::uint32_t>(honest.size() + 1236);
  CheckLog cut;
  EXPECT_FALSE(Parse(report.Write(), cut));
  EXPECT_TRUE(Has(cut, "reserved_not_zero")) << Show(cut);
}

TEST(RuntimeClaims, MembersThatNobodyKnowsAreLeftAlone) {
  softtee::HclClaims claims;
  claims.Member("brand-new") = "{\"a\":[1,2,3]}";
  claims.Member("interactive-console-enabled") = "false";
  claims.Member("hardware-sealing-policy") = "\"hash\"";
  CheckLog log;
  const auto report = Parse(Plain(claims).Write(), log);
  ASSERT_TRUE(report) << Show(log);
  const std::string text = Text(report->claims.Describe());
  EXPECT_THAT(text, testing::HasSubstr("interactive console enabled=no"));
  EXPECT_THAT(text, testing::HasSubstr("hardware sealing policy=hash"));
}

TEST(RuntimeClaims, DepthAndKeysAreBounded) {
  softtee::HclClaims deep;
  deep.Member("deep") = std::string(40, '[') + std::string(40, ']');
  CheckLog log;
  EXPECT_FALSE(Parse(Plain(deep).Write(), log));
  EXPECT_TRUE(Has(log, "size_over_limit")) << Show(log);
  for (const std::size_t count : {15U, 16U, 17U}) {
    softtee::HclClaims many;
    many.keys.assign(count - 1, softtee::HclKey{.kid = "other", .n = "AQ"});
    many.keys.push_back(softtee::HclKey::Of("HCLAkPub", softtee::TpmPki::Shared().rsa_ak));
    CheckLog counted;
    EXPECT_EQ(Parse(Plain(many).Write(), counted).has_value(), count <= 16) << count << Show(counted);
  }
}

TEST(HclReport, IsDescribedOrSaidToBeMalformed) {
  const auto described = kFormat.describe(trust::UntrustedBytes(Minted(AzureTee::kTdx)));
  ASSERT_TRUE(described);
  EXPECT_FALSE(described->malformed());
  EXPECT_THAT(Text(*described), testing::HasSubstr("proves nothing without a TD quote"));
  Bytes cut = Minted(AzureTee::kSnp);
  cut.resize(1240);
  const auto malformed = kFormat.describe(trust::UntrustedBytes(cut));
  ASSERT_TRUE(malformed);
  EXPECT_TRUE(malformed->malformed());
  EXPECT_FALSE(kFormat.describe(trust::UntrustedBytes(Bytes(4000, 7))));
}

}  // namespace
}  // namespace assay::azure_hcl
