// EAT Attestation Result (EAR): one model for the deployed profile (veraison/ear, Trustee) and for draft-ietf-rats-ear-03.
//
// Promises: ReadEar accepts a claims set only if every mandatory claim is there and every claim that it knows has a value
// that the set's own profile allows; claims that it does not know are ignored, as the drafts demand. Reading and writing
// share one table of names. Does not promise: that anybody signed it, that it is valid now, or that it does not contradict
// itself; client/relying_party checks those.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/outcome.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "crypto/public_key.h"

namespace assay::token {

// draft-ietf-rats-ar4si section 2.3.2.
enum class Tier : std::uint8_t { kNone = 0, kAffirming = 2, kWarning = 32, kContraindicated = 96 };
std::string_view NameOf(Tier tier);
Tier TierOf(std::int8_t value);  // of one trustworthiness claim
bool WorseThan(Tier a, Tier b);  // contraindicated > warning > affirming > none

inline constexpr std::size_t kTrustworthinessClaims = 8;
std::string_view TrustworthinessClaimName(std::size_t index);  // "instance-identity", … in the order of their CBOR keys

enum class EarProfile : std::uint8_t { kVeraison2023, kTrustee2024, kIetf03 };
struct EarProfileEntry {
  EarProfile profile;
  std::string_view uri;         // eat_profile, matched exactly
  std::string_view short_name;  // for command lines: "veraison", "trustee", "ietf-03"
};
std::array<EarProfileEntry, 3> AllEarProfiles();
std::string_view UriOf(EarProfile profile);

// One appraisal inside the token, under its label.
struct EarSubmodule {
  std::string label;
  Tier status = Tier::kNone;
  std::array<std::optional<std::int8_t>, kTrustworthinessClaims> vector = {};
  std::vector<std::pair<std::string, std::int8_t>> other_claims = {};  // of the vector, unknown by name
  bool has_vector = false;
  std::vector<std::string> policy_ids = {};  // the deployed profile has at most one
  std::optional<Bytes> attested_key = {};    // ear.veraison.key-attestation/akpub: DER SubjectPublicKeyInfo
};

// SHA-256 digests of what the verdict was made from; an extension of our own ("assay.inputs").
struct EarInputs {
  std::vector<Bytes> evidence;
  Bytes collateral, policy, appraisal;
};

struct EarClaims {
  EarProfile profile = EarProfile::kVeraison2023;
  std::string verifier_developer, verifier_build;
  std::int64_t issued_at = 0;  // iat; seconds since 1970, at most the year 9999
  std::optional<std::int64_t> expires = {}, not_before = {};
  std::string issuer = {}, subject = {}, token_id = {};  // iss, sub, jti; "" = absent
  std::vector<std::string> audience = {};
  std::optional<std::string> nonce = {};         // eat_nonce, as text
  std::optional<Tier> status = {};               // of the whole token (draft only)
  std::optional<crypto::PublicKey> holder = {};  // cnf/jwk, RFC 7800: EC keys
  std::vector<EarSubmodule> submodules = {};     // at least one
  std::optional<EarInputs> inputs = {};          // written; not read
};

// token_claim_missing, token_claim_invalid, token_profile_unknown; `name` is prefixed to the claim in findings.
Outcome<EarClaims> ReadEar(const json::Value& claims_set);
// The same claims set in CBOR (integer keys of the draft's section 3; statuses and vectors as numbers).
Outcome<EarClaims> ReadEar(const cbor::Value& claims_set);

// The claims set in the dialect of claims.profile. Optional claims that are absent are left out.
json::Value WriteEar(const EarClaims& claims);

// What speaks against the claims set's consistency: a submodule better than its vector, the whole better than a submodule.
// Empty: nothing. token_status_inconsistent.
std::vector<Finding> Contradictions(const EarClaims& claims);

}  // namespace assay::token
