// Tokens: any text is refused or read; a claims set that was read is the same after it was written and read again.
#include "base/bug.h"
#include "base/strings.h"
#include "client/relying_party/check_token.h"
#include "codec/json_writer.h"
#include "tests/fuzz/fuzzer.h"
#include "token/jws.h"

namespace assay {
namespace {

constexpr std::string_view kClaims =
    R"({"eat_profile":"tag:github.com,2023:veraison/ear","iat":1,"exp":1e9,"aud":["a"],"ear.verifier-id":{"developer":"d","build":"b"},"eat_nonce":"12345678","submods":{"s":{"ear.status":"affirming","ear.trustworthiness-vector":{"hardware":2,"x":-1}}}})";

const crypto::PrivateKey& Key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
  return key;
}

void CheckRoundTrip(const Outcome<token::EarClaims>& claims) {
  if (!claims) {
    ASSAY_CHECK(claims.findings().size() == 1);
    return;
  }
  const Outcome<std::string> written = json::Canonical(token::WriteEar(*claims));
  ASSAY_CHECK(written.ok());
  const Outcome<token::EarClaims> again = token::ReadEar(*json::Parse(*written));
  ASSAY_CHECK(again.ok() && *json::Canonical(token::WriteEar(*again)) == *written);
  token::Contradictions(*claims);
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  std::vector<Bytes> seeds;
  seeds.push_back(ToBytes(AsBytes(kClaims)));
  seeds.push_back(ToBytes(AsBytes(token::SignJws(kClaims, "k", "JWT", Key()))));
  seeds.push_back(ToBytes(AsBytes(*json::Canonical(token::ToJwk(Key().public_key(), "k")))));
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes{data, size};
  const std::string_view text = AsText(bytes);
  // What an attacker sends is never accepted, whatever it is: no seed is signed by this key.
  static const relying_party::Expectation expectation{.keys = {{crypto::PrivateKey::GenerateP256().public_key(), "", {}}},
                                                      .affirming = false};
  CheckLog log;
  ASSAY_CHECK(!relying_party::CheckToken(text, expectation, Time{}, log).has_value() && !log.findings().empty());
  if (const auto tree = json::Parse(text)) CheckRoundTrip(token::ReadEar(*tree));
  if (const auto tree = cbor::Parse(bytes, "fuzz", {.indefinite = true})) CheckRoundTrip(token::ReadEar(*tree));
  if (const auto keys = token::ReadKeys(text)) {
    for (const token::Jwk& jwk : *keys) {
      if (!token::AlgorithmFor(jwk.key).empty()) ASSAY_CHECK(token::ReadJwk(token::ToJwk(jwk.key, jwk.key_id))->key == jwk.key);
    }
  }
  return 0;
}

}  // namespace assay
