// A key of a TPM as an operator hands it in to be enrolled: TPM2B_PUBLIC, a public key or a certificate in DER or PEM, recognised by
// content.
//
// Promises: exactly one key, of a kind that vouching takes: a public area has the attributes that its kind needs, a certificate is of
// the kind that it is shown for. Does not promise: that the key is in any TPM, nor that the certificate leads anywhere. Who enrols it
// vouches for that.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/digest.h"

namespace assay::tpm {

enum class TpmKeyKind : std::uint8_t { kAttestation, kEndorsement };
std::string_view NameOf(TpmKeyKind kind);  // "attestation key"

struct KeyToEnrol {
  TpmKeyKind kind;
  crypto::Sha256Digest spki_sha256;
  Bytes name;  // algorithm and digest; empty: its public area was not given
};

inline constexpr std::size_t kMaxKeyFile = 8192;

// `kind`: nullopt where the bytes say it themselves. A bare public key doesn't.
Outcome<KeyToEnrol> ReadKeyToEnrol(ByteView bytes, std::optional<TpmKeyKind> kind);

}  // namespace assay::tpm
