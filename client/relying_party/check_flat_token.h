// All checks that the receiver of a flat JWT owes, in one call. Kubernetes does most of them by itself; this is for others.
//
// Promises: as check_token.h, for flat tokens: a configured key found by key id, the algorithm is the key's; issuer and
// audience always; no token that lives longer than `longest`, none from a simulated verifier, and unless warnings will do
// none whose verdict has any. Nothing of a token that failed is returned.
// Does not promise: that the token was not revoked meanwhile, or not shown before. Without `holder` it is a bearer token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/clock.h"
#include "token/flat_claims.h"
#include "token/jwk.h"

namespace assay::relying_party {

struct FlatExpectation {
  std::vector<token::Jwk> keys;                  // at least one
  std::string issuer;                            // iss
  std::string audience;                          // one of aud: the cluster
  Duration skew{60};                             // between the clocks of issuer and receiver
  Duration longest{600};                         // from iat to exp
  std::optional<std::string> type = "JWT";       // header typ
  std::optional<std::string> policy_set = {};    // att.policy_set
  std::optional<crypto::PublicKey> holder = {};  // proven by whoever presents the token; must be cnf
  char least_strength = 'E';                     // att.strength, A to E: this or stronger
  bool warnings = false;                         // whether TRUSTED_WITH_WARNINGS will do as well
};

// The claims of a token that passed every check; nullopt otherwise, and the log says why.
std::optional<token::FlatClaims> CheckFlatToken(std::string_view token, const FlatExpectation& expectation, Time at, CheckLog& log);

}  // namespace assay::relying_party
