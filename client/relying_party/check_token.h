// All checks that the receiver of an attestation result token owes, in one call.
//
// Promises: the key is one of those configured, found by the token's key id and never taken from the token; the algorithm
// is the key's; every claim is checked against the token's own profile, which must be one of those accepted; status is
// never better than what it sums up; time, issuer, audience, nonce and holder are checked whenever they are given, and a
// token that lacks the claim then fails. Nothing of a token that failed is returned.
// Does not promise: that the token was not revoked meanwhile, or not shown before: ask the verifier, or remember its jti.
// A status of `affirming` says nothing of trustworthiness claims that the token leaves out: list what you need in `demanded`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/clock.h"
#include "token/ear.h"
#include "token/jwk.h"

namespace assay::relying_party {

struct Expectation {
  std::vector<token::Jwk> keys;  // at least one
  std::vector<token::EarProfile> profiles = {token::EarProfile::kVeraison2023, token::EarProfile::kTrustee2024, token::EarProfile::kIetf03};
  Duration skew{60};                             // between the clocks of issuer and receiver
  std::optional<std::string> type = {};          // header typ
  std::optional<std::string> issuer = {};        // iss
  std::optional<std::string> verifier = {};      // developer of the verifier id
  std::optional<std::string> audience = {};      // one of aud
  std::optional<std::string> nonce = {};         // eat_nonce, as text
  std::optional<crypto::PublicKey> holder = {};  // proven by whoever presents the token; must be cnf
  std::vector<std::string> submodules = {};      // labels that must be there
  std::vector<std::string> demanded = {};        // trustworthiness claims that must be affirming in each
  bool affirming = true;                         // whether every submodule must be affirming
  bool warnings = false;                         // whether `warning` will do as well
};

// The claims of a token that passed every check; nullopt otherwise, and the log says why.
std::optional<token::EarClaims> CheckToken(std::string_view token, const Expectation& expectation, Time at, CheckLog& log);

// The same checks of a claims set that came without signature, where something else vouches for it.
bool CheckClaims(const token::EarClaims& claims, const Expectation& expectation, Time at, CheckLog& log);

}  // namespace assay::relying_party
