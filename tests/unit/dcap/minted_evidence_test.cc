// Whole evidence of the software TEE: every kind of quote, every TCB status, each as a claim of an authentic quote.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "evidence/dcap/format.h"
#include "tests/softtee/dcap_evidence.h"
#include "trust/bundle.h"

namespace assay::dcap {
namespace {

struct Authenticated {
  std::optional<trust::Bundle> bundle;
  std::string findings;

  template <typename T>
  T Claim(std::string_view name) const {
    const T* claim = bundle ? bundle->claims().Get<T>(name) : nullptr;
    EXPECT_NE(claim, nullptr) << name << "\n" << findings;
    return claim == nullptr ? T() : *claim;
  }
};

Authenticated Authenticate(const softtee::DcapOptions& options) {
  const auto minted = softtee::MintDcap(softtee::IntelPki::Shared(), options);
  EXPECT_TRUE(minted.ok()) << MessageOf(minted.status());
  std::vector<evidence::Item> items;
  std::vector<trust::CollateralItem> collateral;
  for (const softtee::Item& item : minted->items) {
    items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
    for (trust::CollateralItem& found : kFormat.recognise(items.back().body, trust::CollateralSource::kNode, nullptr)) {
      EXPECT_EQ(found.source, trust::CollateralSource::kNode);
      collateral.push_back(std::move(found));
    }
  }
  const softtee::Anchor pin = softtee::IntelPki::Shared().Anchors().front();
  trust::Anchor anchor{std::string(pin.vendor), std::string(pin.product), {}};
  std::copy(pin.spki_sha256.begin(), pin.spki_sha256.end(), anchor.spki_sha256.begin());
  const trust::AnchorSet anchors({anchor}, /*simulated=*/true);
  const trust::Challenge challenge = trust::Challenge::Demanded({.report_data = options.report_data, .nonce = std::nullopt});
  const trust::CollateralSnapshot snapshot(std::move(collateral));
  EXPECT_TRUE(kFormat.needs(items, snapshot).empty());
  CheckLog log;
  Authenticated result;
  const auto quote = AuthenticateQuote(items, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr}, log);
  if (quote) result.bundle = trust::Bundle::Carry(*quote, challenge, log);
  for (const Finding& finding : log.findings()) result.findings += Describe(finding) + "\n";
  return result;
}

TEST(DcapMinted, EveryKindOfQuoteHasTheStatusOfItsDocuments) {
  constexpr std::string_view kStatuses[] = {"UpToDate",
                                            "SWHardeningNeeded",
                                            "ConfigurationNeeded",
                                            "ConfigurationAndSWHardeningNeeded",
                                            "OutOfDate",
                                            "OutOfDateConfigurationNeeded",
                                            "Revoked",
                                            "NotSupported"};
  for (const softtee::QuoteKind kind : softtee::AllQuoteKinds()) {
    for (const std::string_view status : kStatuses) {
      const Authenticated run = Authenticate({.kind = kind, .report_data = softtee::Ramp<64>(3), .status = std::string(status)});
      EXPECT_EQ(run.Claim<std::string>("dcap.tcb_status"), status) << softtee::NameOf(kind) << "\n" << run.findings;
      EXPECT_EQ(run.Claim<std::string>("dcap.tee"), softtee::IsTdx(kind) ? "TDX" : "SGX");
      EXPECT_TRUE(run.Claim<bool>("dcap.revocation_checked"));
    }
  }
}

TEST(DcapMinted, ARelaunchIsAdvisedWhereTheModuleWasReplacedUnderTheTd) {
  for (const softtee::QuoteKind kind : {softtee::QuoteKind::kTdxV5Td15, softtee::QuoteKind::kTdxV5Td15Ex}) {
    for (const char* status : {"TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded"}) {
      EXPECT_EQ(Authenticate({.kind = kind, .status = status}).Claim<std::string>("dcap.tcb_status"), status) << softtee::NameOf(kind);
    }
  }
}

TEST(DcapMinted, OldTcbInfoOfSgxAndTheProcessorCa) {
  const Authenticated old = Authenticate({.kind = softtee::QuoteKind::kSgxV3, .platform_ca = false, .tcb_info_version = 2});
  EXPECT_EQ(old.Claim<std::string>("dcap.tcb_status"), "UpToDate") << old.findings;
  EXPECT_EQ(old.Claim<std::string>("dcap.pck_ca"), "processor");
}

}  // namespace
}  // namespace assay::dcap
