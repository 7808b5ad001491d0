#include "appraisal/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appraisal/anchors_file.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"

namespace assay::appraisal {
namespace {

using testing::HasSubstr;

std::string Digest(std::string_view text) { return std::string(AsText(crypto::Sha256(AsBytes(text)))); }

v1::ReplayVerdictResponse ReplayOf(const v1::VerdictExport& verdict, const PolicyBook* policies = nullptr) {
  const trust::AnchorSet anchors = BuiltinAnchors(BuiltinRegistry());
  return Replay(verdict, {.registry = BuiltinRegistry(), .anchors = anchors, .policies = policies});
}

v1::VerdictExport Recorded() {
  v1::VerdictExport verdict;
  v1::VerdictRecord& record = *verdict.mutable_record();
  record.set_id("01J00000000000000000000000");
  record.mutable_context()->set_cluster("prod");
  record.mutable_context()->set_role("worker");
  record.mutable_appraisal()->set_verdict(v1::VERDICT_TRUSTED);
  record.mutable_appraisal()->mutable_appraised_at()->set_seconds(1'790'000'000);
  return verdict;
}

TEST(Replay, WhatIsMissingIsNamedAndNothingIsDecided) {
  v1::VerdictExport verdict = Recorded();
  verdict.mutable_record()->mutable_appraisal()->mutable_digests()->add_evidence(Digest("report"));
  verdict.mutable_record()->add_evidence_media_types("application/vnd.assay.sev-snp-report");
  v1::CollateralEntry& crl = *verdict.mutable_record()->add_collateral();
  crl.set_key("amd.crl/Milan");
  crl.set_sha256(Digest("crl"));
  crl.set_source("supplied");
  v1::CollateralEntry& vcek = *verdict.mutable_record()->add_collateral();  // is found in the evidence, or with it not at all
  vcek.set_key("amd.vcek/Milan");
  vcek.set_sha256(Digest("vcek"));
  vcek.set_source("node");
  verdict.mutable_record()->add_policy_sources(Digest("policy"));
  verdict.mutable_record()->add_policy_source_names("policies/prod.yaml");
  const v1::ReplayVerdictResponse replay = ReplayOf(verdict);
  ASSERT_EQ(replay.missing_size(), 3);
  EXPECT_THAT(replay.missing(0), HasSubstr("evidence application/vnd.assay.sev-snp-report "));
  EXPECT_THAT(replay.missing(1), HasSubstr("collateral amd.crl/Milan "));
  EXPECT_THAT(replay.missing(2), HasSubstr("policy policies/prod.yaml "));
  EXPECT_EQ(replay.replayed().verdict(), v1::VERDICT_INDETERMINATE);
  ASSERT_EQ(replay.replayed().findings_size(), 1);
  EXPECT_EQ(replay.replayed().findings(0).reason(), "input_purged");
  EXPECT_EQ(InputsOf(verdict.record()).size(), 4u);
}

TEST(Replay, PoliciesThatNoLongerLoadAreSaidSo) {
  v1::VerdictExport verdict = Recorded();
  verdict.mutable_record()->add_policy_sources(Digest("kind: Nonsense"));
  verdict.mutable_record()->add_policy_source_names("old.yaml");
  verdict.add_inputs("kind: Nonsense");
  const v1::ReplayVerdictResponse replay = ReplayOf(verdict);
  EXPECT_EQ(replay.missing_size(), 0);
  EXPECT_EQ(replay.replayed().verdict(), v1::VERDICT_INDETERMINATE);
  EXPECT_EQ(replay.replayed().findings(0).reason(), "input_unusable");
  EXPECT_THAT(replay.replayed().findings(0).actual(), HasSubstr("old.yaml:1:"));
}

// An input is what its digest says, whatever the export calls it.
TEST(Replay, AnAlteredInputIsAMissingOne) {
  v1::VerdictExport verdict = Recorded();
  verdict.mutable_record()->add_policy_sources(Digest("genuine"));
  verdict.add_inputs("altered");
  EXPECT_EQ(ReplayOf(verdict).missing_size(), 1);
}

TEST(Replay, DifferencesNameTheirMember) {
  v1::VerdictExport verdict = Recorded();
  verdict.mutable_record()->add_policy_sources(Digest(""));
  verdict.add_inputs("");
  const PolicyBook nothing;
  const v1::ReplayVerdictResponse replay = ReplayOf(verdict, &nothing);  // no set for this context: policy_none
  std::vector<std::string> members;
  for (const v1::Difference& difference : replay.differences()) {
    members.push_back(difference.member());
    if (difference.member() != "verdict") continue;
    EXPECT_EQ(difference.recorded(), "VERDICT_TRUSTED");
    EXPECT_EQ(difference.replayed(), "VERDICT_REJECTED");
  }
  EXPECT_THAT(members, testing::Contains("verdict"));
  EXPECT_THAT(members, testing::Contains("findings"));
}

TEST(Replay, FloorsAreThoseThatWereRecorded) {
  v1::VerdictExport verdict = Recorded();
  v1::CollateralFloor& floor = *verdict.mutable_record()->mutable_state()->add_floors();
  floor.set_kind("intel.tcb_info");
  floor.set_scope("TDX");
  floor.set_detail("00806f050000");
  floor.set_channel("early");
  floor.set_number(20);
  floor.mutable_issued()->set_seconds(1'789'000'000);
  const PolicyBook nothing;
  StateSnapshot state{.not_before = {},
                      .instance = InstanceState{},
                      .floors = {{{{"intel.tcb_info", "TDX", "00806f050000"}, 20, Time(Duration(1'789'000'000))}, trust::Channel::kEarly}}};
  const auto digest = [&] { return std::string(AsText(state.Digest())); };
  EXPECT_EQ(ReplayOf(verdict, &nothing).replayed().digests().state(), digest());
  floor.set_channel("nightly");  // of a later version: this one can't keep it, and the digest shows that
  EXPECT_NE(ReplayOf(verdict, &nothing).replayed().digests().state(), digest());
  state.floors.clear();
  EXPECT_EQ(ReplayOf(verdict, &nothing).replayed().digests().state(), digest());
}

TEST(Replay, DigestsThatAreNoneAreNoInputs) {
  v1::VerdictExport verdict = Recorded();
  verdict.mutable_record()->add_policy_sources("short");
  EXPECT_TRUE(InputsOf(verdict.record()).empty());
  EXPECT_EQ(ReplayOf(verdict).missing_size(), 1);
}

}  // namespace
}  // namespace assay::appraisal
