#include "token/jwk.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/pem.h"
#include "crypto/private_key.h"

namespace assay::token {
namespace {

const crypto::PublicKey& Key() {
  static const crypto::PublicKey key = crypto::PrivateKey::GenerateP256().public_key();
  return key;
}

json::Value With(std::string_view name, json::Value value) {
  json::Value jwk = json::Value::MakeObject();
  const json::Value good = ToJwk(Key(), "id");
  for (const json::Member& member : *good.AsObject()) {
    if (member.name != name) jwk.Add(member.name, member.value);
  }
  if (!value.IsNull()) jwk.Add(name, std::move(value));
  return jwk;
}

TEST(Jwk, ReadsWhatItWrites) {
  const Outcome<Jwk> jwk = ReadJwk(ToJwk(Key(), "id"));
  ASSERT_TRUE(jwk);
  EXPECT_TRUE(jwk->key == Key());
  EXPECT_EQ(jwk->key_id, "id");
}

// RFC 7517 appendix A.1 and RFC 7638 section 3.1 (an RSA key): members and digests as published.
TEST(Jwk, ReadsTheExamplesOfTheRfc) {
  const auto keys = ReadKeys(R"({"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
      "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}]})");
  ASSERT_FALSE(keys) << "use is enc: not for signatures";
  EXPECT_EQ(keys.findings().front().reason, Reason::kJwkMalformed);
  EXPECT_EQ(keys.findings().front().component, "key.keys[0].use");
  const auto rsa = ReadKeys(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
  ASSERT_TRUE(rsa);
  EXPECT_EQ(rsa->front().key.bits(), 2048);
}

TEST(Jwk, TheThumbprintIsOverTheRequiredMembersInOrder) {
  const json::Value jwk = ToJwk(Key(), "id");
  json::Value required = json::Value::MakeObject();
  for (const char* name : {"crv", "kty", "x", "y"}) required.Add(name, *jwk.Find(name));
  EXPECT_EQ(Thumbprint(Key()), codec::ToBase64Url(crypto::Sha256(AsBytes(*json::Canonical(required)))));
}

TEST(Jwk, ReadsPemToo) {
  const auto keys = ReadKeys(codec::EncodePem("PUBLIC KEY", Key().spki()));
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->front().key == Key());
  EXPECT_FALSE(ReadKeys("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
}

TEST(Jwk, RefusesByName) {
  const std::string x = *ToJwk(Key(), "").Find("x")->AsString();
  const struct {
    json::Value jwk;
    Reason reason;
    const char* component;
  } cases[] = {
      {json::Value::MakeArray(), Reason::kJwkMalformed, "jwk"},
      {With("d", json::Value::String("AA")), Reason::kJwkMalformed, "jwk.d"},
      {With("kty", json::Value::String("oct")), Reason::kKeyUnsupported, "jwk.kty"},
      {With("kty", json::Value::Null()), Reason::kKeyUnsupported, "jwk.kty"},
      {With("crv", json::Value::String("P-521")), Reason::kKeyUnsupported, "jwk.crv"},
      {With("crv", json::Value::String("P-384")), Reason::kJwkMalformed, "jwk.x"},
      {With("x", json::Value::Null()), Reason::kJwkMalformed, "jwk.x"},
      {With("x", json::Value::String(x + "=")), Reason::kJwkMalformed, "jwk.x"},
      {With("x", json::Value::String("AA" + x)), Reason::kJwkMalformed, "jwk.x"},
      {With("y", json::Value::String(x)), Reason::kJwkMalformed, "jwk.x"},  // not on the curve
      {With("alg", json::Value::String("ES384")), Reason::kJwkMalformed, "jwk.alg"},
      {With("use", json::Value::String("enc")), Reason::kJwkMalformed, "jwk.use"},
      {With("x5c", json::Value::MakeArray()), Reason::kJwkMalformed, "jwk.x5c"},
      {With("x5c", json::Value::String("AA")), Reason::kJwkMalformed, "jwk.x5c"},
  };
  for (const auto& refused : cases) {
    const Outcome<Jwk> jwk = ReadJwk(refused.jwk);
    ASSERT_FALSE(jwk) << refused.component;
    EXPECT_EQ(jwk.findings().front().reason, refused.reason) << refused.component;
    EXPECT_EQ(jwk.findings().front().component, refused.component);
  }
}

TEST(Jwk, ASetLeavesOutWhatIsNotSupportedAndRefusesWhatIsBroken) {
  const std::string good = *json::Canonical(ToJwk(Key(), "id"));
  EXPECT_EQ(ReadKeys(Cat(R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"},)", good, "]}"))->size(), 1U);
  EXPECT_FALSE(ReadKeys(R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]})"));
  EXPECT_FALSE(ReadKeys(Cat(R"({"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},)", good, "]}")));
  EXPECT_FALSE(ReadKeys(R"({"keys":[]})"));
  EXPECT_FALSE(ReadKeys("nonsense"));
}

TEST(Jwk, AnRsaKeyNeedsItsWholeForm) {
  for (const char* text : {R"({"kty":"RSA","n":"","e":"AQAB"})", R"({"kty":"RSA","e":"AQAB"})", R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
                           R"({"kty":"RSA","n":"AQAB","e":"Aw"})", R"({"kty":"RSA","n":"AQAB"})"}) {
    EXPECT_FALSE(ReadKeys(text)) << text;
  }
}

// attacks 34: x5c beside a key that it is not for. (Chains and windows: the vectors' ear-endorsement cases.)
TEST(Jwk, AnEndorsementIsForTheKeyItStandsBeside) {
  const Time now = *ParseTime("2026-11-24T00:00:00Z");
  const crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
  const auto certificate = crypto::Certificate::FromDer(*key.SelfSignedCertificate("issuer", now, now + Duration{60}));
  CheckLog log;
  EXPECT_FALSE(CheckEndorsement({Key(), "", {*certificate}}, {&*certificate, 1}, now, log));
  EXPECT_EQ(log.findings().front().reason, Reason::kTokenKeyNotCertified);
  CheckLog none;
  EXPECT_FALSE(CheckEndorsement({Key(), "", {}}, {&*certificate, 1}, now, none));
  EXPECT_EQ(none.findings().front().reason, Reason::kCertificateMissing);
  CheckLog good;
  EXPECT_TRUE(CheckEndorsement({key.public_key(), "", {*certificate}}, {&*certificate, 1}, now, good));
  CheckLog late;
  EXPECT_FALSE(CheckEndorsement({key.public_key(), "", {*certificate}}, {&*certificate, 1}, now + Duration{61}, late));
  EXPECT_EQ(late.findings().front().reason, Reason::kExpired);
}

}  // namespace
}  // namespace assay::token
