// Bearer tokens and the key sets of their providers: any text is refused, or read; no text is a token of a key that it was not
// signed with; a claims set, whoever signed it, is refused or names somebody who can be shown.
#include "base/bug.h"
#include "base/strings.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/provider/openid_provider.h"
#include "token/bearer.h"

namespace assay {
namespace {

const Time kNow = *ParseTime("2026-11-24T12:00:00Z");

const provider::Key& Key() {
  static const provider::Key key = provider::Key::Make("ES256");
  return key;
}

const std::vector<token::ProviderKey>& KeysOf(const provider::Key& key) {
  static const std::vector<token::ProviderKey> keys = *token::ReadProviderKeys(provider::KeySet(key.Jwk("k")));
  return keys;
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() {
  const std::string claims = provider::ClaimsAt(kNow).Text();
  std::vector<Bytes> seeds;
  for (const std::string& seed :
       {claims, Key().Sign(provider::Header("ES256", "k"), claims), provider::Header("ES256", "k", R"("typ":"at+jwt")"),
        provider::KeySet(Key().Jwk("k", R"("use":"sig")")), provider::KeySet(provider::Key::Make("RS256").Jwk("r", R"("alg":"PS256")"))}) {
    seeds.push_back(ToBytes(AsBytes(seed)));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = AsText({data, size});
  const token::BearerExpectation expectation{.issuer = "https://idp.example", .audience = "assay"};
  // No seed is signed by this key.
  static const std::vector<token::ProviderKey> strangers =
      *token::ReadProviderKeys(provider::KeySet(provider::Key::Make("ES256").Jwk("k")));
  CheckLog refused;
  ASSAY_CHECK(!token::CheckBearer(text, strangers, expectation, kNow, refused).has_value() && !refused.findings().empty());
  // As header, and as claims set, of a token that is signed well.
  for (const std::string& token : {Key().Sign(text, provider::ClaimsAt(kNow).Text()), Key().Sign(provider::Header("ES256", "k"), text)}) {
    CheckLog log;
    const auto bearer = token::CheckBearer(token, KeysOf(Key()), expectation, kNow, log);
    ASSAY_CHECK(bearer.has_value() == log.findings().empty());
    if (bearer) ASSAY_CHECK(!bearer->subject.empty() && Printable(bearer->subject) == bearer->subject && bearer->until > kNow);
  }
  if (const auto keys = token::ReadProviderKeys(text)) {
    ASSAY_CHECK(!keys->empty() && keys->size() <= 64);
    for (const token::ProviderKey& key : *keys) ASSAY_CHECK(!key.key_id.empty() && token::Fits(key.algorithm, key.key));
  }
  return 0;
}

}  // namespace assay
