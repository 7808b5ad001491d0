#include "result/flat_jwt.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/hex.h"
#include "base/strings.h"
#include "client/relying_party/check_flat_token.h"
#include "codec/json_writer.h"
#include "crypto/digest.h"
#include "crypto/private_key.h"
#include "token/jws.h"

namespace assay::result {
namespace {

constexpr std::int64_t kAppraisedAt = 1'000'000;

class FlatJwtTest : public testing::Test {
 protected:
  FlatJwtTest() {
    record_.set_id("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    record_.mutable_context()->set_cluster("prod");
    record_.set_appraisal_sha256(std::string(32, 'a'));
    issue_ = {.issuer = "https://assay.example", .nonce = Bytes(32, 7), .node_key = node_.public_key()};
    record_.set_node_key_sha256(std::string(AsText(issue_.node_key->spki_sha256())));
    v1::Appraisal& appraisal = *record_.mutable_appraisal();
    appraisal.set_engine("assay/0.1.0");
    appraisal.set_verdict(v1::VERDICT_TRUSTED);
    appraisal.set_authenticity(v1::AUTHENTICITY_AUTHENTIC);
    appraisal.set_platform("qemu_sev_snp");
    appraisal.set_policy_set("workers");
    appraisal.set_policy("snp");
    appraisal.set_strength(v1::STRENGTH_A);
    appraisal.set_admits(true);
    appraisal.mutable_appraised_at()->set_seconds(kAppraisedAt);
    appraisal.mutable_valid_until()->set_seconds(kAppraisedAt + 3600);
    appraisal.set_instance_identity(std::string(32, 'i'));
    appraisal.mutable_digests()->add_evidence(std::string(32, 'e'));
  }
  v1::Appraisal& Appraisal() { return *record_.mutable_appraisal(); }
  bool Issued() const { return FlatClaimsOf(record_, issue_).has_value(); }
  std::int64_t Lifetime() const {
    const auto set = FlatClaimsOf(record_, issue_);
    return set ? *set->Find("exp")->AsInt64() - kAppraisedAt : 0;
  }

  crypto::PrivateKey node_ = crypto::PrivateKey::GenerateP256();
  v1::VerdictRecord record_;
  Issue issue_;
};

TEST_F(FlatJwtTest, ATrustedNodeGetsAllThatIsKnownOfIt) {
  const auto set = FlatClaimsOf(record_, issue_);
  ASSERT_TRUE(set);
  const json::Value jwk = token::ToJwk(node_.public_key(), "");
  const auto hex = [](char letter) {
    std::string text;
    for (int i = 0; i < 32; ++i) text += ToHex(AsBytes(std::string(1, letter)));
    return text;
  };
  EXPECT_EQ(
      *json::Canonical(*set),
      Cat(R"({"att":{"appraisal_sha256":")", hex('a'), R"(","evidence_sha256":[")", hex('e'), R"("],"node_key_sha256":")",
          ToHex(AsBytes(record_.node_key_sha256())),
          R"(","platform":"qemu_sev_snp","policy":"snp","policy_set":"workers","simulated":false,"strength":"A","verdict":"TRUSTED"},"aud":"prod","cnf":{"jwk":)",
          *json::Canonical(jwk),
          R"(},"exp":1000600,"iat":1000000,"iss":"https://assay.example","jti":"01ARZ3NDEKTSV4RRFFQ69G5FAV","nbf":1000000,"sub":"attested-node:)",
          hex('i'), R"("})"));
}

TEST_F(FlatJwtTest, IsAcceptedByARelyingParty) {
  const crypto::PrivateKey signer = crypto::PrivateKey::GenerateP256();
  const std::string token = token::SignJws(*json::Canonical(*FlatClaimsOf(record_, issue_)), "k1", "JWT", signer);
  CheckLog log;
  const relying_party::FlatExpectation expectation{.keys = {{signer.public_key(), "k1", {}}},
                                                   .issuer = "https://assay.example",
                                                   .audience = "prod",
                                                   .holder = node_.public_key(),
                                                   .least_strength = 'A'};
  EXPECT_TRUE(relying_party::CheckFlatToken(token, expectation, Time{Duration{kAppraisedAt}}, log));
}

TEST_F(FlatJwtTest, WarningsOnlyWhereThePolicyAdmitsThem) {
  Appraisal().set_verdict(v1::VERDICT_TRUSTED_WITH_WARNINGS);
  const auto set = FlatClaimsOf(record_, issue_);
  ASSERT_TRUE(set);
  EXPECT_EQ(*set->Find("att")->Find("verdict")->AsString(), "TRUSTED_WITH_WARNINGS");
  Appraisal().set_admits(false);
  EXPECT_FALSE(Issued());
}

TEST_F(FlatJwtTest, EndsWithItsVerdictAndAtMostTenMinutesLater) {
  EXPECT_EQ(Lifetime(), 600);
  for (const std::int64_t rest : {1, 59, 599, 600}) {
    Appraisal().mutable_valid_until()->set_seconds(kAppraisedAt + rest);
    EXPECT_EQ(Lifetime(), rest);
  }
  Appraisal().mutable_valid_until()->set_seconds(kAppraisedAt + 601);
  EXPECT_EQ(Lifetime(), 600);
  for (const std::int64_t rest : {0, -1, -1'000'000}) {
    Appraisal().mutable_valid_until()->set_seconds(kAppraisedAt + rest);
    EXPECT_FALSE(Issued()) << rest;
  }
  Appraisal().clear_valid_until();
  EXPECT_FALSE(Issued()) << "no end is not an endless verdict";
}

// Every guard by itself: everything else about the record is as it must be.
TEST_F(FlatJwtTest, NothingElseGetsOne) {
  const v1::VerdictRecord good = record_;
  const Issue issue = issue_;
  struct Fault {
    std::string_view name;
    std::function<void(v1::VerdictRecord&, v1::Appraisal&, Issue&)> make;
  };
  for (const Fault& fault : std::vector<Fault>{
           {"rejected", [](auto&, auto&appraisal, auto&) { appraisal.set_verdict(v1::VERDICT_REJECTED); }},
           {"indeterminate", [](auto&, auto&appraisal, auto&) { appraisal.set_verdict(v1::VERDICT_INDETERMINATE); }},
           {"no verdict", [](auto&, auto&appraisal, auto&) { appraisal.clear_verdict(); }},
           {"a verdict of the future", [](auto&, auto&appraisal, auto&) { appraisal.set_verdict(static_cast<v1::Verdict>(5)); }},
           {"not admitted", [](auto&, auto&appraisal, auto&) { appraisal.set_admits(false); }},
           {"simulated", [](auto&, auto&appraisal, auto&) { appraisal.set_simulated(true); }},
           {"simulated, with warnings",
            [](auto&, auto&appraisal, auto&) { appraisal.set_simulated(true), appraisal.set_verdict(v1::VERDICT_TRUSTED_WITH_WARNINGS); }},
           {"not authentic", [](auto&, auto&appraisal, auto&) { appraisal.set_authenticity(v1::AUTHENTICITY_NOT_AUTHENTIC); }},
           {"authenticity unknown", [](auto&, auto&appraisal, auto&) { appraisal.clear_authenticity(); }},
           {"no strength", [](auto&, auto&appraisal, auto&) { appraisal.clear_strength(); }},
           {"a strength of the future", [](auto&, auto&appraisal, auto&) { appraisal.set_strength(static_cast<v1::Strength>(6)); }},
           {"no instance", [](auto&, auto&appraisal, auto&) { appraisal.clear_instance_identity(); }},
           {"an instance cut short", [](auto&, auto&appraisal, auto&) { appraisal.set_instance_identity(std::string(31, 'i')); }},
           {"an instance of zeros", [](auto&, auto&appraisal, auto&) { appraisal.set_instance_identity(std::string(32, '\0')); }},
           {"no time", [](auto&, auto&appraisal, auto&) { appraisal.clear_appraised_at(); }},
           {"before 1970", [](auto&, auto&appraisal, auto&) { appraisal.mutable_appraised_at()->set_seconds(-5); }},
           {"no platform", [](auto&, auto&appraisal, auto&) { appraisal.clear_platform(); }},
           {"no policy set", [](auto&, auto&appraisal, auto&) { appraisal.clear_policy_set(); }},
           {"no policy", [](auto&, auto&appraisal, auto&) { appraisal.clear_policy(); }},
           {"no evidence", [](auto&, auto&appraisal, auto&) { appraisal.clear_digests(); }},
           {"no cluster", [](auto&record, auto&, auto&) { record.mutable_context()->clear_cluster(); }},
           {"no id", [](auto&record, auto&, auto&) { record.clear_id(); }},
           {"no digest of the appraisal", [](auto&record, auto&, auto&) { record.clear_appraisal_sha256(); }},
           {"no digest of the node key", [](auto&record, auto&, auto&) { record.clear_node_key_sha256(); }},
           {"another node's record", [](auto&record, auto&, auto&) { record.set_node_key_sha256(std::string(32, 'k')); }},
           {"another node's key", [](auto&, auto&, Issue&other) { other.node_key = crypto::PrivateKey::GenerateP256().public_key(); }},
           {"no node key", [](auto&, auto&, Issue&other) { other.node_key.reset(); }},
           {"no issuer", [](auto&, auto&, Issue&other) { other.issuer.clear(); }},
       }) {
    record_ = good;
    issue_ = issue;
    ASSERT_TRUE(Issued());
    fault.make(record_, Appraisal(), issue_);
    EXPECT_FALSE(Issued()) << fault.name;
  }
}

TEST_F(FlatJwtTest, StrengthsHaveTheirLetters) {
  for (const auto& [strength, letter] : {std::pair(v1::STRENGTH_A, "A"), std::pair(v1::STRENGTH_B, "B"), std::pair(v1::STRENGTH_C, "C"),
                                         std::pair(v1::STRENGTH_D, "D"), std::pair(v1::STRENGTH_E, "E")}) {
    Appraisal().set_strength(strength);
    EXPECT_EQ(*FlatClaimsOf(record_, issue_)->Find("att")->Find("strength")->AsString(), letter);
  }
}

}  // namespace
}  // namespace assay::result
