// qemu_tdx from items to verdict: minted quotes and documents, the shipped policy.
#include "platform/qemu_tdx/platform.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "appraisal/appraiser.h"
#include "appraisal/shipped_policies.h"
#include "evidence/dcap/format.h"
#include "registry/builtin_registry.h"
#include "tests/unit/dcap/minted_tcb.h"

namespace assay::qemu_tdx {
namespace {

namespace mint = dcap::test;

mint::MintOptions Sound() {
  mint::MintOptions options = mint::UpToDate();
  options.body = [before = options.body](Bytes& body) {
    before(body);
    body[123] = 0x10;  // SEPT_VE_DISABLE
    body[128] = 0xE7;
    for (std::size_t i = 0; i < 64; ++i) body[520 + i] = static_cast<std::uint8_t>(i);
  };
  return options;
}

std::vector<trust::CollateralItem> AllCollateral(const mint::TcbOptions& options = {}) {
  std::vector<trust::CollateralItem> items = mint::TcbDocuments(options);
  items.push_back(mint::List({.root = true}));
  items.push_back(mint::List());
  return items;
}

v1::Appraisal Appraise(const mint::MintOptions& options, std::vector<trust::CollateralItem> collateral,
                       std::optional<crypto::Sha256Digest> node_key = std::nullopt) {
  static const appraisal::LoadResult loaded = appraisal::LoadShippedPolicies(BuiltinRegistry());
  const appraisal::Policy* policy = nullptr;
  for (const appraisal::Policy& one : loaded.book->policies()) {
    if (one.platform == kPlatform.name) policy = &one;
  }
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(mint::Mint(options))}};
  trust::Challenge::Values values;
  auto& demanded = values.report_data.emplace();
  for (std::size_t i = 0; i < 64; ++i) demanded[i] = static_cast<std::uint8_t>(i);
  values.node_key_sha256 = node_key;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot(std::move(collateral));
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  const appraisal::StateSnapshot state;
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = items,
                              .platform_hint = "",
                              .challenge = challenge,
                              .channel_bound = true,
                              .collateral = snapshot,
                              .policies = appraisal::PolicyChoice::ForPolicy(*loaded.book, *policy),
                              .anchors = anchors,
                              .state = state,
                              .at = *ParseTime("2026-06-15T00:00:00Z")});
}

std::string Text(const v1::Appraisal& appraisal) {
  std::string text = v1::Verdict_Name(appraisal.verdict());
  for (const v1::Finding& finding : appraisal.findings()) text += "\n" + finding.reason() + " " + finding.claim() + ": " + finding.actual();
  return text;
}
bool Found(const v1::Appraisal& appraisal, std::string_view reason) {
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.reason() == reason) return true;
  }
  return false;
}

TEST(QemuTdx, ShippedPolicyTrustsASoundMachineWithWarnings) {
  const v1::Appraisal appraisal = Appraise(Sound(), AllCollateral());
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Text(appraisal);
  EXPECT_EQ(appraisal.platform(), "qemu_tdx");
}

TEST(QemuTdx, WhatIsMissingLeavesTheVerdictUndecided) {
  for (std::size_t missing = 0; missing < 5; ++missing) {
    std::vector<trust::CollateralItem> collateral = AllCollateral();
    collateral.erase(collateral.begin() + static_cast<std::ptrdiff_t>(missing));
    const v1::Appraisal appraisal = Appraise(Sound(), collateral);
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << missing << " " << Text(appraisal);
  }
  EXPECT_EQ(Appraise(Sound(), {}).verdict(), v1::VERDICT_INDETERMINATE);
}

TEST(QemuTdx, ShippedPolicyRefuses) {
  const auto body = [](std::size_t offset, std::uint8_t value) {
    mint::MintOptions options = Sound();
    options.body = [=, before = options.body](Bytes& bytes) {
      before(bytes);
      bytes[offset] = value;
    };
    return options;
  };
  mint::MintOptions with_service_td = Sound();
  with_service_td.kind = mint::TdxV5(3);
  with_service_td.body = [before = with_service_td.body](Bytes& bytes) {
    before(bytes);
    std::copy_n(bytes.begin(), 16, bytes.begin() + 584);
    bytes[600] = 1;
  };
  struct Refused {
    const char* name;
    mint::MintOptions options;
    std::string_view reason;
  };
  for (const Refused& refused : {Refused{"debug", body(120, 0x01), "debug_enabled"}, Refused{"another bit of TUD", body(120, 0x40), "debug_enabled"},
                                 Refused{"migratable", body(123, 0x30), "migration_agent"}, Refused{"service TD", with_service_td, "migration_agent"},
                                 Refused{"SEPT_VE_DISABLE clear", body(123, 0), "rule_failed"}, Refused{"unknown attribute", body(121, 1), "unknown_bits"},
                                 Refused{"outdated module", body(0, 4), "tcb_status_refused"}, Refused{"no level applies", body(0, 1), "tcb_status_refused"},
                                 Refused{"another REPORTDATA", body(583, 0), "binding_mismatch"}}) {
    const v1::Appraisal appraisal = Appraise(refused.options, AllCollateral());
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << refused.name << " " << Text(appraisal);
    EXPECT_TRUE(Found(appraisal, refused.reason)) << refused.name << " " << Text(appraisal);
  }
  mint::TcbOptions expired;
  const std::string dates = "2026-07-01T00:00:00Z";
  expired.info.replace(expired.info.find(dates), dates.size(), "2026-06-14T00:00:00Z");
  EXPECT_EQ(Appraise(Sound(), AllCollateral(expired)).verdict(), v1::VERDICT_REJECTED);
}

// A TD report names no TD: the node is the key to which REPORTDATA commits.
TEST(QemuTdx, TheInstanceIsTheNodesKey) {
  const crypto::Sha256Digest one = crypto::Sha256(AsBytes("one key")), other = crypto::Sha256(AsBytes("other key"));
  const std::string identity = Appraise(Sound(), AllCollateral(), one).instance_identity();
  EXPECT_EQ(identity.size(), 32U);
  EXPECT_EQ(Appraise(Sound(), AllCollateral(), one).instance_identity(), identity);
  EXPECT_NE(Appraise(Sound(), AllCollateral(), other).instance_identity(), identity);
  EXPECT_TRUE(Appraise(Sound(), AllCollateral()).instance_identity().empty()) << "offline no key is named";

  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(mint::Mint(Sound()))}};
  const auto hint = [&](std::span<const evidence::Item> of, const trust::Challenge& challenge) {
    return std::string(AsText(appraisal::HintedIdentity(BuiltinRegistry(), of, challenge)));
  };
  trust::Challenge::Values values;
  values.node_key_sha256 = one;
  EXPECT_EQ(hint(items, trust::Challenge::Demanded(values)), identity) << "what is remembered is looked up under it";
  EXPECT_EQ(hint({}, trust::Challenge::Demanded(values)), "") << "a key alone is no machine";
  EXPECT_EQ(hint(items, trust::Challenge::NotDemanded(true)), "");
}

TEST(QemuTdx, EvidenceThatDoesNotAnswerHasNoInstance) {
  mint::MintOptions options = Sound();
  options.body = [before = options.body](Bytes& bytes) {
    before(bytes);
    bytes[583] = 0;
  };
  EXPECT_TRUE(Appraise(options, AllCollateral(), crypto::Sha256(AsBytes("one key"))).instance_identity().empty());
}

TEST(QemuTdx, AnEnclaveIsNotAVirtualMachine) {
  mint::MintOptions enclave;
  enclave.kind = mint::SgxV4();
  const std::vector<evidence::Item> items{{std::string(dcap::kQuoteMediaType), trust::UntrustedBytes(mint::Mint(enclave))}};
  EXPECT_FALSE(kPlatform.fits(items));
  const trust::AnchorSet anchors = mint::Pki::Shared().Anchors();
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog log;
  EXPECT_FALSE(kPlatform.authenticate(items, {.anchors = anchors, .collateral = {}, .challenge = challenge, .caches = nullptr}, log));
  ASSERT_TRUE(log.HasRejection());
  EXPECT_EQ(log.findings().back().reason, Reason::kPlatformUnrecognised);
}

}  // namespace
}  // namespace assay::qemu_tdx
