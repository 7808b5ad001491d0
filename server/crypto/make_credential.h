// TPM2_MakeCredential without a TPM (TPM 2.0 part 1, section 24; key derivation: section 11.4.10): a secret that only the TPM
// which holds an endorsement key gives back, and only for an object of that Name in it.
//
// Promises: fresh randomness in each credential; nothing of the secret, or of the keys derived for it, stays in memory freed.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"

namespace assay::crypto {

struct EndorsementKey {
  PublicKey key;            // RSA, EC P-256 or P-384
  HashAlgorithm name_hash;  // nameAlg of its public area
  int symmetric_bits;       // of AES in CFB mode: 128 or 256
};

struct Credential {
  Bytes id_object;         // TPM2B_ID_OBJECT: what TPM2_ActivateCredential takes first
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET
};

// `object_name`: algorithm and digest. `secret`: 1 byte to as many as name_hash has. nullopt: an argument is not like that.
std::optional<Credential> MakeCredential(const EndorsementKey& endorsement_key, ByteView object_name, ByteView secret);

}  // namespace assay::crypto
