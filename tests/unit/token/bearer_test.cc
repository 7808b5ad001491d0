#include "token/bearer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "tests/provider/openid_provider.h"

namespace assay::token {
namespace {

using provider::ClaimsSet;
using provider::Header;
using provider::Key;
using testing::HasSubstr;

const Time kNow = *ParseTime("2026-11-24T12:00:00Z");
const std::int64_t kNowSeconds = kNow.time_since_epoch().count();

// Made once: RSA keys take their time.
const Key& KeyOf(std::string_view kind) {
  static const std::vector<Key> keys = [] {
    std::vector<Key> made;
    for (const std::string_view each : {"ES256", "ES384", "RS256", "PS256", "rsa1024", "rsa-exponent-3", "p521"}) {
      made.push_back(Key::Make(each));
    }
    return made;
  }();
  return *std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.kind() == kind; });
}

class BearerTest : public testing::Test {
 protected:
  using Only = std::vector<Reason>;

  BearerTest() {
    std::string jwks;
    for (const std::string_view kind : {"ES256", "ES384", "RS256", "PS256"}) {
      jwks += Cat(jwks.empty() ? "" : ",", KeyOf(kind).Jwk(kind, Cat(R"("alg":")", kind, R"(","use":"sig")")));
    }
    keys_ = *ReadProviderKeys(provider::KeySet(jwks));
  }

  std::string Token(std::string_view kind = "ES256") const { return KeyOf(kind).Sign(Header(kind, kind), claims_.Text()); }
  std::string WithHeader(std::string_view header) const { return KeyOf("ES256").Sign(header, claims_.Text()); }
  Only Refusals(std::string_view text, Time at = kNow) const {
    CheckLog log;
    const auto bearer = CheckBearer(text, keys_, expectation_, at, log);
    Only reasons;
    for (const Finding& finding : log.findings()) {
      reasons.push_back(finding.reason);
      const std::string signature(text.substr(text.rfind('.') + 1, 32));
      if (signature.size() == 32) { EXPECT_THAT(Describe(finding), testing::Not(HasSubstr(signature))) << "a finding shows the signature"; }
    }
    EXPECT_EQ(bearer.has_value(), reasons.empty());
    return reasons;
  }
  Only Refusals() const { return Refusals(Token()); }

  ClaimsSet claims_ = provider::ClaimsAt(kNow);
  std::vector<ProviderKey> keys_;
  BearerExpectation expectation_{.issuer = "https://idp.example", .audience = "assay"};
};

TEST_F(BearerTest, AGoodTokenNamesItsBearer) {
  for (const std::string_view kind : {"ES256", "ES384", "RS256", "PS256"}) {
    CheckLog log;
    const auto bearer = CheckBearer(Token(kind), keys_, expectation_, kNow, log);
    ASSERT_TRUE(bearer) << kind << ": " << Describe(log.findings().front());
    EXPECT_EQ(bearer->subject, "alice");
    EXPECT_EQ(bearer->until, kNow + Duration{660});
  }
  for (const std::string_view type : {"JWT", "at+jwt", ""}) {
    EXPECT_EQ(Refusals(WithHeader(Header("ES256", "ES256", Cat(R"("typ":")", type, "\"")))), Only{}) << type;
  }
  claims_.audience = R"(["other","assay"])";
  EXPECT_EQ(Refusals(), Only{});
  claims_.more = R"("groups":["a"],"kubernetes.io":{"namespace":"n"})";
  EXPECT_EQ(Refusals(), Only{}) << "unknown claims are ignored";
}

TEST_F(BearerTest, TheSubjectComesFromTheClaimThatWasConfigured) {
  claims_.more = R"("email":"a@example")";
  expectation_.subject_claim = "email";
  CheckLog log;
  EXPECT_EQ(CheckBearer(Token(), keys_, expectation_, kNow, log)->subject, "a@example");
  expectation_.subject_claim = "upn";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimMissing});
}

// RFC 8725 sections 2.1, 3.1: the header does not choose, not even among what is accepted elsewhere.
TEST_F(BearerTest, Attack033_TheAlgorithmIsTheKeysAndNeverTheHeaders) {
  const std::string payload = claims_.Text();
  for (const std::string_view algorithm :
       {"none", "None", "NONE", "HS256", "HS512", "RS256", "PS256", "ES384", "ES512", "EdDSA", "es256", "RS512"}) {
    const std::string token = WithHeader(Header(algorithm, "ES256"));
    EXPECT_EQ(Refusals(token), Only{Reason::kTokenAlgorithmRefused}) << algorithm;
    EXPECT_EQ(Refusals(token.substr(0, token.rfind('.') + 1)), Only{Reason::kTokenAlgorithmRefused}) << algorithm << ", without signature";
  }
  // HMAC under the published key, the classic confusion.
  const std::string input = Cat(codec::ToBase64Url(AsBytes(Header("HS256", "RS256"))), ".", codec::ToBase64Url(AsBytes(payload)));
  for (const ProviderKey& key : keys_) {
    EXPECT_EQ(Refusals(Cat(input, ".", codec::ToBase64Url(crypto::HmacSha256(key.key.spki(), AsBytes(input))))),
              Only{Reason::kTokenAlgorithmRefused});
  }
  // An RSA key is for one of its two paddings.
  EXPECT_EQ(Refusals(KeyOf("RS256").Sign(Header("PS256", "RS256"), payload, "PS256")), Only{Reason::kTokenAlgorithmRefused});
  EXPECT_EQ(Refusals(KeyOf("PS256").Sign(Header("RS256", "PS256"), payload, "RS256")), Only{Reason::kTokenAlgorithmRefused});
  EXPECT_EQ(Refusals(KeyOf("RS256").Sign(Header("RS256", "RS256"), payload, "PS256")), Only{Reason::kTokenSignatureInvalid});
  // CVE-2025-30204, CVE-2025-27144: many dots cost one pass.
  EXPECT_EQ(Refusals(std::string(kMaxBearerSize, '.')), Only{Reason::kTokenMalformed});
}

TEST_F(BearerTest, Attack034_NoKeyComesFromTheToken) {
  const Key stranger = Key::Make("ES256");
  const std::string jwk = stranger.Jwk("ES256");
  for (const std::string& header : {Cat(R"("jwk":)", jwk), std::string(R"("jku":"https://evil.example/jwks")"),
                                    std::string(R"("x5u":"https://evil.example/c.pem")"), std::string(R"("x5c":["MIIB"])")}) {
    EXPECT_EQ(Refusals(stranger.Sign(Header("ES256", "ES256", header), claims_.Text())), Only{Reason::kTokenSignatureInvalid}) << header;
    EXPECT_EQ(Refusals(stranger.Sign(Header("ES256", "stranger", header), claims_.Text())), Only{Reason::kTokenKeyUnknown}) << header;
  }
  EXPECT_EQ(Refusals(stranger.Sign(Cat(R"({"alg":"ES256","jwk":)", jwk, "}"), claims_.Text())), Only{Reason::kTokenKeyUnknown});
}

// Who is meant stands in one place: no other claim, and no deeper one, can take its part.
TEST_F(BearerTest, Attack035_ClaimsAreReadFromOnePlace) {
  claims_.subject = "";
  for (const std::string_view elsewhere : {R"("email":"alice","preferred_username":"alice","name":"alice")", R"("claims":{"sub":"alice"})",
                                           R"("SUB":"alice")", R"("Sub":"alice")"}) {
    claims_.more = elsewhere;
    EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimMissing}) << elsewhere;
  }
  claims_.more = R"("a":{"b":"alice"},"a.b":"bob")";
  expectation_.subject_claim = "a.b";
  CheckLog log;
  EXPECT_EQ(CheckBearer(Token(), keys_, expectation_, kNow, log)->subject, "bob") << "a name, not a path";
  expectation_.subject_claim = "sub";
  claims_.more = R"("sub":"alice","sub":"bob")";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenMalformed}) << "twice is never once";
}

// What is left of a stolen token's worth: one audience, one provider, a short life.
TEST_F(BearerTest, Attack036_ABearerTokenIsForOneAudienceAndSoonOver) {
  claims_.audience = "somebody-else";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenAudienceMismatch});
  claims_ = provider::ClaimsAt(kNow);
  EXPECT_EQ(Refusals(Token(), kNow + Duration{659}), Only{});
  EXPECT_EQ(Refusals(Token(), kNow + Duration{660}), Only{Reason::kTokenExpired});
  claims_.expires = kNowSeconds + 3600;
  EXPECT_EQ(Refusals(), Only{});
  claims_.expires = kNowSeconds + 3601;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid}) << "no token lives longer than the configuration allows";
  claims_.expires = 0;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimMissing}) << "nor for ever";
}

TEST_F(BearerTest, TheKidNamesExactlyOneKey) {
  const std::string token = Token();
  EXPECT_EQ(Refusals(WithHeader(Header("ES256", "es256"))), Only{Reason::kTokenKeyUnknown}) << "case counts";
  EXPECT_EQ(Refusals(WithHeader(Header("ES256", ""))), Only{Reason::kTokenKeyUnknown});
  EXPECT_EQ(Refusals(WithHeader(R"({"alg":"ES256"})")), Only{Reason::kTokenKeyUnknown}) << "not even with one key";
  EXPECT_EQ(Refusals(WithHeader(R"({"alg":"ES256","kid":7})")), Only{Reason::kTokenMalformed});
  keys_.push_back(keys_.front());
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenKeyUnknown}) << "two of one name are none";
  keys_.erase(keys_.begin() + 1, keys_.end());
  EXPECT_EQ(Refusals(token), Only{});
  EXPECT_EQ(Refusals(WithHeader(R"({"alg":"ES256"})")), Only{Reason::kTokenKeyUnknown});
  keys_.clear();
  EXPECT_EQ(Refusals(token), Only{Reason::kTokenKeyUnknown});
}

TEST_F(BearerTest, TheHeaderIsPlain) {
  for (const std::string_view type : {"jwt", "JOSE", "ext+jwt", "logout+jwt", "secevent+jwt"}) {
    EXPECT_EQ(Refusals(WithHeader(Header("ES256", "ES256", Cat(R"("typ":")", type, "\"")))), Only{Reason::kTokenMalformed}) << type;
  }
  EXPECT_EQ(Refusals(WithHeader(Header("ES256", "ES256", R"("crit":["exp"],"exp":1)"))), Only{Reason::kTokenAlgorithmRefused});
  EXPECT_EQ(Refusals(WithHeader(Header("ES256", "ES256", R"("crit":[])"))), Only{Reason::kTokenAlgorithmRefused});
  EXPECT_EQ(Refusals(WithHeader(Header("ES256", "ES256", R"("b64":false)"))), Only{Reason::kTokenAlgorithmRefused});
  EXPECT_EQ(Refusals(WithHeader(R"({"alg":"ES256","alg":"ES256","kid":"ES256"})")), Only{Reason::kTokenMalformed});
  EXPECT_EQ(Refusals(WithHeader(R"([])")), Only{Reason::kTokenMalformed});
}

TEST_F(BearerTest, NothingOfItWasChanged) {
  for (const std::string_view kind : {"ES256", "ES384", "RS256", "PS256"}) {
    const std::string token = Token(kind);
    const std::size_t first = token.find('.'), second = token.rfind('.');
    ClaimsSet forged = claims_;
    forged.subject = "root";
    EXPECT_EQ(Refusals(Cat(token.substr(0, first + 1), codec::ToBase64Url(AsBytes(forged.Text())), token.substr(second))),
              Only{Reason::kTokenSignatureInvalid})
        << kind;
    EXPECT_EQ(Refusals(token.substr(0, second + 1)), Only{Reason::kTokenSignatureInvalid}) << kind;
    EXPECT_EQ(Refusals(Cat(token, "=")), Only{Reason::kTokenMalformed}) << kind;
    EXPECT_EQ(Refusals(Cat(token, "\n")), Only{Reason::kTokenMalformed}) << kind;
    EXPECT_EQ(Refusals(Key::Make(kind).Sign(Header(kind, kind), claims_.Text())), Only{Reason::kTokenSignatureInvalid})
        << kind << " of a stranger";
  }
  for (const std::string_view text : {"", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "opaque"}) {
    EXPECT_EQ(Refusals(text), Only{Reason::kTokenMalformed}) << text;
  }
}

TEST_F(BearerTest, ATokenHasAtMost8KiB) {
  claims_.more = R"("x":"")";
  const std::string padding(static_cast<std::size_t>((kMaxBearerSize - Token().size()) * 3 / 4), 'x');
  claims_.more = Cat(R"("x":")", padding, "\"");
  ASSERT_LE(Token().size(), kMaxBearerSize);
  EXPECT_EQ(Refusals(), Only{});
  claims_.more = Cat(R"("x":")", padding, "xxxx\"");
  ASSERT_GT(Token().size(), kMaxBearerSize);
  EXPECT_EQ(Refusals(), Only{Reason::kSizeOverLimit});
}

TEST_F(BearerTest, TheIssuerIsComparedWhole) {
  for (const std::string_view issuer :
       {"https://idp.example/", "https://idp.exampl", "https://IDP.example", "http://idp.example", "https://idp.example.evil"}) {
    claims_.issuer = issuer;
    EXPECT_EQ(Refusals(), Only{Reason::kTokenIssuerMismatch}) << issuer;
  }
  claims_.issuer = R"(["https://idp.example"])";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid});
  claims_.issuer = "";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimMissing});
}

// CVE-2020-26160 and its kin: an audience of another type is none.
TEST_F(BearerTest, TheAudienceIsOneOfThoseNamed) {
  for (const std::string_view audience : {"Assay", "assay2", "assa", R"(["a","b"])", R"(["assay "])"}) {
    claims_.audience = audience;
    EXPECT_EQ(Refusals(), Only{Reason::kTokenAudienceMismatch}) << audience;
  }
  for (const std::string_view audience : {"[]", R"([""])", R"(["assay",1])", R"([["assay"]])", R"({"assay":true})", R"("")"}) {
    claims_.audience = audience;
    EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid}) << audience;
  }
  claims_.audience = "[\"assay\"";
  for (std::size_t i = 1; i <= 16; ++i) claims_.audience += ",\"x\"";
  claims_.audience += "]";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid});
  claims_.audience = "";
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimMissing});
}

TEST_F(BearerTest, DatesAreThereAndWholeAndNow) {
  EXPECT_EQ(Refusals(Token(), kNow - Duration{60}), Only{}) << "a minute of skew";
  EXPECT_EQ(Refusals(Token(), kNow - Duration{61}), Only{Reason::kTokenNotYetValid});
  claims_.not_before = kNowSeconds + 60;
  EXPECT_EQ(Refusals(), Only{});
  claims_.not_before = kNowSeconds + 61;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenNotYetValid});
  claims_ = provider::ClaimsAt(kNow);
  claims_.issued_at = 0;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimMissing});
  claims_ = provider::ClaimsAt(kNow);
  claims_.expires = claims_.issued_at;
  EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid}) << "lives for no time at all";
  for (const std::string_view date : {"1e9", "1.5", "-1", R"("1795521600")", "null", "true", "99999999999999999999", "253402300800"}) {
    for (const std::string_view name : {"iat", "exp", "nbf"}) {
      claims_ = provider::ClaimsAt(kNow);
      if (name == "iat") claims_.issued_at = 0;
      if (name == "exp") claims_.expires = 0;
      claims_.more = Cat("\"", name, "\":", date);
      EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid}) << name << " " << date;
    }
  }
}

TEST_F(BearerTest, ASubjectIsShortPrintableText) {
  for (const std::string& subject : {std::string(R"("")"), std::string(R"(["alice"])"), std::string(R"({"a":1})"), std::string(R"("a\nb")"),
                                     std::string(R"("a\u001b[31m")"), std::string(R"("a\u0000")"), std::string(kMaxSubjectSize + 1, 'x')}) {
    claims_.subject = subject;
    EXPECT_EQ(Refusals(), Only{Reason::kTokenClaimInvalid}) << subject;
  }
  claims_.subject = std::string(kMaxSubjectSize, 'x');
  EXPECT_EQ(Refusals(), Only{});
}

TEST_F(BearerTest, ThePayloadIsOneObject) {
  for (const std::string_view payload : {"", "[]", "null", "7", "{", "{}{}", R"({"iss":"a","iss":"b"})", "\xff"}) {
    EXPECT_THAT(Refusals(KeyOf("ES256").Sign(Header("ES256", "ES256"), payload)),
                testing::ElementsAre(testing::AnyOf(Reason::kTokenMalformed, Reason::kTokenClaimInvalid)))
        << payload;
  }
}

std::vector<std::string> KeyIds(std::string_view jwks) {
  std::vector<std::string> ids;
  const auto keys = ReadProviderKeys(provider::KeySet(jwks));
  if (!keys) return {Cat("! ", Describe(keys.findings().front()))};
  for (const ProviderKey& key : *keys) ids.push_back(Cat(key.key_id, "=", NameOf(key.algorithm)));
  return ids;
}

TEST(ProviderKeys, KeysThatCantSignHereAreLeftOut) {
  const std::string good = KeyOf("ES256").Jwk("good");
  for (const std::string& other :
       {KeyOf("rsa1024").Jwk("k"), KeyOf("rsa-exponent-3").Jwk("k"), KeyOf("p521").Jwk("k"), KeyOf("RS256").Jwk("k", R"("use":"enc")"),
        KeyOf("RS256").Jwk("k", R"("alg":"RSA-OAEP","use":"enc")"), KeyOf("RS256").Jwk("k", R"("alg":"RS512")"), KeyOf("ES256").Jwk(""),
        std::string(R"({"kty":"oct","k":"AAAA","kid":"k"})"), std::string(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"k"})")}) {
    EXPECT_THAT(KeyIds(Cat(other, ",", good)), testing::ElementsAre("good=ES256")) << other;
    EXPECT_THAT(KeyIds(other),
                testing::ElementsAre(HasSubstr("expected at least one key with kid for ES256, ES384, RS256 or PS256, actual none")))
        << other;
  }
  EXPECT_THAT(KeyIds(KeyOf("RS256").Jwk("k")), testing::ElementsAre("k=RS256")) << "what RSA keys are for where nobody says";
  EXPECT_THAT(KeyIds(KeyOf("RS256").Jwk("k", R"("alg":"PS256")")), testing::ElementsAre("k=PS256"));
  EXPECT_THAT(KeyIds(KeyOf("ES384").Jwk("k")), testing::ElementsAre("k=ES384"));
}

TEST(ProviderKeys, WhatIsNoKeySetIsRefused) {
  const std::string good = KeyOf("ES256").Jwk("good");
  for (const std::string& bad : {KeyOf("ES256").Jwk("k", R"("d":"AAAA")"), KeyOf("RS256").Jwk("k", R"("d":"AAAA","use":"enc")"),
                                 KeyOf("ES256").Jwk("k", R"("alg":"ES384")"), std::string("7"),
                                 std::string(R"({"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"k"})")}) {
    EXPECT_THAT(KeyIds(Cat(good, ",", bad)), testing::ElementsAre(HasSubstr("jwks.keys[1]"))) << bad;
  }
  for (const std::string& text : {std::string(), std::string("{}"), std::string("[]"), good, std::string(R"({"keys":{}})"),
                                  std::string(R"({"keys":[]})"), std::string("<html>"), std::string(kMaxProviderKeysSize + 1, ' ')}) {
    const auto keys = ReadProviderKeys(text);
    ASSERT_FALSE(keys) << text.substr(0, 64);
    EXPECT_EQ(keys.findings().front().reason, Reason::kJwkMalformed) << text.substr(0, 64);
  }
  std::string many = good;
  for (int i = 0; i < 64; ++i) many += Cat(",", good);
  EXPECT_THAT(KeyIds(many), testing::ElementsAre(HasSubstr("a list of at most 64 keys, actual 65")));
}

}  // namespace
}  // namespace assay::token
