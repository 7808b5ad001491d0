#include "client/relying_party/check_flat_token.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "client/relying_party/check_token.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "crypto/private_key.h"
#include "token/jws.h"

namespace assay::relying_party {
namespace {

using token::FlatClaims;

const Time kNow = *ParseTime("2026-11-24T12:00:00Z");
const std::int64_t kNowSeconds = kNow.time_since_epoch().count();

class CheckFlatTokenTest : public testing::Test {
 protected:
  using Only = std::vector<Reason>;

  CheckFlatTokenTest() {
    claims_ = {.issuer = "https://assay.example",
               .subject = "attested-node:" + std::string(64, 'a'),
               .token_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV",
               .audience = {"cluster-a"},
               .issued_at = kNowSeconds - 10,
               .not_before = kNowSeconds - 10,
               .expires = kNowSeconds + 300,
               .holder = node_.public_key(),
               .platform = "qemu_sev_snp",
               .policy_set = "workers",
               .policy = "snp",
               .strength = 'B',
               .node_key_sha256 = Bytes(32, 1),
               .appraisal_sha256 = Bytes(32, 2),
               .evidence = {Bytes(32, 3)}};
    expectation_ = {.keys = {{signer_.public_key(), "k1", {}}},
                    .issuer = "https://assay.example",
                    .audience = "cluster-a",
                    .skew = Duration{0},
                    .policy_set = "workers",
                    .holder = node_.public_key(),
                    .least_strength = 'B'};
  }

  std::string Payload() const { return *json::Canonical(token::WriteFlat(claims_)); }
  std::string Token() const { return Signed(Payload()); }
  std::string Signed(std::string_view payload) const { return token::SignJws(payload, "k1", "JWT", signer_); }
  static std::string Replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << "the test looks for what is not there: " << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
  Only Refusals(std::string_view text, Time at = kNow) const {
    CheckLog log;
    const auto claims = CheckFlatToken(text, expectation_, at, log);
    Only reasons;
    for (const Finding& finding : log.findings()) reasons.push_back(finding.reason);
    EXPECT_EQ(claims.has_value(), reasons.empty());
    return reasons;
  }
  Only Refusals() const { return Refusals(Token()); }

  crypto::PrivateKey signer_ = crypto::PrivateKey::GenerateP256(), node_ = crypto::PrivateKey::GenerateP256();
  FlatClaims claims_;
  FlatExpectation expectation_;
};

TEST_F(CheckFlatTokenTest, AGoodTokenPassesAndSaysWhatItSaid) {
  CheckLog log;
  const auto claims = CheckFlatToken(Token(), expectation_, kNow, log);
  ASSERT_TRUE(claims) << Describe(log.findings().front());
  EXPECT_EQ(*json::Canonical(token::WriteFlat(*claims)), Payload()) << "no claim is lost on the way";
  EXPECT_EQ(claims->subject, claims_.subject);
  EXPECT_EQ(claims->strength, 'B');
  EXPECT_EQ(claims->evidence, claims_.evidence);
  claims_.audience = {"x", "cluster-a"};
  EXPECT_EQ(Refusals(), Only{});
  EXPECT_EQ(Refusals(Signed(Replaced(Payload(), "{", R"({"nonce":"x",)"))), Only{}) << "unknown claims are ignored";
}

TEST_F(CheckFlatTokenTest, TheKeyIsAConfiguredOne) {
  const std::string token = Token();
  const crypto::PrivateKey other = crypto::PrivateKey::GenerateP256();
  expectation_.keys = {{other.public_key(), "k0", {}}, {signer_.public_key(), "k1", {}}};
  EXPECT_EQ(Refusals(token), Only{});
  expectation_.keys = {{other.public_key(), "k1", {}}};
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenSignatureInvalid});
  expectation_.keys = {{signer_.public_key(), "k2", {}}};
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenKeyUnknown});
  expectation_.keys.clear();
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenKeyUnknown});
}

// RFC 8725 section 3.1: the header does not choose.
TEST_F(CheckFlatTokenTest, TheAlgorithmIsTheKeys) {
  for (const std::string_view algorithm : {"none", "HS256", "RS256", "ES384", "EdDSA", "es256"}) {
    const std::string header = Cat(R"({"alg":")", algorithm, R"(","kid":"k1","typ":"JWT"})");
    const std::string input = Cat(codec::ToBase64Url(AsBytes(header)), ".", codec::ToBase64Url(AsBytes(Payload())));
    EXPECT_EQ(Refusals(Cat(input, ".", codec::ToBase64Url(signer_.SignP1363(AsBytes(input))))), Only{Reason::kTokenAlgorithmRefused})
        << algorithm;
    EXPECT_EQ(Refusals(Cat(input, ".")), Only{Reason::kTokenAlgorithmRefused}) << algorithm;
  }
  const std::string token = Token();
  EXPECT_EQ(Refusals(token.substr(0, token.rfind('.') + 1)), Only{Reason::kTokenSignatureInvalid});
}

TEST_F(CheckFlatTokenTest, NothingOfItWasChanged) {
  const std::string token = Token();
  const std::size_t first = token.find('.'), second = token.find('.', first + 1);
  const std::string forged = Replaced(Payload(), "cluster-a", "cluster-b");
  expectation_.audience = "cluster-b";
  EXPECT_EQ(Refusals(Cat(token.substr(0, first + 1), codec::ToBase64Url(AsBytes(forged)), token.substr(second))),
            Only{Reason::kTokenSignatureInvalid});
  for (const std::string_view text : {"", ".", "..", "a.b", "a.b.c.d"}) EXPECT_EQ(Refusals(text), Only{Reason::kTokenMalformed}) << text;
  EXPECT_EQ(Refusals(Cat(token, "=")), Only{Reason::kTokenMalformed});
  EXPECT_EQ(Refusals(std::string(token::kMaxTokenSize + 1, 'a')), Only{Reason::kSizeOverLimit});
}

TEST_F(CheckFlatTokenTest, TimesAreJudgedToTheSecond) {
  const std::string token = Token();
  EXPECT_EQ(Refusals(token, kNow + Duration{299}), Only{});
  EXPECT_EQ(Refusals(token, kNow + Duration{300}), Only{Reason::kTokenExpired}) << "RFC 7519: on or after exp";
  EXPECT_EQ(Refusals(token, kNow - Duration{10}), Only{});
  EXPECT_EQ(Refusals(token, kNow - Duration{11}), (Only{Reason::kTokenNotYetValid, Reason::kTokenNotYetValid})) << "iat and nbf";
  expectation_.skew = Duration{5};
  EXPECT_EQ(Refusals(token, kNow + Duration{304}), Only{});
  EXPECT_EQ(Refusals(token, kNow + Duration{305}), Only{Reason::kTokenExpired});
  claims_.not_before = kNowSeconds + 6;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotYetValid});
}

TEST_F(CheckFlatTokenTest, NoTokenLivesLongerThanItMay) {
  claims_.expires = claims_.issued_at + 600;
  EXPECT_EQ(Refusals(), Only{});
  claims_.expires = claims_.issued_at + 601;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid});
  expectation_.skew = Duration{3600};
  claims_.expires = claims_.issued_at;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid}) << "nor ends before it begins";
  claims_.issued_at = 0;
  claims_.expires = 253'402'300'799;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid});
}

TEST_F(CheckFlatTokenTest, IssuerAndAudienceAreNeverOptional) {
  claims_.issuer = "https://assay.example/";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenIssuerMismatch}) << "exactly";
  claims_.issuer = "simulated:https://assay.example";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenIssuerMismatch});
  claims_.issuer = expectation_.issuer;
  claims_.audience = {"cluster-b", "cluster-a2"};
  EXPECT_EQ(Refusals(), Only{Reason::kTokenAudienceMismatch});
  claims_.audience = {"cluster-a"};
  const std::string token = Token();
  expectation_.issuer.clear();
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenIssuerMismatch}) << "an expectation that was left out expects nothing that can be";
  expectation_.audience.clear();
  EXPECT_EQ(Refusals(token), (Only{Reason::kTokenIssuerMismatch, Reason::kTokenAudienceMismatch}));
}

// attacks 36: another node's key does not do.
TEST_F(CheckFlatTokenTest, OnlyTheHolderPresentsIt) {
  claims_.holder = crypto::PrivateKey::GenerateP256().public_key();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenHolderMismatch});
  claims_.holder.reset();
  EXPECT_EQ(Refusals(), Only{Reason::kTokenHolderMismatch}) << "a token without the claim fails";
  expectation_.holder.reset();
  EXPECT_EQ(Refusals(), Only{});
}

TEST_F(CheckFlatTokenTest, WhatWasAttestedMustBeEnough) {
  claims_.warnings = true;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming});
  expectation_.warnings = true;
  EXPECT_EQ(Refusals(), Only{});
  claims_.simulated = true;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming}) << "whatever will do besides";
  claims_.simulated = false;
  for (const char strength : {'C', 'D', 'E'}) {
    claims_.strength = strength;
    EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming}) << strength;
  }
  claims_.strength = 'A';
  EXPECT_EQ(Refusals(), Only{});
  claims_.policy_set = "control-planes";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotAffirming});
}

TEST_F(CheckFlatTokenTest, TheTypeIsTheExpectedOne) {
  EXPECT_EQ(Refusals(token::SignJws(Payload(), "k1", "eat+jwt", signer_)), Only{Reason::kTokenMalformed});
  const std::string header = R"({"alg":"ES256","kid":"k1"})";
  const std::string input = Cat(codec::ToBase64Url(AsBytes(header)), ".", codec::ToBase64Url(AsBytes(Payload())));
  const std::string untyped = Cat(input, ".", codec::ToBase64Url(signer_.SignP1363(AsBytes(input))));
  EXPECT_EQ(Refusals(untyped), Only{Reason::kTokenMalformed});
  expectation_.type.reset();
  EXPECT_EQ(Refusals(untyped), Only{});
}

// The same key signs both kinds, for the same audience: neither may be taken for the other (RFC 8725 section 2.8).
TEST_F(CheckFlatTokenTest, AnEarIsNoFlatTokenNorTheOtherWayRound) {
  token::EarClaims ear{.profile = token::EarProfile::kVeraison2023,
                       .verifier_developer = "assay",
                       .verifier_build = "0.1.0",
                       .issued_at = claims_.issued_at};
  ear.expires = claims_.expires;
  ear.not_before = claims_.not_before;
  ear.issuer = claims_.issuer;
  ear.audience = claims_.audience;
  ear.token_id = claims_.token_id;
  ear.holder = claims_.holder;
  ear.submodules = {{.label = "sev-snp-report", .status = token::Tier::kAffirming}};
  EXPECT_EQ(Refusals(Signed(*json::Canonical(token::WriteEar(ear)))), Only{Reason::kTokenClaimMissing});
  CheckLog log;
  EXPECT_FALSE(CheckToken(Token(), {.keys = expectation_.keys}, kNow, log));
  EXPECT_EQ(log.findings().front().reason, Reason::kTokenClaimMissing);
}

TEST_F(CheckFlatTokenTest, EveryClaimIsMandatoryButTheHolder) {
  const json::Value set = json::Parse(Payload()).value();
  const auto without = [](const json::Value& object, std::string_view name) {
    json::Value rest = json::Value::MakeObject();
    for (const json::Member& member : *object.AsObject()) {
      if (member.name != name) rest.Add(member.name, member.value);
    }
    return rest;
  };
  expectation_.holder.reset();
  int tried = 0;
  for (const json::Member& member : *set.AsObject()) {
    EXPECT_EQ(Refusals(Signed(*json::Canonical(without(set, member.name)))),
              member.name == "cnf" ? Only{} : Only{Reason::kTokenClaimMissing})
        << member.name;
    ++tried;
  }
  for (const json::Member& member : *set.Find("att")->AsObject()) {
    json::Value changed = without(set, "att");
    changed.Add("att", without(*set.Find("att"), member.name));
    EXPECT_EQ(Refusals(Signed(*json::Canonical(changed))), Only{Reason::kTokenClaimMissing}) << member.name;
    ++tried;
  }
  EXPECT_EQ(tried, 18);
}

TEST_F(CheckFlatTokenTest, ClaimsHaveOnlyTheValuesThatTheyCanHave) {
  const std::string payload = Payload(), digest = std::string(64, 'a'), ones = [] {
    std::string text;
    for (int i = 0; i < 32; ++i) text += "01";
    return text;
  }();
  const std::string exp = Cat("\"exp\":", claims_.expires), evidence = Cat(
                                                                "\"evidence_sha256\":[\"",
                                                                [] {
                                                                  std::string text;
                                                                  for (int i = 0; i < 32; ++i) text += "03";
                                                                  return text;
                                                                }(),
                                                                "\"]");
  struct Change {
    std::string from, to;
  };
  for (const Change& change : std::vector<Change>{
           {R"("iss":"https://assay.example")", R"("iss":"")"},
           {R"("iss":"https://assay.example")", R"("iss":["https://assay.example"])"},
           {R"("jti":"01ARZ3NDEKTSV4RRFFQ69G5FAV")", R"("jti":7)"},
           {exp, Cat(exp, ".0")},
           {exp, Cat(exp, "e0")},
           {exp, Cat("\"exp\":\"", claims_.expires, "\"")},
           {exp, "\"exp\":-1"},
           {exp, "\"exp\":253402300800"},
           {exp, "\"exp\":18446744073709551615"},
           {exp, "\"exp\":null"},
           {R"("aud":"cluster-a")", R"("aud":[])"},
           {R"("aud":"cluster-a")", R"("aud":"")"},
           {R"("aud":"cluster-a")", R"("aud":["cluster-a",7])"},
           {R"("aud":"cluster-a")", R"("aud":{"cluster-a":true})"},
           {R"("aud":"cluster-a")", R"("aud":["cluster-a","","","","","","","","","","","","","","","",""])"},
           {Cat("attested-node:", digest), digest},
           {Cat("attested-node:", digest), "system:node:x"},
           {Cat("attested-node:", digest), "attested-node:"},
           {Cat("attested-node:", digest), Cat("attested-node:", std::string(64, 'A'))},
           {Cat("attested-node:", digest), Cat("attested-node:", digest, "aa")},
           {R"("cnf":{"jwk":)", R"("cnf":{"jkt":)"},
           {R"("kty":"EC")", R"("kty":"oct")"},
           {R"("kty":"EC")", R"("d":"AAAA","kty":"EC")"},
           {R"("att":{)", R"("att":7,"x":{)"},
           {R"("verdict":"TRUSTED")", R"("verdict":"REJECTED")"},
           {R"("verdict":"TRUSTED")", R"("verdict":"INDETERMINATE")"},
           {R"("verdict":"TRUSTED")", R"("verdict":"trusted")"},
           {R"("verdict":"TRUSTED")", R"("verdict":true)"},
           {R"("strength":"B")", R"("strength":"F")"},
           {R"("strength":"B")", R"("strength":"AB")"},
           {R"("strength":"B")", R"("strength":"")"},
           {R"("strength":"B")", R"("strength":2)"},
           {R"("simulated":false)", R"("simulated":"false")"},
           {R"("simulated":false)", R"("simulated":0)"},
           {R"("platform":"qemu_sev_snp")", R"("platform":"")"},
           {R"("policy_set":"workers")", R"("policy_set":["workers"])"},
           {ones, ones.substr(2)},
           {ones, ones + "01"},
           {Cat("\"", ones, "\""), "1"},
           {evidence, "\"evidence_sha256\":[]"},
           {evidence, "\"evidence_sha256\":\"\""},
           {evidence, "\"evidence_sha256\":[\"\"]"},
       }) {
    EXPECT_EQ(Refusals(Signed(Replaced(payload, change.from, change.to))), Only{Reason::kTokenClaimInvalid})
        << change.from << " → " << change.to;
  }
  for (const std::string_view text : {"", "nonsense", "{}{}", R"({"iss":"a","iss":"b"})"}) {
    EXPECT_EQ(Refusals(Signed(text)), Only{Reason::kTokenMalformed}) << text;
  }
  EXPECT_EQ(Refusals(Signed("[]")), Only{Reason::kTokenClaimInvalid});
  EXPECT_EQ(Refusals(Signed("{}")), Only{Reason::kTokenClaimMissing});
}

}  // namespace
}  // namespace assay::relying_party
