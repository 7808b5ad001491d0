// What a challenge looks like from outside: the verifier makes no other (service/challenge_codec.h), and a node signs no other.
//
// Behind a proxy a node signs the challenge itself, and its key is also that of its TLS connections. No other protocol signs bytes of
// this form: what TLS 1.3 has signed begins with 64 times 0x20 (RFC 8446 section 4.4.3), DER that is signed with 0x30; and what TLS 1.2
// has signed begins with 0x01 as well, but has the signer's certificate in it, which does not fit in here.
#pragma once

#include "base/bytes.h"

namespace assay::crypto {

inline constexpr std::uint8_t kChallengeVersion = 1;  // the first byte
inline constexpr std::size_t kChallengeSize = 153;

inline bool HasChallengeForm(ByteView challenge) { return challenge.size() == kChallengeSize && challenge.front() == kChallengeVersion; }

}  // namespace assay::crypto
