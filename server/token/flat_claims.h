// The flat JWT: what a node may log in with where an OIDC token is asked for (Kubernetes structured authentication).
//
// Promises: ReadFlat accepts a claims set only if every claim of ours is there with a value that it can have; dates are whole
// numbers, as Kubernetes demands. Claims that it does not know are ignored (RFC 7519 section 4). Reading and writing share
// one table of names. Does not promise: that anybody signed it or that it is valid now; client/relying_party checks those.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "codec/json.h"
#include "crypto/public_key.h"

namespace assay::token {

inline constexpr std::string_view kFlatSubjectPrefix = "attested-node:";  // then the instance identity, 64 hexadecimal digits

struct FlatClaims {
  std::string issuer = {}, subject = {}, token_id = {};     // iss, sub, jti
  std::vector<std::string> audience = {};                   // at least one
  std::int64_t issued_at = 0, not_before = 0, expires = 0;  // iat, nbf, exp; seconds since 1970, at most the year 9999
  std::optional<crypto::PublicKey> holder = {};             // cnf/jwk, RFC 7800: EC keys
  // The claim "att".
  bool warnings = false;  // verdict: TRUSTED, or TRUSTED_WITH_WARNINGS
  bool simulated = false;
  std::string platform = {}, policy_set = {}, policy = {};
  char strength = 'E';                                // A (strongest) to E
  Bytes node_key_sha256 = {}, appraisal_sha256 = {};  // 32 bytes each
  std::vector<Bytes> evidence = {};                   // SHA-256 of each item, at least one
};

// token_claim_missing, token_claim_invalid.
Outcome<FlatClaims> ReadFlat(const json::Value& claims_set);
json::Value WriteFlat(const FlatClaims& claims);

}  // namespace assay::token
