// JSON Web Signature, compact serialisation (RFC 7515 section 7.1). Tokens of ours have ES256 or ES384 (RFC 7518 section 3.4), those
// of OpenID providers RS256 or PS256 (sections 3.3, 3.5) as well; nothing else exists here.
//
// Promises: exactly three parts in unpadded base64url, a JSON object as header without repeated members, no `crit`, no
// `b64`; the algorithm follows from the key and is compared with the header, never chosen by it. Whatever key the header
// carries or points to (jwk, jku, x5c, x5u) is ignored. Does not promise: anything about the payload.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/check_log.h"
#include "codec/json.h"
#include "crypto/private_key.h"
#include "crypto/public_key.h"

namespace assay::token {

inline constexpr std::size_t kMaxTokenSize = std::size_t{64} * 1024;

// Nothing of this may be believed before VerifyJws said so.
struct Jws {
  json::Value header;
  std::string algorithm;              // header alg
  std::optional<std::string> key_id;  // header kid
  std::string type;                   // header typ, or ""
  std::string payload;                // decoded, not looked at
  std::string signing_input;
  Bytes signature;
};

// token_malformed, token_algorithm_refused (crit, b64), size_over_limit.
Outcome<Jws> ParseJws(std::string_view token);

// "ES256" for P-256, "ES384" for P-384; "" for any other key: such keys sign no tokens here.
std::string_view AlgorithmFor(const crypto::PublicKey& key);

enum class JwsAlgorithm : std::uint8_t { kEs256, kEs384, kRs256, kPs256 };
std::string_view NameOf(JwsAlgorithm algorithm);
// Which of them a key can be for: one for an EC key, RS256 and PS256 for an RSA key.
bool Fits(JwsAlgorithm algorithm, const crypto::PublicKey& key);

// Runs token.algorithm and token.signature. The first form: AlgorithmFor(key), so that RSA keys never verify; the second: an
// algorithm that is bound to the key, and Fits it.
bool VerifyJws(const Jws& jws, const crypto::PublicKey& key, CheckLog& log);
bool VerifyJws(const Jws& jws, const crypto::PublicKey& key, JwsAlgorithm algorithm, CheckLog& log);

// ES256. `key_id` and `type` go into the header.
std::string SignJws(std::string_view payload, std::string_view key_id, std::string_view type, const crypto::PrivateKey& key);

}  // namespace assay::token
