#include "result/ear_of.h"

#include <gtest/gtest.h>

#include "base/finding.h"
#include "crypto/private_key.h"

namespace assay::result {
namespace {

using token::EarClaims;
using token::Tier;

constexpr std::size_t kInstance = 0, kConfiguration = 1, kExecutables = 2, kHardware = 4, kRuntimeOpaque = 5;

v1::VerdictRecord Record(v1::Verdict verdict) {
  v1::VerdictRecord record;
  record.set_id("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  record.mutable_context()->set_cluster("prod");
  record.add_evidence_media_types("application/vnd.assay.sev-snp-report");
  record.add_evidence_media_types("application/vnd.assay.sev-cert-table");
  record.add_evidence_media_types("application/pkix-cert");
  record.set_appraisal_sha256(std::string(32, 'a'));
  v1::Appraisal& appraisal = *record.mutable_appraisal();
  appraisal.set_engine("0.1.0");
  appraisal.set_verdict(verdict);
  appraisal.set_authenticity(v1::AUTHENTICITY_AUTHENTIC);
  appraisal.set_strength(v1::STRENGTH_A);
  appraisal.set_policy_set("set");
  appraisal.set_policy("policy");
  appraisal.mutable_appraised_at()->set_seconds(1'000'000);
  appraisal.mutable_trust_boundary()->add_features("memory_encryption");
  v1::Check& check = *appraisal.add_checks();
  check.set_name("boot.covered");
  check.set_result(v1::CHECK_RESULT_PASSED);
  appraisal.mutable_digests()->set_policy(std::string(32, 'p'));
  return record;
}

void AddFinding(v1::VerdictRecord& record, Reason reason, v1::Effect effect) {
  v1::Finding& finding = *record.mutable_appraisal()->add_findings();
  finding.set_code(EntryOf(reason).number);
  finding.set_effect(effect);
}

Issue Any(token::EarProfile profile = token::EarProfile::kVeraison2023) {
  return {"https://assay.example", profile, Bytes(32, 7), crypto::PrivateKey::GenerateP256().public_key()};
}

TEST(EarOf, ATrustedNode) {
  const EarClaims claims = EarOf(Record(v1::VERDICT_TRUSTED), Any());
  ASSERT_EQ(claims.submodules.size(), 1U) << "endorsements have no submodule";
  const token::EarSubmodule& submodule = claims.submodules.front();
  EXPECT_EQ(submodule.label, "sev-snp-report");
  EXPECT_EQ(submodule.status, Tier::kAffirming);
  EXPECT_EQ(submodule.vector[kInstance], 2);
  EXPECT_EQ(submodule.vector[kExecutables], 3) << "approved at boot, not while it runs";
  EXPECT_EQ(submodule.vector[kHardware], 2);
  EXPECT_EQ(submodule.vector[kRuntimeOpaque], 2);
  EXPECT_EQ(claims.audience, std::vector<std::string>{"prod"});
  EXPECT_EQ(claims.token_id, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_TRUE(claims.holder);
  EXPECT_FALSE(claims.status) << "only the draft has one";
  EXPECT_EQ(EarOf(Record(v1::VERDICT_TRUSTED), Any(token::EarProfile::kIetf03)).status, Tier::kAffirming);
}

TEST(EarOf, ATokenEndsWithItsVerdictAndAtMostTenMinutesLater) {
  v1::VerdictRecord record = Record(v1::VERDICT_TRUSTED);
  EXPECT_EQ(EarOf(record, Any()).expires, 1'000'600);
  record.mutable_appraisal()->mutable_valid_until()->set_seconds(1'003'600);
  EXPECT_EQ(EarOf(record, Any()).expires, 1'000'600);
  record.mutable_appraisal()->mutable_valid_until()->set_seconds(1'000'060);
  EXPECT_EQ(EarOf(record, Any()).expires, 1'000'061) << "valid_until is the last good second, exp the first bad one";
}

// A vTPM beside nothing never claims memory encryption.
TEST(EarOf, WeakStrengthNeverAffirmsHardwareOrMemory) {
  for (const v1::Strength strength : {v1::STRENGTH_D, v1::STRENGTH_E, v1::STRENGTH_UNSPECIFIED}) {
    v1::VerdictRecord record = Record(v1::VERDICT_TRUSTED);
    record.mutable_appraisal()->set_strength(strength);
    const EarClaims claims = EarOf(record, Any());
    EXPECT_FALSE(claims.submodules.front().vector[kRuntimeOpaque]);
    EXPECT_FALSE(claims.submodules.front().vector[kHardware]);
  }
  v1::VerdictRecord plain = Record(v1::VERDICT_TRUSTED);
  plain.mutable_appraisal()->mutable_trust_boundary()->clear_features();
  EXPECT_FALSE(EarOf(plain, Any()).submodules.front().vector[kRuntimeOpaque]);
}

TEST(EarOf, WhatWasWaivedIsAWarning) {
  v1::VerdictRecord record = Record(v1::VERDICT_TRUSTED_WITH_WARNINGS);
  AddFinding(record, Reason::kDebugEnabled, v1::EFFECT_WARN);
  record.mutable_appraisal()->mutable_checks(0)->set_result(v1::CHECK_RESULT_WAIVED);
  const EarClaims claims = EarOf(record, Any());
  EXPECT_EQ(claims.submodules.front().status, Tier::kWarning);
  EXPECT_EQ(claims.submodules.front().vector[kRuntimeOpaque], 32);
  EXPECT_FALSE(claims.submodules.front().vector[kExecutables]) << "boot.covered was waived, not passed";
}

TEST(EarOf, ARejectedNodeHasNothingThatSpeaksForIt) {
  v1::VerdictRecord record = Record(v1::VERDICT_REJECTED);
  AddFinding(record, Reason::kSignatureInvalid, v1::EFFECT_REJECT);
  AddFinding(record, Reason::kPolicyNone, v1::EFFECT_REJECT);
  const EarClaims claims = EarOf(record, Any());
  EXPECT_EQ(claims.submodules.front().status, Tier::kContraindicated);
  EXPECT_EQ(claims.submodules.front().vector[kHardware], 99);
  EXPECT_EQ(claims.submodules.front().vector[kConfiguration], 0);
  EXPECT_FALSE(claims.submodules.front().vector[kInstance]);
}

// A verdict that says trusted though its evidence is not authentic can't be, and if it were, nothing would speak for it.
TEST(EarOf, OnlyAuthenticEvidenceSpeaksForANode) {
  v1::VerdictRecord record = Record(v1::VERDICT_TRUSTED);
  record.mutable_appraisal()->set_authenticity(v1::AUTHENTICITY_NOT_AUTHENTIC);
  const EarClaims claims = EarOf(record, Any());
  for (const auto& value : claims.submodules.front().vector) EXPECT_TRUE(!value || token::TierOf(*value) == Tier::kNone);
}

TEST(EarOf, UndecidedIsNone) {
  v1::VerdictRecord record = Record(v1::VERDICT_INDETERMINATE);
  AddFinding(record, Reason::kCrlStale, v1::EFFECT_INDETERMINATE);
  AddFinding(record, Reason::kDebugEnabled, v1::EFFECT_WARN);
  const EarClaims claims = EarOf(record, Any());
  EXPECT_EQ(claims.submodules.front().status, Tier::kNone);
  EXPECT_EQ(claims.submodules.front().vector[kHardware], -1);
  EXPECT_FALSE(claims.submodules.front().vector[kRuntimeOpaque]);
}

TEST(EarOf, ManyItemsHaveManyLabels) {
  v1::VerdictRecord record = Record(v1::VERDICT_TRUSTED);
  record.add_evidence_media_types("application/vnd.assay.tpm-quote");
  record.add_evidence_media_types("application/vnd.assay.tpm-quote");
  const EarClaims claims = EarOf(record, Any());
  ASSERT_EQ(claims.submodules.size(), 3U);
  EXPECT_EQ(claims.submodules[2].label, "tpm-quote-2");
  record.clear_evidence_media_types();
  EXPECT_EQ(EarOf(record, Any()).submodules.front().label, "evidence");
}

// Every reason, with every effect, in every verdict and dialect: a token that its own reader accepts and that does not
// contradict itself.
TEST(EarOf, NeverContradictsItself) {
  for (const ReasonEntry& reason : AllReasons()) {
    for (const v1::Effect effect : {v1::EFFECT_NOTE, v1::EFFECT_WARN, v1::EFFECT_INDETERMINATE, v1::EFFECT_REJECT}) {
      for (const v1::Verdict verdict :
           {v1::VERDICT_TRUSTED, v1::VERDICT_TRUSTED_WITH_WARNINGS, v1::VERDICT_REJECTED, v1::VERDICT_INDETERMINATE}) {
        for (const token::EarProfileEntry& profile : token::AllEarProfiles()) {
          v1::VerdictRecord record = Record(verdict);
          AddFinding(record, reason.reason, effect);
          const Outcome<EarClaims> read = token::ReadEar(token::WriteEar(EarOf(record, Any(profile.profile))));
          ASSERT_TRUE(read) << reason.name << ": " << Describe(read.findings().front());
          ASSERT_TRUE(token::Contradictions(*read).empty()) << reason.name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace assay::result
