// Every single fault of DCAP evidence that the software TEE can mint, through the whole appraisal: not trusted, and for the right reason.
#include <gtest/gtest.h>

#include <set>

#include "base/strings.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

bool Trusted(const v1::Appraisal& appraisal) {
  return appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
}

// What is lacking, or out of its time, leaves the verdict undecided where fetching it may help.
bool Undecided(std::string_view reason) {
  static const std::set<std::string_view> kReasons = {"collateral_missing",  "revocation_unchecked", "crl_stale",
                                                      "crl_not_yet_valid",   "document_expired",     "document_not_yet_valid",
                                                      "initial_tcb_unjudged"};
  return kReasons.contains(reason);
}

class EachDcapFault : public testing::TestWithParam<softtee::DcapFaultEntry> {};

TEST_P(EachDcapFault, IsNotTrustedForItsReason) {
  softtee::DcapOptions options = softtee::OptionsFor(GetParam().fault);
  options.fault.reset();
  const v1::Appraisal good = Appraising{.quote = options}.Run();
  EXPECT_EQ(good.verdict(), v1::VERDICT_TRUSTED) << "without the fault: " << Show(good);

  options.fault = GetParam().fault;
  const v1::Appraisal bad = Appraising{.quote = options, .platform_hint = "qemu_tdx"}.Run();
  EXPECT_NE(FindingOf(bad, GetParam().reason), nullptr) << GetParam().what << ": expected " << GetParam().reason << "\n" << Show(bad);
  EXPECT_EQ(bad.verdict(), Undecided(GetParam().reason) ? v1::VERDICT_INDETERMINATE : v1::VERDICT_REJECTED) << GetParam().what << "\n"
                                                                                                            << Show(bad);
  EXPECT_FALSE(bad.has_valid_until());
  EXPECT_FALSE(bad.admits());
  if (bad.authenticity() != v1::AUTHENTICITY_AUTHENTIC) {
    EXPECT_EQ(bad.claims_size(), 0) << "claims of what is not believed";
    EXPECT_EQ(bad.strength(), v1::STRENGTH_UNSPECIFIED);
  }
}

INSTANTIATE_TEST_SUITE_P(SoftwareTee, EachDcapFault, testing::ValuesIn(softtee::AllDcapFaults().begin(), softtee::AllDcapFaults().end()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(DcapFaults, AreRefusedAlikeWithWarmCaches) {
  trust::FactCaches caches(1024);
  for (const softtee::DcapFaultEntry& entry : softtee::AllDcapFaults()) {
    softtee::DcapOptions options = softtee::OptionsFor(entry.fault);
    options.fault.reset();
    Appraising good{.quote = options, .caches = &caches};
    EXPECT_TRUE(Trusted(good.Run())) << entry.name;
    options.fault = entry.fault;
    Appraising bad{.quote = options};
    const std::vector<evidence::Item> items = bad.Items();
    const std::string without = CanonicalJson(bad.RunOn(items));
    trust::FactCaches cold(1024);
    bad.caches = &cold;
    EXPECT_EQ(CanonicalJson(bad.RunOn(items)), without) << entry.name << ", cold";
    bad.caches = &caches;
    EXPECT_EQ(CanonicalJson(bad.RunOn(items)), without) << entry.name << ", warm";
    EXPECT_EQ(CanonicalJson(bad.RunOn(items)), without) << entry.name << ", again";
  }
}

TEST(DcapEvidence, EveryKindOfTrustDomainIsTrusted) {
  for (const softtee::QuoteKind kind : softtee::AllQuoteKinds()) {
    if (!softtee::IsTdx(kind)) continue;
    const v1::Appraisal appraisal = Appraising{.quote = softtee::DcapOptions{.kind = kind}}.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << softtee::NameOf(kind) << "\n" << Show(appraisal);
    EXPECT_EQ(appraisal.strength(), v1::STRENGTH_A);
  }
}

TEST(DcapEvidence, WhatGenuineQuotesComeWithIsPutUpWith) {
  for (const softtee::DcapOptions& options : std::vector<softtee::DcapOptions>{
           {.padding = 3064}, {.negate_s = true}, {.order = {0, 2, 1}}, {.order = {2, 1, 0}}, {.with_evaluation_numbers = true}}) {
    const v1::Appraisal appraisal = Appraising{.quote = options}.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  }
  // The Processor CA's PCKs name no platform instance, which this policy demands: authentic, and refused for that alone.
  const v1::Appraisal processor = Appraising{.quote = softtee::DcapOptions{.platform_ca = false}}.Run();
  EXPECT_EQ(processor.authenticity(), v1::AUTHENTICITY_AUTHENTIC) << Show(processor);
  EXPECT_NE(FindingOf(processor, "claim_absent"), nullptr) << Show(processor);
}

}  // namespace
}  // namespace assay::appraisal
