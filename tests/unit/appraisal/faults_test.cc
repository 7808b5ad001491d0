// Every single fault that the software TEE can mint, through the whole appraisal: not trusted, and for the right reason.
#include <gtest/gtest.h>

#include <set>

#include "base/strings.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

class EachFault : public testing::TestWithParam<softtee::FaultEntry> {};

TEST_P(EachFault, IsNotTrustedForItsReason) {
  softtee::SnpOptions options = softtee::OptionsFor(GetParam().fault);
  options.fault.reset();
  const v1::Appraisal good = Appraising{.evidence = options}.Run();
  const bool aws = options.signing_key == softtee::SigningKey::kVlek;
  EXPECT_EQ(good.verdict(), aws ? v1::VERDICT_TRUSTED_WITH_WARNINGS : v1::VERDICT_TRUSTED) << "without the fault: " << Show(good);

  options.fault = GetParam().fault;
  Appraising bad{.evidence = options, .platform_hint = aws ? "aws_sev_snp_report" : "qemu_sev_snp"};
  if (const v1::Appraisal appraisal = bad.Run(); true) {
    EXPECT_NE(FindingOf(appraisal, GetParam().reason), nullptr) << GetParam().what << ": expected " << GetParam().reason << "\n"
                                                                << Show(appraisal);
    if (GetParam().reason == "unknown_bits") {
      EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(appraisal);
    } else {
      EXPECT_NE(appraisal.verdict(), v1::VERDICT_TRUSTED) << GetParam().what;
      EXPECT_NE(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << GetParam().what;
      EXPECT_FALSE(appraisal.has_valid_until());
      EXPECT_FALSE(appraisal.admits());
    }
    if (appraisal.authenticity() != v1::AUTHENTICITY_AUTHENTIC) {
      EXPECT_EQ(appraisal.claims_size(), 0) << "claims of what is not believed";
      EXPECT_TRUE(appraisal.instance_identity().empty());
      EXPECT_EQ(appraisal.strength(), v1::STRENGTH_UNSPECIFIED);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SoftwareTee, EachFault, testing::ValuesIn(softtee::AllFaults().begin(), softtee::AllFaults().end()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Faults, AreRefusedAlikeWithWarmCaches) {
  trust::FactCaches caches(1024);
  for (const softtee::FaultEntry& entry : softtee::AllFaults()) {
    softtee::SnpOptions options = softtee::OptionsFor(entry.fault);
    options.fault.reset();
    const Appraising good{.evidence = options, .caches = &caches};
    good.Run();
    options.fault = entry.fault;
    Appraising bad{.evidence = options};
    const std::vector<evidence::Item> items = bad.Items();
    const std::string cold = CanonicalJson(bad.RunOn(items));
    bad.caches = &caches;
    EXPECT_EQ(CanonicalJson(bad.RunOn(items)), cold) << entry.name;
    EXPECT_EQ(CanonicalJson(bad.RunOn(items)), cold) << entry.name << ", again";
  }
}

}  // namespace
}  // namespace assay::appraisal
