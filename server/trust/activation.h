// Credential activation (TPM 2.0 part 1, section 24): a secret sealed to one key of a TPM for an object of another name comes back
// only from a TPM that holds both.
//
// Promises: an Activation exists only if the secret came back, whole; it is good for that key and that name and for no other
// pair. Does not promise: that the key it was sealed to is one of a real TPM (whoever vouches for that key says so), nor
// freshness: a quote has its own nonce.
#pragma once

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"

namespace assay::trust {

inline constexpr std::size_t kActivationSecretSize = 32;

struct SealedSecret {
  crypto::Sha256Digest sealed_to;  // SHA-256 of the SubjectPublicKeyInfo of the endorsement key
  Bytes name;                      // of the object that it was sealed for
  Bytes secret;                    // 32 random bytes, used once
};

class Activation {
 public:
  // nullopt: what was returned is not the secret, in full length.
  static std::optional<Activation> Redeem(const SealedSecret& sealed, ByteView returned) {
    if (sealed.secret.size() != kActivationSecretSize || !EqualConstantTime(sealed.secret, returned)) return std::nullopt;
    return Activation(sealed.sealed_to, sealed.name);
  }

  // One that was redeemed before, as the state of its appraisal has it. Only for state that the verifier itself kept.
  static Activation Recorded(const crypto::Sha256Digest& sealed_to, Bytes name) { return Activation(sealed_to, std::move(name)); }

  bool IsOf(const crypto::PublicKey& endorsement_key, ByteView name) const {
    return endorsement_key.spki_sha256() == sealed_to_ && !name_.empty() && Equal(name, name_);
  }

 private:
  Activation(const crypto::Sha256Digest& sealed_to, Bytes name) : sealed_to_(sealed_to), name_(std::move(name)) {}
  crypto::Sha256Digest sealed_to_;
  Bytes name_;
};

}  // namespace assay::trust
