// The challenge that evidence has to answer.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::trust {

// Demanded: the carrier must contain exactly the value for its kind, in full length. A carrier kind for which nothing was
// demanded is not fresh. NotDemanded exists offline only; freshness then shows as skipped, and unless the caller accepted
// that beforehand the verdict is INDETERMINATE.
class Challenge {
 public:
  struct Values {
    std::optional<ByteArray<64>> report_data;  // SEV-SNP report, TDX and SGX quote
    std::optional<Bytes> nonce;                // TPM extraData, Nitro nonce; compared literally; empty is none
    // SHA-256 of the SubjectPublicKeyInfo of the node's key, to which the values above commit: whoever answers them has said
    // that this key is its own. They determine it, so it is no part of Digest().
    std::optional<crypto::Sha256Digest> node_key_sha256 = {};
    // SHA-256 of the TPM2B_PUBLIC of the attestation key to which they commit as well; none where they commit to no such key.
    std::optional<crypto::Sha256Digest> tpm_ak_sha256 = {};
  };

  static Challenge Demanded(Values values) { return Challenge(std::move(values), false); }
  static Challenge NotDemanded(bool accepted) { return Challenge(std::nullopt, accepted); }

  bool demanded() const { return values_.has_value(); }
  bool absence_accepted() const { return absence_accepted_; }
  const Values& values() const { return *values_; }  // only if demanded()
  crypto::Sha256Digest Digest() const;

 private:
  Challenge(std::optional<Values> values, bool absence_accepted) : values_(std::move(values)), absence_accepted_(absence_accepted) {}
  std::optional<Values> values_;
  bool absence_accepted_;
};

}  // namespace assay::trust
