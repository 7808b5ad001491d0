// Public keys that may verify evidence: EC P-256 and P-384 with named curves, RSA of 2048 to 8192 bits with exponent
// 65537. Anything else is refused when it is decoded (key_unsupported), so no later code has to ask.
//
// A PublicKey is immutable, always valid, and cheap to copy (shared); decoding costs more than a P-256 verification, so
// decode once and keep it. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/outcome.h"
#include "crypto/digest.h"

namespace assay::crypto {

enum class KeyKind : std::uint8_t { kEcP256, kEcP384, kRsa };
std::string_view NameOf(KeyKind kind);  // "EC P-384"

class PublicKey {
 public:
  // DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7), consumed exactly. EC points must be on the curve and not infinity;
  // explicit curve parameters are refused.
  static Outcome<PublicKey> FromSpki(ByteView der);
  // Affine coordinates, big-endian, each exactly the field size (32 or 48). `kind` is an EC kind.
  static Outcome<PublicKey> FromEcPoint(KeyKind kind, ByteView x, ByteView y);
  // Modulus and exponent, big-endian, without leading zeros (RFC 7518 section 6.3.1).
  static Outcome<PublicKey> FromRsa(ByteView modulus, ByteView exponent);

  KeyKind kind() const;
  int bits() const;                         // 256, 384, or the RSA modulus size
  ByteView spki() const;                    // canonical DER SubjectPublicKeyInfo
  const Sha256Digest& spki_sha256() const;  // the form in which anchors are pinned

  friend bool operator==(const PublicKey& a, const PublicKey& b) { return a.spki_sha256() == b.spki_sha256(); }

  struct Handle;  // OpenSSL's object; only crypto/*.cc know its shape
  const Handle& handle() const { return *handle_; }

 private:
  friend class Certificate;
  explicit PublicKey(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<const Handle> handle_;
};

}  // namespace assay::crypto
