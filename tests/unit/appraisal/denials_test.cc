// Deny-lists: whoever has a banned certificate or signed value is refused, whatever else the evidence says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appraisal/replay.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/snp_pki.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

using testing::HasSubstr;

Denial Banned(Denial::Of of, ByteView value) { return {of, ToBytes(value), "banned by alice at noon: leaked"}; }

std::vector<Denial> RootsBanned(bool tdx) {
  std::vector<Denial> denials;
  for (const softtee::Anchor& anchor : tdx ? softtee::IntelPki::Shared().Anchors() : softtee::SnpPki::Shared().Anchors()) {
    denials.push_back(Banned(Denial::Of::kCertificate, anchor.spki_sha256));
  }
  return denials;
}

TEST(Denials, ACertificateIsRefusedByItsKeyWhereverItStandsInThePath) {
  for (const bool tdx : {false, true}) {
    Appraising appraising;
    if (tdx) appraising.quote = softtee::DcapOptions{};
    appraising.state.denials = RootsBanned(tdx);
    const v1::Appraisal appraisal = appraising.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << Show(appraisal);
    ASSERT_NE(FindingOf(appraisal, "certificate_denied"), nullptr) << Show(appraisal);
    EXPECT_THAT(FindingOf(appraisal, "certificate_denied")->actual(), HasSubstr("leaked"));
    EXPECT_EQ(ResultOf(appraisal, "denial.certificate"), v1::CHECK_RESULT_FAILED);
    EXPECT_EQ(appraisal.authenticity(), v1::AUTHENTICITY_AUTHENTIC) << "a ban says nothing about the evidence";
  }
}

TEST(Denials, ASignedValueIsRefusedWhateverItsName) {
  const softtee::Machine machine;
  struct Case {
    bool tdx;
    ByteView value;
    std::string_view claim;
  };
  for (const Case& c : {Case{false, softtee::kDefaultMeasurement, "snp.measurement"}, Case{false, softtee::kDefaultChipId, "snp.chip_id"},
                        Case{true, softtee::kDefaultMrtd, "dcap.mrtd"}, Case{true, softtee::kDefaultRtmr2, "dcap.rtmr2"},
                        Case{true, machine.platform_instance_id, "dcap.platform_instance_id"}}) {
    Appraising appraising;
    if (c.tdx) appraising.quote = softtee::DcapOptions{};
    appraising.state.denials = {Banned(Denial::Of::kMeasurement, c.value)};
    const v1::Appraisal appraisal = appraising.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << c.claim << Show(appraisal);
    ASSERT_NE(FindingOf(appraisal, "measurement_denied"), nullptr) << c.claim << Show(appraisal);
    EXPECT_EQ(FindingOf(appraisal, "measurement_denied")->claim(), c.claim);
    EXPECT_EQ(ResultOf(appraisal, "denial.measurement"), v1::CHECK_RESULT_FAILED);
  }
}

TEST(Denials, WhatIsBannedOfOthersIsLookedAtAndPasses) {
  Appraising appraising;
  appraising.state.denials = {
      Banned(Denial::Of::kCertificate, Bytes(32, 1)), Banned(Denial::Of::kMeasurement, Bytes(48, 1)),
      Banned(Denial::Of::kMeasurement, ByteView(softtee::kDefaultMeasurement).first(32)),  // the beginning of a value is another value
      Banned(Denial::Of::kMeasurement, RootsBanned(false)[0].value)};                      // a key is no measurement
  const v1::Appraisal appraisal = appraising.Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  for (const std::string_view check : {"denial.certificate", "denial.measurement"}) {
    EXPECT_EQ(ResultOf(appraisal, check), v1::CHECK_RESULT_PASSED) << check;
  }
}

// A check that did not run is not shown as one that did.
TEST(Denials, WhereNothingIsBannedNothingIsSaid) {
  const v1::Appraisal appraisal = Appraising().Run();
  for (const std::string_view check : {"denial.certificate", "denial.measurement"}) {
    EXPECT_EQ(ResultOf(appraisal, check), v1::CHECK_RESULT_UNSPECIFIED) << check;
  }
}

TEST(Denials, TheListIsPartOfTheState) {
  StateSnapshot state;
  const crypto::Sha256Digest empty = state.Digest();
  state.denials = {Banned(Denial::Of::kCertificate, Bytes(32, 1))};
  const crypto::Sha256Digest one = state.Digest();
  EXPECT_NE(one, empty);
  state.denials[0].of = Denial::Of::kMeasurement;
  EXPECT_NE(state.Digest(), one);
  state.denials[0] = {Denial::Of::kCertificate, Bytes(32, 1), "another reason"};
  EXPECT_NE(state.Digest(), one);
}

}  // namespace
}  // namespace assay::appraisal
