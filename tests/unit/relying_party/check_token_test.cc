#include "client/relying_party/check_token.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "crypto/private_key.h"
#include "token/jws.h"

namespace assay::relying_party {
namespace {

using token::EarClaims;
using token::EarProfile;
using token::EarSubmodule;
using token::Tier;

const Time kNow = *ParseTime("2026-11-24T12:00:00Z");
const std::int64_t kNowSeconds = kNow.time_since_epoch().count();

class CheckTokenTest : public testing::Test {
 protected:
  CheckTokenTest() {
    claims_.issued_at = kNowSeconds - 10;
    claims_.expires = kNowSeconds + 300;
    claims_.issuer = "https://assay.example";
    claims_.audience = {"cluster-a"};
    claims_.nonce = "0123456789abcdef";
    claims_.holder = node_.public_key();
    EarSubmodule submodule{.label = "sev-snp-report", .status = Tier::kAffirming};
    submodule.vector[4] = std::int8_t{2};
    submodule.has_vector = true;
    claims_.submodules = {submodule};
    expectation_.keys = {{signer_.public_key(), "k1", {}}};
    expectation_.skew = Duration{0};
    expectation_.issuer = "https://assay.example";
    expectation_.verifier = "assay";
    expectation_.audience = "cluster-a";
    expectation_.nonce = "0123456789abcdef";
    expectation_.holder = node_.public_key();
    expectation_.submodules = {"sev-snp-report"};
    expectation_.demanded = {"hardware"};
  }

  std::string Token() const { return token::SignJws(*json::Canonical(token::WriteEar(claims_)), "k1", "JWT", signer_); }

  std::vector<Reason> Refusals(std::string_view text, Time at = kNow) const {
    CheckLog log;
    const auto claims = CheckToken(text, expectation_, at, log);
    std::vector<Reason> reasons;
    for (const Finding& finding : log.findings()) reasons.push_back(finding.reason);
    EXPECT_EQ(claims.has_value(), reasons.empty());
    return reasons;
  }
  std::vector<Reason> Refusals() const { return Refusals(Token()); }
  using Only = std::vector<Reason>;

  crypto::PrivateKey signer_ = crypto::PrivateKey::GenerateP256(), node_ = crypto::PrivateKey::GenerateP256();
  EarClaims claims_{.profile = EarProfile::kVeraison2023, .verifier_developer = "assay", .verifier_build = "0.1.0"};
  Expectation expectation_;
};

TEST_F(CheckTokenTest, AGoodTokenPassesInBothDialects) {
  EXPECT_EQ(Refusals(), Only{});
  claims_.profile = EarProfile::kIetf03;
  claims_.status = Tier::kAffirming;
  EXPECT_EQ(Refusals(), Only{});
}

TEST_F(CheckTokenTest, WithoutKeysNothingPasses) {
  const std::string token = Token();
  expectation_.keys.clear();
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenKeyUnknown});
}

// attacks 34: the key comes from the configuration, never from the token's own header.
TEST_F(CheckTokenTest, AKeyInTheHeaderDoesNotCount) {
  const crypto::PrivateKey attacker = crypto::PrivateKey::GenerateP256();
  json::Value header = json::Value::MakeObject();
  header.Add("alg", json::Value::String("ES256"));
  header.Add("kid", json::Value::String("k1"));
  header.Add("jwk", token::ToJwk(attacker.public_key(), "k1"));
  const std::string input = Cat(codec::ToBase64Url(AsBytes(*json::Canonical(header))), ".",
                                codec::ToBase64Url(AsBytes(*json::Canonical(token::WriteEar(claims_)))));
  EXPECT_EQ(Refusals(Cat(input, ".", codec::ToBase64Url(attacker.SignP1363(AsBytes(input))))), Only{Reason::kTokenSignatureInvalid});
}

TEST_F(CheckTokenTest, TheKeyIdChoosesAmongTheConfiguredKeys) {
  const crypto::PrivateKey other = crypto::PrivateKey::GenerateP256();
  expectation_.keys = {{other.public_key(), "k0", {}}, {signer_.public_key(), "k1", {}}};
  EXPECT_EQ(Refusals(), Only{});
  expectation_.keys = {{signer_.public_key(), "k0", {}}, {other.public_key(), "k1", {}}};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenSignatureInvalid});
  expectation_.keys = {{signer_.public_key(), "k2", {}}};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenKeyUnknown});
  expectation_.keys = {{signer_.public_key(), "", {}}};
  EXPECT_EQ(Refusals(), Only{}) << "one key without an id";
  expectation_.keys = {{signer_.public_key(), "", {}}, {other.public_key(), "", {}}};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenKeyUnknown}) << "nothing is tried out";
}

TEST_F(CheckTokenTest, TimesAreJudgedToTheSecond) {
  const std::string token = Token();
  EXPECT_EQ(Refusals(token, kNow + Duration{299}), Only{});
  EXPECT_EQ(Refusals(token, kNow + Duration{300}), Only{Reason::kTokenExpired}) << "RFC 7519: on or after exp";
  EXPECT_EQ(Refusals(token, kNow - Duration{10}), Only{});
  EXPECT_EQ(Refusals(token, kNow - Duration{11}), Only{Reason::kTokenNotYetValid});
  expectation_.skew = Duration{5};
  EXPECT_EQ(Refusals(token, kNow + Duration{304}), Only{});
  EXPECT_EQ(Refusals(token, kNow + Duration{305}), Only{Reason::kTokenExpired});
  claims_.not_before = kNowSeconds + 6;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotYetValid});
}

TEST_F(CheckTokenTest, IssuerVerifierAudience) {
  expectation_.issuer = "https://other.example";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenIssuerMismatch});
  expectation_.issuer = "https://assay.example";
  expectation_.verifier = "other";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenIssuerMismatch});
  expectation_.verifier = "assay";
  expectation_.audience = "cluster-b";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenAudienceMismatch});
  claims_.audience = {"x", "cluster-b"};
  EXPECT_EQ(Refusals(), Only{});
  claims_.audience.clear();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenAudienceMismatch}) << "a token without the claim fails";
}

// attacks 36: a token is not a bearer credential; another node's key does not do.
TEST_F(CheckTokenTest, NonceAndHolder) {
  claims_.nonce = "0123456789abcdee";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNonceMismatch});
  claims_.nonce.reset();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNonceMismatch});
  claims_.nonce = expectation_.nonce;
  claims_.holder = crypto::PrivateKey::GenerateP256().public_key();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenHolderMismatch});
  claims_.holder.reset();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenHolderMismatch});
}

TEST_F(CheckTokenTest, OnlyAffirmingWillDo) {
  for (const Tier tier : {Tier::kNone, Tier::kWarning, Tier::kContraindicated}) {
    claims_.submodules.front().status = tier;
    // `none` is a status that is better than an affirming claim only by number: no contradiction, but not affirming.
    const std::vector<Reason> reasons = Refusals();
    EXPECT_FALSE(reasons.empty());
    EXPECT_EQ(reasons.back(), Reason::kTokenNotAffirming);
  }
  claims_.submodules.front().status = Tier::kWarning;
  expectation_.warnings = true;
  EXPECT_EQ(Refusals(), Only{});
  claims_.submodules.push_back({.label = "tpm-quote", .status = Tier::kContraindicated});
  EXPECT_FALSE(Refusals().empty()) << "every submodule counts";
}

TEST_F(CheckTokenTest, AnAffirmingStatusSaysNothingOfClaimsThatAreLeftOut) {
  claims_.submodules.front().vector[4].reset();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming});
  claims_.submodules.front().vector[4] = std::int8_t{0};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming});
  expectation_.demanded = {"no-such-claim"};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming});
}

TEST_F(CheckTokenTest, ContradictionsProfilesLabelsTypes) {
  claims_.submodules.front().vector[4] = std::int8_t{96};
  const std::vector<Reason> reasons = Refusals();
  EXPECT_EQ(reasons.front(), Reason::kTokenStatusInconsistent);
  claims_.submodules.front().vector[4] = std::int8_t{2};
  expectation_.profiles = {EarProfile::kIetf03};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenProfileUnknown});
  expectation_.profiles.clear();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenProfileUnknown}) << "an empty list denies";
  expectation_.profiles = {EarProfile::kVeraison2023};
  expectation_.submodules = {"dcap-quote"};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming});
  expectation_.submodules.clear();
  expectation_.type = "eat+jwt";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenMalformed});
}

TEST_F(CheckTokenTest, APayloadThatIsNoEarIsRefusedThoughItIsSigned) {
  EXPECT_EQ(Refusals(token::SignJws("nonsense", "k1", "JWT", signer_)), Only{Reason::kTokenMalformed});
  EXPECT_EQ(Refusals(token::SignJws("{}", "k1", "JWT", signer_)), Only{Reason::kTokenClaimMissing});
  EXPECT_EQ(Refusals(token::SignJws(R"({"iat":1,"iat":2})", "k1", "JWT", signer_)), Only{Reason::kTokenMalformed});
}

}  // namespace
}  // namespace assay::relying_party
