// JSON Web Keys and key sets (RFC 7517): public EC keys on P-256 and P-384, and RSA keys, which can be endorsed but sign no
// tokens here.
//
// Promises: coordinates of exact length and on the curve; a key that carries its private half is refused; `use` other
// than "sig" and, for EC, `alg` other than the curve's are refused. Members that are not known are ignored, as section 4 demands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/clock.h"
#include "codec/json.h"
#include "crypto/certificate.h"
#include "crypto/public_key.h"

namespace assay::token {

struct Jwk {
  crypto::PublicKey key;
  std::string key_id;                             // "" if the JWK has none
  std::vector<crypto::Certificate> certificates;  // x5c, leaf first; may be empty
};

inline constexpr std::size_t kMostKeys = 64;
inline constexpr std::size_t kMostCertificates = 8;

// jwk_malformed, certificate_malformed, key_unsupported.
Outcome<Jwk> ReadJwk(const json::Value& tree, std::string_view component = "jwk");
// A JWK, a JWK set, or one PEM public key: what operators have at hand. At least one key; in a set, keys of kinds that are
// not supported are left out (section 5), malformed ones are not.
Outcome<std::vector<Jwk>> ReadKeys(std::string_view text, std::string_view component = "key");

// {"crv","kid","kty","use","alg","x","y"}. `key` is an EC key.
json::Value ToJwk(const crypto::PublicKey& key, std::string_view key_id);
// RFC 7638, base64url of SHA-256; `key` is an EC key.
std::string Thumbprint(const crypto::PublicKey& key);

// Whether a trusted certificate vouches for the key: x5c is there, its leaf is for this key, a path leads from it to one of
// `trusted`, and every certificate of that path is valid at `at`. Runs jwk.certified and jwk.window.
bool CheckEndorsement(const Jwk& jwk, std::span<const crypto::Certificate> trusted, Time at, CheckLog& log);

}  // namespace assay::token
