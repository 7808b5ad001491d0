// Nodes that bring no certificates, and a vendor that is asked for them: real gRPC, real HTTPS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "tests/fakes/vendor_services.h"
#include "tests/integration/verifier.h"
#include "tests/softtee/dev_tls.h"

namespace assay::integration {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}

// A report and nothing else. The policies of the demonstration allow one chip: 0. Others are authenticated all the same.
class Bare final : public agent::EvidenceSource {
 public:
  explicit Bare(std::uint8_t chip = 0) : chip_(chip) {}
  absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
    softtee::SnpOptions options{.now = SystemClock().Now()};
    options.report_data = report_data;
    if (chip_ != 0) options.chip_id.emplace().fill(chip_);
    const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
    if (!minted.ok()) return minted.status();
    return std::vector<agent::CollectedItem>{{std::string(softtee::kReportType), *minted->Find(softtee::kReportType)}};
  }

 private:
  const std::uint8_t chip_;
};

class Vendors {
 public:
  Vendors() : directory_(std::filesystem::path(ASSAY_BINARY_DIR) / "collateral-integration-tls") {
    std::filesystem::create_directories(directory_);
    EXPECT_TRUE(softtee::MakeDevTls(directory_, "localhost", SystemClock().Now()).ok());
    kds_server_.emplace(directory_, [this](const std::string& target) { return kds.Answer(target); });
    pcs_server_.emplace(directory_, [this](const std::string& target) { return pcs.Answer(target); });
  }
  // YAML. Rates so high that no test waits for them, unless it says otherwise.
  std::string Section(std::string_view kds_rate = "per_minute: 60000, burst: 1000") const {
    const std::string ca = Cat("ca: ", (directory_ / "ca.pem").string());
    const std::string intel = Cat("{url: \"", pcs_server_->url(), "\", ", ca, ", per_minute: 60000, burst: 1000}");
    return Cat("collateral: {patience: 10s, amd_kds: {url: \"", kds_server_->url(), "\", ", ca, ", ", kds_rate, "}, intel_pcs: ", intel, ", intel_certificates: ", intel, "}");
  }

  fakes::Kds kds{softtee::SnpPki::Shared(), [] { return SystemClock().Now(); }};
  fakes::Pcs pcs{softtee::IntelPki::Shared(), [] { return SystemClock().Now(); }};

 private:
  const std::filesystem::path directory_;
  std::optional<fakes::HttpsServer> kds_server_, pcs_server_;
};

v1::AttestResponse Joined(Verifier& verifier, agent::EvidenceSource& source) {
  Node node(verifier.join(), verifier.site());
  const auto response = JoinWith(node, source);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *response : v1::AttestResponse();
}

TEST(JoinCollateral, WhatANodeDoesNotBringIsFetchedWhileItWaits) {
  Vendors vendors;
  Verifier verifier("", vendors.Section());
  Bare source;
  for (int i = 0; i < 3; ++i) {
    const v1::AttestResponse response = Joined(verifier, source);
    EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_TRUSTED) << testing::PrintToString(Reasons(response.appraisal()));
    EXPECT_EQ(response.absent_collateral_size(), 0);
    EXPECT_EQ(response.retry_after_ms(), 0U);
  }
  // Chain, list, and the certificate of one chip.
  EXPECT_EQ(vendors.kds.CountOf("/"), 3U);
}

TEST(JoinCollateral, SoIsAllOfIntels) {
  Vendors vendors;
  Verifier verifier("", vendors.Section());
  MintingDcap quote_alone({.now = SystemClock().Now()}, {softtee::kQuoteType});
  for (int i = 0; i < 3; ++i) {
    const v1::AttestResponse response = Joined(verifier, quote_alone);
    EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_TRUSTED) << testing::PrintToString(Reasons(response.appraisal()));
  }
  for (const auto& [target, count] : vendors.pcs.requests()) EXPECT_EQ(count, 1U) << target;
}

TEST(JoinCollateral, AVendorThatAsksForPatienceLeavesItUndecided) {
  Vendors vendors;
  vendors.kds.Script("", {.status = 429, .headers = {{"Retry-After", "300"}}}, 1000);
  Verifier verifier("", vendors.Section());
  Bare source(2);
  const v1::AttestResponse response = Joined(verifier, source);
  EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_INDETERMINATE) << testing::PrintToString(Reasons(response.appraisal()));
  EXPECT_THAT(Reasons(response.appraisal()), Contains("certificate_missing"));
  EXPECT_FALSE(response.appraisal().missing_collateral().empty());
  ASSERT_EQ(response.absent_collateral_size(), 4);
  for (const v1::AbsentCollateral& absent : response.absent_collateral()) EXPECT_GT(absent.retry_after_ms(), 0U);
  EXPECT_EQ(response.absent_collateral(0).reason(), "collateral_unreachable");
  EXPECT_GT(response.retry_after_ms(), 200'000U);
  // Who brings its own is served as ever meanwhile.
  Node node(verifier.join(), verifier.site());
  const auto trusted = JoinAs(node, {.now = SystemClock().Now()});
  ASSERT_TRUE(trusted.ok());
  EXPECT_EQ(trusted->appraisal().verdict(), v1::VERDICT_TRUSTED);
}

TEST(JoinCollateral, WithoutUpstreamsNobodyIsAskedAndALeafOfANodeServesTheNext) {
  Verifier verifier;
  Bare bare;
  const v1::AttestResponse before = Joined(verifier, bare);
  EXPECT_EQ(before.appraisal().verdict(), v1::VERDICT_INDETERMINATE);
  ASSERT_NE(before.absent_collateral_size(), 0);
  for (const v1::AbsentCollateral& absent : before.absent_collateral()) {
    EXPECT_EQ(absent.reason(), "collateral_offline");
    EXPECT_EQ(absent.retry_after_ms(), 0U);
  }
  EXPECT_NE(before.retry_after_ms(), 0U);  // an operator may import it
  // A node on the same chip brings everything; then the certificate of the chip is known, and chain and list are not.
  Node node(verifier.join(), verifier.site());
  ASSERT_EQ(JoinAs(node, {.now = SystemClock().Now()})->appraisal().verdict(), v1::VERDICT_TRUSTED);
  const v1::AttestResponse after = Joined(verifier, bare);
  std::vector<std::string> absent;
  for (const v1::AbsentCollateral& one : after.absent_collateral()) absent.push_back(one.key());
  EXPECT_THAT(absent, ::testing::UnorderedElementsAre("amd.ark/Milan", "amd.ask/Milan", "amd.crl/Milan"));
}

TEST(JoinCollateral, AVerifierStopsWhileNodesWait) {
  Vendors vendors;
  vendors.kds.Script("cert_chain", {.body = "slowly", .drips = true}, 100);
  auto verifier = std::make_unique<Verifier>("", vendors.Section());
  Bare source(4);
  std::thread node([&] {
    Node one(verifier->join(), verifier->site());
    const auto response = JoinWith(one, source);
    if (response.ok()) { EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_INDETERMINATE); }
  });
  while (vendors.kds.CountOf("cert_chain") == 0) std::this_thread::yield();
  verifier->server().Shutdown(std::chrono::seconds(10));
  node.join();
}

// Many nodes on few machines, none with its certificates, and others that have them: as many requests as documents.
TEST(JoinCollateral, AStormOverGrpcMakesOneFetchForEachDocument) {
  constexpr int kThreads = 8, kRounds = 10, kMachines = 5;
  Vendors vendors;
  Verifier verifier("", vendors.Section());
  std::atomic<int> authentic = 0, trusted_of_their_own = 0;
  std::vector<std::thread> nodes;
  for (int t = 0; t < kThreads; ++t) {
    nodes.emplace_back([&, t] {
      Node node(verifier.join(), verifier.site());
      for (int i = 0; i < kRounds; ++i) {
        if (t % 2 == 0) {
          Bare source(static_cast<std::uint8_t>(10 + (t + i) % kMachines));
          const auto response = JoinWith(node, source);
          const bool settled = response.ok() && response->appraisal().authenticity() == v1::AUTHENTICITY_AUTHENTIC;
          authentic += settled ? 1 : 0;
        } else {
          const auto response = JoinAs(node, {.now = SystemClock().Now()});
          trusted_of_their_own += response.ok() && response->appraisal().verdict() == v1::VERDICT_TRUSTED ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(trusted_of_their_own, kThreads / 2 * kRounds);
  EXPECT_GT(authentic, 0);
  EXPECT_EQ(vendors.kds.CountOf("/"), kMachines + 2U);
  for (const auto& [target, count] : vendors.kds.requests()) EXPECT_EQ(count, 1U) << target;
}

}  // namespace
}  // namespace assay::integration
