// Signatures of TPMs, in the three shapes that collectors ship: TPMT_SIGNATURE (TPM 2.0 part 2, section 11.3.4), the number that RSA
// gave, raw, and Ecdsa-Sig-Value in DER.
//
// Promises: whole bytes, of a scheme and a hash that this build knows. The raw shapes don't say which scheme and hash: the key
// says so, or else RSASSA or ECDSA with SHA-256. Nothing is believed of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/check_log.h"

namespace assay::tpm {

enum class SignatureShape : std::uint8_t { kTpmt, kRawRsa, kEcdsaDer };

struct Signature {
  SignatureShape shape;
  std::uint16_t scheme;  // kAlgRsassa, kAlgRsapss or kAlgEcdsa; of kRawRsa only that it is RSA
  std::uint16_t hash;    // only of kTpmt
  Bytes rsa;
  Bytes r;  // as they came: TPMs leave zeros in front out, or not
  Bytes s;
};

// nullopt: the log says why.
std::optional<Signature> ParseSignature(ByteView bytes, SignatureShape shape, std::string_view component, CheckLog& log);

// By the first bytes; proves nothing, and can't be used to pass off one for another: every shape has to verify under the key.
SignatureShape ShapeOf(ByteView bytes);

}  // namespace assay::tpm
