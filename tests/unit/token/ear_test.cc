#include "token/ear.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/strings.h"
#include "codec/json_writer.h"
#include "crypto/private_key.h"

namespace assay::token {
namespace {

EarClaims Sample(EarProfile profile) {
  EarClaims claims{.profile = profile, .verifier_developer = "dev", .verifier_build = "1", .issued_at = 1'700'000'000};
  claims.expires = 1'700'000'600;
  claims.not_before = 1'700'000'000;
  claims.issuer = "https://issuer.example";
  claims.subject = "node-1";
  claims.token_id = "0123";
  claims.audience = {"a", "b"};
  claims.nonce = "0123456789ab";
  claims.holder = crypto::PrivateKey::GenerateP256().public_key();
  if (profile == EarProfile::kIetf03) claims.status = Tier::kWarning;
  EarSubmodule submodule{.label = "sev-snp-report", .status = Tier::kWarning};
  submodule.vector[4] = std::int8_t{32};
  submodule.vector[0] = std::int8_t{2};
  submodule.has_vector = true;
  submodule.policy_ids = {"policy-1"};
  claims.submodules = {submodule};
  return claims;
}

TEST(Ear, EachDialectReadsWhatItWrites) {
  for (const EarProfileEntry& entry : AllEarProfiles()) {
    const EarClaims claims = Sample(entry.profile);
    const Outcome<EarClaims> again = ReadEar(WriteEar(claims));
    ASSERT_TRUE(again) << Describe(again.findings().front());
    EXPECT_EQ(again->profile, entry.profile);
    EXPECT_EQ(*json::Canonical(WriteEar(*again)), *json::Canonical(WriteEar(claims)));
    EXPECT_TRUE(again->holder == claims.holder);
    EXPECT_TRUE(Contradictions(*again).empty());
  }
}

TEST(Ear, DialectsDoNotMix) {
  std::string text = *json::Canonical(WriteEar(Sample(EarProfile::kVeraison2023)));
  const std::string_view deployed = UriOf(EarProfile::kVeraison2023);
  text.replace(text.find(deployed), deployed.size(), UriOf(EarProfile::kIetf03));
  const Outcome<EarClaims> claims = ReadEar(*json::Parse(text));
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.findings().front().reason, Reason::kTokenClaimMissing);
}

// AR4SI section 2.3.3, every boundary.
TEST(Ar4si, TiersOfValues) {
  const struct {
    int value;
    Tier tier;
  } cases[] = {{0, Tier::kNone},
               {1, Tier::kNone},
               {-1, Tier::kNone},
               {2, Tier::kAffirming},
               {31, Tier::kAffirming},
               {-2, Tier::kAffirming},
               {-32, Tier::kAffirming},
               {32, Tier::kWarning},
               {95, Tier::kWarning},
               {-33, Tier::kWarning},
               {-96, Tier::kWarning},
               {96, Tier::kContraindicated},
               {127, Tier::kContraindicated},
               {-97, Tier::kContraindicated},
               {-128, Tier::kContraindicated}};
  for (const auto& each : cases) EXPECT_EQ(TierOf(static_cast<std::int8_t>(each.value)), each.tier) << each.value;
}

constexpr std::string_view kDeployed =
    R"({"eat_profile":"tag:github.com,2023:veraison/ear","iat":1,"ear.verifier-id":{"developer":"d","build":"b"},"submods":{"s":{"ear.status":"affirming","ear.trustworthiness-vector":{"hardware":2}}}})";
constexpr std::string_view kDraft =
    R"({"eat_profile":"tag:ietf.org,2026:rats/ear#03","iat":1,"ear_verifier_id":{"developer":"d","build":"b"},"submods":{"s":{"ear_status":"affirming","ear_appraisal_policy_ids":["p"]}}})";

std::string Replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result(text);
  const std::size_t at = result.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return result.replace(at, what.size(), by);
}

TEST(Ear, RefusesByName) {
  const struct {
    std::string text;
    Reason reason;
    const char* claim;
  } cases[] = {
      {"[]", Reason::kTokenClaimInvalid, ""},
      {"{}", Reason::kTokenClaimMissing, "eat_profile"},
      {Replaced(kDeployed, "2023:veraison", "2022:veraison"), Reason::kTokenProfileUnknown, "eat_profile"},
      {Replaced(kDraft, "ear#03", "ear#04"), Reason::kTokenProfileUnknown, "eat_profile"},
      {Replaced(kDeployed, R"("iat":1,)", ""), Reason::kTokenClaimMissing, "iat"},
      {Replaced(kDeployed, R"("iat":1)", R"("iat":"1")"), Reason::kTokenClaimInvalid, "iat"},
      {Replaced(kDeployed, R"("iat":1)", R"("iat":-1)"), Reason::kTokenClaimInvalid, "iat"},
      {Replaced(kDeployed, R"("iat":1)", R"("iat":1.5)"), Reason::kTokenClaimInvalid, "iat"},
      {Replaced(kDeployed, R"("iat":1)", R"("iat":1e400)"), Reason::kTokenClaimInvalid, "iat"},
      {Replaced(kDeployed, R"("iat":1)", R"("iat":9223372036854775807)"), Reason::kTokenClaimInvalid, "iat"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1.0)"), Reason::kTokenClaimInvalid, "iat"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"exp":1e9)"), Reason::kTokenClaimInvalid, "exp"},
      {Replaced(kDeployed, R"("ear.verifier-id")", R"("ear_verifier_id")"), Reason::kTokenClaimMissing, "ear.verifier-id"},
      {Replaced(kDeployed, R"("developer":"d",)", ""), Reason::kTokenClaimMissing, "ear.verifier-id.developer"},
      {Replaced(kDeployed, R"("build":"b")", R"("build":7)"), Reason::kTokenClaimInvalid, "ear.verifier-id.build"},
      {Replaced(kDeployed, R"("build":"b")", R"("build":"b","x":1)"), Reason::kTokenClaimInvalid, "ear.verifier-id.x"},
      {Replaced(kDeployed, R"("iat":1)", R"("iat":1,"eat_nonce":"1234567")"), Reason::kTokenClaimInvalid, "eat_nonce"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"eat_nonce":"12345678901")"), Reason::kTokenClaimInvalid, "eat_nonce"},
      {Replaced(kDraft, R"("iat":1)", Cat(R"("iat":1,"eat_nonce":")", std::string(89, 'a'), R"(")")), Reason::kTokenClaimInvalid,
       "eat_nonce"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"eat_nonce":["123456789012"])"), Reason::kTokenClaimInvalid, "eat_nonce"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"aud":7)"), Reason::kTokenClaimInvalid, "aud"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"aud":[7])"), Reason::kTokenClaimInvalid, "aud"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"cnf":{"jwk":{"kty":"EC"}})"), Reason::kTokenClaimInvalid, "cnf.jwk.crv"},
      {Replaced(kDraft, R"("iat":1)", R"("iat":1,"ear_status":"good")"), Reason::kTokenClaimInvalid, "ear_status"},
      {Replaced(kDraft, R"("submods")", R"("submodules")"), Reason::kTokenClaimMissing, "submods"},
      {R"({"eat_profile":"tag:github.com,2023:veraison/ear","iat":1,"ear.verifier-id":{"developer":"d","build":"b"},"submods":{}})",
       Reason::kTokenClaimInvalid, "submods"},
      {Replaced(kDeployed, R"("ear.status":"affirming",)", ""), Reason::kTokenClaimMissing, "submods.s.ear.status"},
      {Replaced(kDeployed, R"("affirming")", R"("Affirming")"), Reason::kTokenClaimInvalid, "submods.s.ear.status"},
      {Replaced(kDeployed, R"("affirming")", "3"), Reason::kTokenClaimInvalid, "submods.s.ear.status"},
      {Replaced(kDeployed, R"("hardware":2)", R"("hardware":128)"), Reason::kTokenClaimInvalid,
       "submods.s.ear.trustworthiness-vector.hardware"},  // attacks 45: i8 wrap
      {Replaced(kDeployed, R"("hardware":2)", R"("hardware":-129)"), Reason::kTokenClaimInvalid,
       "submods.s.ear.trustworthiness-vector.hardware"},
      {Replaced(kDeployed, R"("hardware":2)", R"("hardware":2.0)"), Reason::kTokenClaimInvalid,
       "submods.s.ear.trustworthiness-vector.hardware"},
      {Replaced(kDraft, R"(["p"])", "[]"), Reason::kTokenClaimInvalid, "submods.s.ear_appraisal_policy_ids"},
      {Replaced(kDraft, R"(["p"])", R"("p")"), Reason::kTokenClaimInvalid, "submods.s.ear_appraisal_policy_ids"},
  };
  for (const auto& refused : cases) {
    const Outcome<json::Value> tree = json::Parse(refused.text);
    ASSERT_TRUE(tree) << refused.text;
    const Outcome<EarClaims> claims = ReadEar(*tree);
    ASSERT_FALSE(claims) << refused.text;
    EXPECT_EQ(claims.findings().front().reason, refused.reason) << refused.text;
    EXPECT_EQ(claims.findings().front().claim, refused.claim) << refused.text;
  }
}

TEST(Ear, AcceptsWhatTheDeployedProfileAllows) {
  for (const char* iat : {R"("iat":1.0)", R"("iat":1e9)", R"("iat":1.666529184e+09)", R"("iat":10e-1)", R"("iat":0.0)"}) {
    EXPECT_TRUE(ReadEar(*json::Parse(Replaced(kDeployed, R"("iat":1)", iat)))) << iat;
  }
  EXPECT_EQ(ReadEar(*json::Parse(Replaced(kDeployed, R"("iat":1)", R"("iat":1.666529184e+09)")))->issued_at, 1'666'529'184);
  for (const char* status : {"2", R"("2")", R"("affirming")"}) {
    EXPECT_TRUE(ReadEar(*json::Parse(Replaced(kDeployed, R"("affirming")", status)))) << status;
  }
  EXPECT_TRUE(ReadEar(*json::Parse(Replaced(kDeployed, R"("iat":1)", R"("iat":1,"unknown":{"x":[1.5]})")))) << "unknown claims are ignored";
}

// A receiver that believes the status alone is fooled by a token that contradicts itself.
TEST(Ear, AStatusIsNeverBetterThanWhatItSumsUp) {
  const Outcome<EarClaims> good = ReadEar(*json::Parse(kDeployed));
  EXPECT_TRUE(Contradictions(*good).empty());
  for (const char* vector : {R"("hardware":32)", R"("hardware":96)", R"("hardware":-97)", R"("something-new":96)"}) {
    const Outcome<EarClaims> claims = ReadEar(*json::Parse(Replaced(kDeployed, R"("hardware":2)", vector)));
    ASSERT_EQ(Contradictions(*claims).size(), 1U) << vector;
    EXPECT_EQ(Contradictions(*claims).front().reason, Reason::kTokenStatusInconsistent);
  }
  const std::string warning = Replaced(kDraft, R"("affirming")", R"("warning")");
  EXPECT_EQ(Contradictions(*ReadEar(*json::Parse(Replaced(warning, R"("iat":1)", R"("iat":1,"ear_status":"affirming")")))).size(), 1U);
  EXPECT_TRUE(Contradictions(*ReadEar(*json::Parse(Replaced(warning, R"("iat":1)", R"("iat":1,"ear_status":"contraindicated")")))).empty());
}

// The draft's CBOR keys, in a definite map: profile, iat, verifier id, one submodule.
std::string CborSample(std::string_view profile_hex) {
  return Cat("a4", "190109", profile_hex, "0601", "1903eca2006164016162", "19010aa16173a2", "1903e802", "1903e9a10402");
}

TEST(EarCbor, ReadsTheSameClaims) {
  const std::string deployed = Cat("7820", ToHex(AsBytes(UriOf(EarProfile::kVeraison2023))));
  const Outcome<cbor::Value> tree = cbor::Parse(*FromHex(CborSample(deployed)));
  ASSERT_TRUE(tree) << Describe(tree.findings().front());
  const Outcome<EarClaims> claims = ReadEar(*tree);
  ASSERT_TRUE(claims) << Describe(claims.findings().front());
  EXPECT_EQ(*json::Canonical(WriteEar(*claims)), *json::Canonical(*json::Parse(kDeployed)));
}

TEST(EarCbor, TextKeysDoNotStandInForRegisteredOnes) {
  // {"eat_profile": …, 6: 1}: the profile is text under a text key.
  const Outcome<cbor::Value> tree = cbor::Parse(
      *FromHex(Cat("a2", "6b", ToHex(AsBytes("eat_profile")), "7820", ToHex(AsBytes(UriOf(EarProfile::kVeraison2023))), "0601")));
  ASSERT_TRUE(tree);
  const Outcome<EarClaims> claims = ReadEar(*tree);
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.findings().front().reason, Reason::kTokenClaimMissing);
  EXPECT_FALSE(ReadEar(*cbor::Parse(*FromHex("80"))));
}

}  // namespace
}  // namespace assay::token
