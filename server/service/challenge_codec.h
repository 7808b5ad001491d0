// Challenges as bytes: made and recognised by this service alone, without remembering them.
//
//   version u8 = 1 | key id 8 | nonce 32 | issued u64 BE | expires u64 BE | SHA-256 of context 32 | policy-set id 32 | HMAC-SHA-256 32
//
// Promises: one changed bit, another context, another policy set or a time outside of the window is refused, the MAC before
// everything else. Does not promise that a challenge is answered once: the store sees to that.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/check_log.h"
#include "base/clock.h"
#include "crypto/digest.h"

namespace assay::service {

inline constexpr std::size_t kNonceSize = 32;
inline constexpr std::size_t kChallengeSize = 1 + 8 + kNonceSize + 8 + 8 + 32 + 32 + 32;
inline constexpr std::size_t kLeastKeySize = 32;
inline constexpr Duration kLongestLifetime{60};

struct ChallengeFields {
  ByteArray<kNonceSize> nonce;
  Time issued;
  Time expires;                  // the last second at which it may be answered
  crypto::Sha256Digest context;  // what the transcript will say, as far as it is known
  crypto::Sha256Digest policy_set;
};

class ChallengeCodec {
 public:
  // `key`: at least kLeastKeySize random bytes, the same in all replicas.
  explicit ChallengeCodec(Bytes key);

  Bytes Seal(const ChallengeFields& fields) const;

  // What a TPM has to give back for the challenge of this nonce: 32 bytes, the same whenever it is asked for, under no other key and
  // for no other nonce or pair of Names. Nobody is told of it but the TPM that it is sealed to.
  Bytes ActivationSecret(ByteView nonce, ByteView attestation_key_name, ByteView endorsement_key_name) const;

  // nullopt: refused; the log says why (challenge_malformed, challenge_forged, challenge_expired, context_mismatch).
  std::optional<ChallengeFields> Open(ByteView challenge, Time now, const crypto::Sha256Digest& context,
                                      const crypto::Sha256Digest& policy_set, CheckLog& log) const;

 private:
  Bytes key_;
  ByteArray<8> key_id_;
};

}  // namespace assay::service
