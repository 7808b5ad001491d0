// From an Appraisal to an EAR: which of the eight trustworthiness claims follow from what was appraised.
//
// Promises: a pure function. Claims that speak for the node follow from an authentic appraisal that trusts it, and only
// those that its bindings and features carry; each finding speaks against the claim that its reason names
// (docs/reasons.md). No status is better than its vector, INDETERMINATE is `none` throughout, strength D and E never has an
// affirming runtime-opaque, and what was waived is at best `warning`. Times: iat is the time of appraisal; exp is the
// verdict's own end, at most ten minutes later.
#pragma once

#include <optional>
#include <string>

#include "assay/v1/verdict_record.pb.h"
#include "crypto/public_key.h"
#include "token/ear.h"

namespace assay::result {

inline constexpr std::int64_t kLongestTokenLifetime = 600;  // seconds; DESIGN, "Credentials"

struct Issue {
  std::string issuer;
  token::EarProfile profile = token::EarProfile::kVeraison2023;
  Bytes nonce;                                // of the challenge; becomes eat_nonce in base64url
  std::optional<crypto::PublicKey> node_key;  // becomes cnf if it is an EC key; a token for another kind of key has none
};

token::EarClaims EarOf(const v1::VerdictRecord& record, const Issue& issue);

}  // namespace assay::result
