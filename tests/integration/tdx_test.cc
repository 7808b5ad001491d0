// Trust domains at the join listener: the same door as for SEV-SNP, with Intel's collateral from the node, from a directory, or from neither.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"

namespace assay::integration {
namespace {

using testing::Contains;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}

v1::AttestResponse Joined(Verifier& verifier, agent::EvidenceSource& source, const std::string& platform = "") {
  Node node(verifier.join(), verifier.site());
  const auto response = JoinWith(node, source, platform);
  if (response.ok()) return *response;
  ADD_FAILURE() << Message(response.status());
  return {};
}

v1::Appraisal JoinDcap(Verifier& verifier, softtee::DcapOptions options, const std::string& platform = "") {
  MintingDcap source(std::move(options));
  return Joined(verifier, source, platform).appraisal();
}

TEST(JoinTdx, AGoodTrustDomainIsTrustedByWhatItBrings) {
  Verifier verifier;
  for (const softtee::QuoteKind kind :
       {softtee::QuoteKind::kTdxV4, softtee::QuoteKind::kTdxV5Td10, softtee::QuoteKind::kTdxV5Td15, softtee::QuoteKind::kTdxV5Td15Ex}) {
    const v1::Appraisal appraisal = JoinDcap(verifier, {.kind = kind, .with_evaluation_numbers = true});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << softtee::NameOf(kind) << " " << testing::PrintToString(Reasons(appraisal));
    EXPECT_EQ(appraisal.platform(), "qemu_tdx");
    EXPECT_TRUE(appraisal.simulated());
    EXPECT_TRUE(appraisal.channel_bound());
    EXPECT_EQ(appraisal.policy(), "demo-worker-tdx");
    EXPECT_EQ(appraisal.instance_identity().size(), 32U) << "a node, not an attempt";
  }
}

TEST(JoinTdx, EachKindOfFaultIsRefusedForItsReason) {
  using enum softtee::DcapFault;
  Verifier verifier;
  for (const softtee::DcapFault fault : {kQuoteTruncated, kBodyChanged, kOtherReportData, kDebug, kServiceTd, kRootSelfMade, kPckRevoked,
                                         kTcbSignerRevoked, kTcbInfoChanged, kTcbInfoMalformed, kOutOfDate, kTdRelaunchAdvised, kEnclave}) {
    const v1::Appraisal appraisal = JoinDcap(verifier, softtee::OptionsFor(fault));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << softtee::EntryOf(fault).name;
    EXPECT_THAT(Reasons(appraisal), Contains(std::string(softtee::EntryOf(fault).reason))) << softtee::EntryOf(fault).name;
    EXPECT_FALSE(appraisal.admits());
  }
}

TEST(JoinTdx, ADocumentOutOfItsTimeDecidesNothing) {
  using enum softtee::DcapFault;
  Verifier verifier;
  for (const softtee::DcapFault fault : {kTcbInfoExpired, kQeIdentityNotYetValid, kTcbSigningExpired}) {
    const v1::Appraisal appraisal = JoinDcap(verifier, softtee::OptionsFor(fault));
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << softtee::EntryOf(fault).name;
    EXPECT_THAT(Reasons(appraisal), Contains(std::string(softtee::EntryOf(fault).reason))) << softtee::EntryOf(fault).name;
    EXPECT_FALSE(appraisal.admits());
  }
}

TEST(JoinTdx, AnEnclaveIsNoTrustDomainWhateverItIsCalled) {
  Verifier verifier;
  for (const softtee::QuoteKind kind : {softtee::QuoteKind::kSgxV3, softtee::QuoteKind::kSgxV4, softtee::QuoteKind::kSgxV5}) {
    const v1::Appraisal appraisal = JoinDcap(verifier, {.kind = kind}, "qemu_tdx");
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_THAT(Reasons(appraisal), Contains("platform_unrecognised")) << softtee::NameOf(kind);
  }
}

TEST(JoinTdx, WithoutCollateralNothingIsDecided) {
  Verifier verifier;
  MintingDcap source({.with_documents = false, .with_crls = false});
  const v1::AttestResponse response = Joined(verifier, source);
  EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_INDETERMINATE) << testing::PrintToString(Reasons(response.appraisal()));
  EXPECT_THAT(Reasons(response.appraisal()), Contains("collateral_missing"));
  EXPECT_THAT(Reasons(response.appraisal()), Contains("revocation_unchecked"));
  EXPECT_NE(response.retry_after_ms(), 0u);
  EXPECT_GE(response.appraisal().missing_collateral_size(), 5);
  // What another node brought was for that node's attempt alone.
  EXPECT_EQ(JoinDcap(verifier, {}).verdict(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(Joined(verifier, source).appraisal().verdict(), v1::VERDICT_INDETERMINATE);
}

TEST(JoinTdx, CollateralOfTheDirectoryServesEveryNode) {
  const std::filesystem::path directory = std::filesystem::path(testing::TempDir()) / Cat("assay-tdx-collateral-", ::getpid());
  std::filesystem::create_directories(directory);
  const auto minted = softtee::MintDcap(softtee::IntelPki::Shared(), {.now = SystemClock().Now()});
  ASSERT_TRUE(minted.ok());
  for (const softtee::Endorsement& document : minted->endorsements) {
    std::ofstream(directory / document.name, std::ios::binary) << AsText(document.der);
  }
  Verifier verifier("", Cat("collateral_dir: ", directory.string()));
  MintingDcap quote_alone({}, {softtee::kQuoteType});
  for (int i = 0; i < 2; ++i) {
    const v1::Appraisal appraisal = Joined(verifier, quote_alone).appraisal();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << testing::PrintToString(Reasons(appraisal));
  }
  // Nor does a directory make a node's own broken document good.
  EXPECT_EQ(JoinDcap(verifier, softtee::OptionsFor(softtee::DcapFault::kTcbInfoMalformed)).verdict(), v1::VERDICT_REJECTED);
  std::filesystem::remove_all(directory);
}

TEST(JoinTdx, ItemsOfOtherPlatformsAreRefusedByName) {
  Verifier verifier;
  class WithMore final : public agent::ReportSource {
   public:
    std::vector<agent::CollectedItem> more;
    absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
      auto items = MintingDcap().Collect(report_data);
      items->insert(items->end(), more.begin(), more.end());
      return items;
    }
  } source;
  source.more = {{"application/vnd.assay.sev-cert-table", Bytes(24, 0)}};
  EXPECT_THAT(Reasons(Joined(verifier, source, "qemu_tdx").appraisal()), Contains("item_unexpected"));
  source.more = {{"application/vnd.assay.dcap-quote", Bytes(24, 0)}};
  EXPECT_THAT(Reasons(Joined(verifier, source, "qemu_tdx").appraisal()), Contains("item_duplicate"));
  source.more.assign(3, {"application/json", ToBytes(AsBytes("{}"))});
  EXPECT_THAT(Reasons(Joined(verifier, source, "qemu_tdx").appraisal()), Contains("item_duplicate"));
  source.more = {{"application/json", ToBytes(AsBytes("{\"tcbInfo\":"))}};
  EXPECT_THAT(Reasons(Joined(verifier, source, "qemu_tdx").appraisal()), Contains("encoding_malformed"));
  source.more = {{"application/json", ToBytes(AsBytes("{\"a list of other things\":[]}"))}};
  EXPECT_EQ(Joined(verifier, source, "qemu_tdx").appraisal().verdict(), v1::VERDICT_TRUSTED);
}

TEST(JoinTdx, TheCommandLineSimulatesWhatItIsTold) {
  Verifier verifier;
  softtee::IntelPki::Shared();
  const auto attest = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {test::Program("assay"),
                                          "attest",
                                          "--server",
                                          verifier.join(),
                                          "--ca",
                                          verifier.site().File("tls/ca.pem"),
                                          "--cluster",
                                          "demo",
                                          "--role",
                                          "worker",
                                          "--simulate",
                                          test::SoftteePkiDir()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Process(arguments, verifier.site().File("attest.txt")).Wait();
  };
  EXPECT_EQ(attest({}), 0) << "SEV-SNP, as ever";
  EXPECT_EQ(attest({"--simulate-platform", "qemu_tdx"}), 0);
  EXPECT_EQ(attest({"--platform", "qemu_tdx", "--simulate-arg", "quote=tdx_v5_td15"}), 0);
  const std::pair<const char*, int> kFaults[] = {
      {"debug", 4}, {"out_of_date", 4}, {"quote_truncated", 5}, {"tcb_info_missing", 6}, {"leaf_tcb_fmc", 2}};
  for (const auto& [fault, code] : kFaults) {
    EXPECT_EQ(attest({"--simulate-platform", "qemu_tdx", "--simulate-fault", fault}), code) << fault;
  }
  EXPECT_EQ(attest({"--simulate-platform", "azure_tdx"}), 4) << "the policies of this cluster do not list it";
  EXPECT_EQ(attest({"--simulate-platform", "qemu_sev_snp_svsm"}), 2);
}

}  // namespace
}  // namespace assay::integration
