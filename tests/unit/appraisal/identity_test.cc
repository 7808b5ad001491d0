// What the verifier remembers of an instance, in the appraisal of its evidence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/builtin_registry.h"
#include "tests/unit/appraisal/appraising.h"

namespace assay::appraisal {
namespace {

using testing::HasSubstr;

trust::Challenge AnyChallenge() { return trust::Challenge::NotDemanded(false); }

Appraising Remembering(InstanceState state) {
  Appraising appraising;
  state.identity = HintedIdentity(BuiltinRegistry(), appraising.Items(), AnyChallenge());
  appraising.state.instance = std::move(state);
  return appraising;
}

TEST(Identity, AnInstanceThatNothingIsRememberedOfIsTrusted) {
  const v1::Appraisal appraisal = Remembering({}).Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED) << Show(appraisal);
  for (const std::string_view check : {"identity.ban", "identity.name", "identity.state"}) {
    EXPECT_EQ(ResultOf(appraisal, check), v1::CHECK_RESULT_PASSED) << check;
  }
}

TEST(Identity, TheHintIsWhatAuthenticationFinds) {
  const Appraising appraising;
  EXPECT_EQ(std::string(AsText(HintedIdentity(BuiltinRegistry(), appraising.Items(), AnyChallenge()))),
            appraising.Run().instance_identity());
  EXPECT_TRUE(HintedIdentity(BuiltinRegistry(), {}, AnyChallenge()).empty());
}

TEST(Identity, ABanRejects) {
  const v1::Appraisal appraisal = Remembering({.identity = {}, .ban = "instance:00 banned by alice at noon: stolen"}).Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << Show(appraisal);
  ASSERT_NE(FindingOf(appraisal, "identity_banned"), nullptr) << Show(appraisal);
  EXPECT_THAT(FindingOf(appraisal, "identity_banned")->actual(), HasSubstr("stolen"));
  EXPECT_EQ(ResultOf(appraisal, "identity.ban"), v1::CHECK_RESULT_FAILED);
  EXPECT_EQ(appraisal.authenticity(), v1::AUTHENTICITY_AUTHENTIC) << "a ban says nothing about the evidence";
}

TEST(Identity, AnotherNameRejects) {
  const v1::Appraisal appraisal = Remembering({.identity = {}, .held_as = "prod/node-1"}).Run();
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << Show(appraisal);
  ASSERT_NE(FindingOf(appraisal, "identity_conflict"), nullptr) << Show(appraisal);
  EXPECT_EQ(FindingOf(appraisal, "identity_conflict")->expected(), "prod/node-1");
}

TEST(Identity, WhatWasReadForAnotherInstanceDecidesNothing) {
  for (const Bytes& identity : {Bytes(), Bytes(32, 1)}) {
    Appraising appraising;
    appraising.state.instance = InstanceState{.identity = identity};
    const v1::Appraisal appraisal = appraising.Run();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_INDETERMINATE) << Show(appraisal);
    EXPECT_NE(FindingOf(appraisal, "state_unread"), nullptr) << Show(appraisal);
  }
}

// Offline nothing is remembered, and no check pretends to have looked.
TEST(Identity, OfflineTheChecksDoNotShow) {
  const v1::Appraisal appraisal = Appraising().Run();
  for (const std::string_view check : {"identity.ban", "identity.name", "identity.state"}) {
    EXPECT_EQ(ResultOf(appraisal, check), v1::CHECK_RESULT_UNSPECIFIED) << check;
  }
}

TEST(Identity, TheStateIsPartOfTheInputs) {
  const auto digest = [](const InstanceState& state) { return Remembering(state).Run().digests().state(); };
  const std::string nothing = digest({});
  EXPECT_NE(digest({.identity = {}, .ban = "x"}), nothing);
  EXPECT_NE(digest({.identity = {}, .held_as = "x"}), nothing);
  EXPECT_NE(digest({.identity = {}, .held_as = "x"}), digest({.identity = {}, .ban = "x"}));
  EXPECT_EQ(digest({}), nothing);
}

}  // namespace
}  // namespace assay::appraisal
