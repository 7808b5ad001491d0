// Bearer tokens of an OpenID provider: the key set that it publishes, and what a token of its must be to name its bearer.
//
// Promises: a key of the set that the token's kid names alone, with the one algorithm that it is for: ES256, ES384, RS256 or PS256;
// whatever key the header carries or points to is ignored. Issuer, audience, dates and lifetime always. Nothing of a token that
// failed is returned, and no finding shows its signature.
// Does not promise: that who shows the token is whom it was issued to, or that it was not taken back. It is believed until exp.
// Source: RFC 7519, RFC 8725, RFC 9068 (typ), OpenID Connect Core section 2.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/clock.h"
#include "token/jws.h"

namespace assay::token {

inline constexpr std::size_t kMaxBearerSize = std::size_t{8} * 1024;
inline constexpr std::size_t kMaxProviderKeysSize = std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxSubjectSize = 256;

struct ProviderKey {
  crypto::PublicKey key;
  std::string key_id;  // never empty
  JwsAlgorithm algorithm;
};

// A JWK set. Keys that can sign no token here are left out: of other kinds or sizes, for encryption or another algorithm, without
// kid (RFC 7517 section 5); an RSA key without alg is for RS256. At least one key must remain. jwk_malformed: no such set, a
// malformed or a private key among them.
Outcome<std::vector<ProviderKey>> ReadProviderKeys(std::string_view text, std::string_view component = "jwks");

struct BearerExpectation {
  std::string issuer;                 // iss, compared whole
  std::string audience;               // one of aud
  std::string subject_claim = "sub";  // a text at the top of the claims set
  Duration skew{60};                  // between the clocks of provider and receiver
  Duration longest{3600};             // from iat to exp
};

struct Bearer {
  std::string subject;  // printable, 1 to kMaxSubjectSize bytes
  Time until;           // exp, and the skew: it is not believed from then on
};

// Whom the token names, if it passes every check; nullopt otherwise, and the log says why. Runs token.form to token.audience.
std::optional<Bearer> CheckBearer(std::string_view token, std::span<const ProviderKey> keys, const BearerExpectation& expectation, Time at,
                                  CheckLog& log);

}  // namespace assay::token
