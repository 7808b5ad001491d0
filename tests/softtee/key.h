// Keys of the software TEE: made at run time, never part of the source tree.
//
// Promises: every signature verifies under SubjectPublicKeyInfo() with the algorithm named. Does not promise any care for
// secrets in memory: these keys are worth nothing outside tests and demos.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "base/bytes.h"

namespace assay::softtee {

// Algorithms of certificate signatures. AMD's is kPssSha384; the next three are near misses of it.
enum class SignatureStyle : std::uint8_t {
  kPssSha384,        // RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt 48
  kPssSha384Salt20,  // the same with the default salt length of RFC 4055
  kPssSha256,        // RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt 32
  kPkcs1Sha384,      // RSASSA-PKCS1-v1_5 with SHA-384
  kEcdsaSha256,      // for TLS certificates
  kEcdsaSha384,      // AWS Nitro
  // Of TPMs:
  kPkcs1Sha256,
  kPkcs1Sha1,
  kPssSha256MostSalt,  // with as long a salt as there is room for
};

// r and s of an ECDSA P-384 signature: 48 bytes each, big-endian.
struct EcdsaSignature {
  ByteArray<48> r;
  ByteArray<48> s;
};

class Key {
 public:
  // Takes about half a second for 4096 bits.
  static Key GenerateRsa(unsigned bits);
  static Key GenerateP256();
  // The P-384 key that `seed` leads to: the same seed, the same key. As on the real chip, where VCEK and VLEK are functions
  // of a secret and the TCB. kP256 exists for a certificate with the wrong curve.
  enum class Curve : std::uint8_t { kP256, kP384 };
  static Key Derive(ByteView seed, Curve curve = Curve::kP384);

  static absl::StatusOr<Key> FromPem(std::string_view pem);  // PKCS #8, unencrypted
  std::string ToPem() const;

  unsigned bits() const;
  Bytes SubjectPublicKeyInfo() const;  // DER
  // X.509 key identifier: SHA-1 of the public key's bit string (RFC 5280 section 4.2.1.2, method 1).
  Bytes Identifier() const;

  Bytes Sign(SignatureStyle style, ByteView message) const;  // as it stands in a certificate
  EcdsaSignature SignP384Sha384(ByteView message) const;     // this key must be on P-384

  Bytes Modulus() const;      // of an RSA key, big-endian
  Bytes Coordinates() const;  // of an EC key: x || y, each of the curve's size
  // What TPM2_ActivateCredential does with its private key: RSAES-OAEP with SHA-256 and a label, or x of the shared point.
  Bytes DecryptOaep(ByteView label, ByteView ciphertext) const;  // empty: it is none
  Bytes SharedX(ByteView point) const;                           // P-256, x || y; empty: it is none

 private:
  explicit Key(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;  // EVP_PKEY
};

Bytes Sha256(ByteView message);
Bytes Sha1(ByteView message);

// The order of P-384, big-endian (SP 800-186): the bound that r and s of a signature stay below.
ByteArray<48> OrderOfP384();

Bytes RandomBytes(std::size_t count);

// "-----BEGIN <label>-----" and base64 in lines of 64.
std::string ToPem(std::string_view label, ByteView der);
std::string ToBase64(ByteView bytes);

}  // namespace assay::softtee
