// Credential activation in the join protocol: which keys of its TPM a node names, the secret that is sealed for them, and what came back.
//
// Promises: nothing is remembered between the two calls: the secret follows from the challenge's nonce, both Names and the key that only
// verifiers have. Does not promise that the endorsement key is one of a real TPM: appraisal asks who vouches for it.
#pragma once

#include <optional>
#include <string_view>

#include "appraisal/tpm_state.h"
#include "assay/v1/evidence.pb.h"
#include "crypto/make_credential.h"
#include "evidence/tpm/public_area.h"
#include "service/challenge_codec.h"
#include "service/refusal.h"

namespace assay::service {

// The keys of a node's TPM as it named them, decoded and not believed.
struct NamedTpmKeys {
  std::optional<tpm::PublicArea> attestation_key;  // nullopt: not named
  std::optional<tpm::PublicArea> endorsement_key;  // nullopt: not named; never without an attestation key
};

// Refused: what does not decode, an endorsement key that could not keep a secret, or one without the attestation key that it is to
// vouch for.
Answer<NamedTpmKeys> ReadTpmKeys(const v1::AttesterKeys& keys);

// For the challenge of this nonce. Both keys are named.
Answer<crypto::Credential> SealSecret(const NamedTpmKeys& keys, ByteView nonce, const ChallengeCodec& codec);

// The same secret, and what came back. nullopt: no endorsement key is named, so none was sealed.
std::optional<appraisal::ActivationOutcome> RedeemSecret(const NamedTpmKeys& keys, const v1::AttesterKeys& named, ByteView nonce,
                                                         ByteView returned, const ChallengeCodec& codec);

}  // namespace assay::service
