// Signature verification. The algorithm is always the caller's choice, never taken from the data.
//
// Every function returns true exactly if `signature` is a valid signature of `message` under `key` with that algorithm.
// A key of the wrong kind, a signature of the wrong length or encoding, r or s out of range: false. Nothing throws,
// nothing is logged, OpenSSL's error queue is left empty.
#pragma once

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"

namespace assay::crypto {

// r and s big-endian, each exactly the size of the curve's order (32 or 48 bytes): IEEE P1363 halves, COSE, SNP reversed.
bool VerifyEcdsa(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView r, ByteView s);
// r || s (IEEE P1363), exactly twice the order size.
bool VerifyEcdsaP1363(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature);
// Strict DER Ecdsa-Sig-Value.
bool VerifyEcdsaDer(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature);
// True if 1 <= value < n of the curve; `value` big-endian of the order's size.
bool IsEcdsaScalar(KeyKind kind, ByteView value);

// RSASSA-PKCS1-v1_5.
bool VerifyRsaPkcs1(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature);
// RSASSA-PSS with MGF1 over `mgf_hash`, trailer 0xBC, and exactly `salt_length` bytes of salt.
bool VerifyRsaPss(const PublicKey& key, HashAlgorithm hash, HashAlgorithm mgf_hash, int salt_length, ByteView message, ByteView signature);

}  // namespace assay::crypto
