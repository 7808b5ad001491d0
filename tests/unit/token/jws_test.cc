#include "token/jws.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/base64.h"

namespace assay::token {
namespace {

std::string Encoded(std::string_view text) { return codec::ToBase64Url(AsBytes(text)); }
std::string Token(std::string_view header, std::string_view payload = "{}", std::string_view signature = "x") {
  return Cat(Encoded(header), ".", Encoded(payload), ".", Encoded(signature));
}

const crypto::PrivateKey& Key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
  return key;
}

TEST(Jws, WhatWasSignedVerifies) {
  const std::string token = SignJws(R"({"a":1})", "key-1", "JWT", Key());
  const Outcome<Jws> jws = ParseJws(token);
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->algorithm, "ES256");
  EXPECT_EQ(jws->key_id, "key-1");
  EXPECT_EQ(jws->type, "JWT");
  EXPECT_EQ(jws->payload, R"({"a":1})");
  CheckLog log;
  EXPECT_TRUE(VerifyJws(*jws, Key().public_key(), log));
  EXPECT_TRUE(log.findings().empty());
}

TEST(Jws, AnyOtherBitDoesNot) {
  const std::string token = SignJws(R"({"a":1})", "key-1", "JWT", Key());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const Outcome<Jws> jws = ParseJws(changed);
    CheckLog log;
    EXPECT_FALSE(jws && VerifyJws(*jws, Key().public_key(), log)) << i;
  }
}

TEST(Jws, AnotherKeyDoesNotVerifyIt) {
  const Outcome<Jws> jws = ParseJws(SignJws("{}", "k", "JWT", Key()));
  CheckLog log;
  EXPECT_FALSE(VerifyJws(*jws, crypto::PrivateKey::GenerateP256().public_key(), log));
  EXPECT_EQ(log.findings().front().reason, Reason::kTokenSignatureInvalid);
}

// attacks 33: alg none, alg from the header, HMAC with the public key as secret.
TEST(Jws, TheHeaderDoesNotChooseTheAlgorithm) {
  const std::string good = SignJws("{}", "k", "JWT", Key());
  const std::string rest = good.substr(good.find('.'));
  for (const char* algorithm : {"none", "None", "HS256", "ES384", "RS256", "PS256", "EdDSA", "es256", "ES256 "}) {
    const Outcome<Jws> jws = ParseJws(Cat(Encoded(Cat(R"({"alg":")", algorithm, R"("})")), rest));
    ASSERT_TRUE(jws) << algorithm;
    CheckLog log;
    EXPECT_FALSE(VerifyJws(*jws, Key().public_key(), log)) << algorithm;
    EXPECT_EQ(log.findings().front().reason, Reason::kTokenAlgorithmRefused) << algorithm;
  }
}

struct Refused {
  std::string token;
  Reason reason;
  const char* component;
};

TEST(Jws, WhatIsNoCompactJwsIsRefusedByName) {
  const Refused cases[] = {
      {"", Reason::kTokenMalformed, "token"},
      {"a.b", Reason::kTokenMalformed, "token"},
      {Cat(".", Token(R"({"alg":"ES256"})")), Reason::kTokenMalformed, "token"},
      {Cat(Token(R"({"alg":"ES256"})"), ".x"), Reason::kTokenMalformed, "token"},
      {std::string(60'000, '.'), Reason::kTokenMalformed, "token"},  // attacks 33: memory on many dots
      {"=.e30.eA", Reason::kTokenMalformed, "header"},
      {Cat(Encoded(R"({"alg":"ES256"})"), ".e30=.eA"), Reason::kTokenMalformed, "payload"},
      {Cat(Encoded(R"({"alg":"ES256"})"), ".e30.e+A"), Reason::kTokenMalformed, "signature"},
      {Cat(Encoded(R"({"alg":"ES256"})"), ".e30.eB"), Reason::kTokenMalformed, "signature"},  // spare bits
      {Token("[]"), Reason::kTokenMalformed, "header"},
      {Token("{"), Reason::kTokenMalformed, "header"},
      {Token(R"({"alg":"ES256","alg":"none"})"), Reason::kTokenMalformed, "header"},
      {Token("{}"), Reason::kTokenMalformed, "header.alg"},
      {Token(R"({"alg":7})"), Reason::kTokenMalformed, "header.alg"},
      {Token(R"({"alg":"ES256","kid":7})"), Reason::kTokenMalformed, "header.kid"},
      {Token(R"({"alg":"ES256","typ":[]})"), Reason::kTokenMalformed, "header.typ"},
      {Token(R"({"alg":"ES256","crit":["exp"]})"), Reason::kTokenAlgorithmRefused, "header.crit"},
      {Token(R"({"alg":"ES256","b64":false})"), Reason::kTokenAlgorithmRefused, "header.b64"},
      {std::string(kMaxTokenSize + 1, 'a'), Reason::kSizeOverLimit, "token"},
  };
  for (const Refused& refused : cases) {
    const Outcome<Jws> jws = ParseJws(refused.token);
    ASSERT_FALSE(jws) << refused.token.substr(0, 80);
    EXPECT_EQ(jws.findings().front().reason, refused.reason) << refused.token.substr(0, 80);
    EXPECT_EQ(jws.findings().front().component, refused.component) << refused.token.substr(0, 80);
  }
}

}  // namespace
}  // namespace assay::token
