// The yardstick: one verification with OpenSSL, key and signature decoded beforehand. No appraisal of what was signed can cost
// less.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace assay::bench {

class RawVerify {
 public:
  // A signed SEV-SNP report, and the DER SubjectPublicKeyInfo of the key that signed it. Aborts if one does not decode.
  RawVerify(const Bytes& report, const Bytes& spki);
  // With SHA-256: what was signed, and r || s of ECDSA P-256; or, of another size, RSASSA-PKCS1-v1_5.
  RawVerify(const Bytes& message, const Bytes& signature, const Bytes& spki);
  ~RawVerify();
  RawVerify(const RawVerify&) = delete;

  // Whether the signature verifies. For one thread at a time.
  bool Once();

 private:
  struct Decoded;
  void TakeKey(const Bytes& spki);
  std::unique_ptr<Decoded> decoded_;
};

}  // namespace assay::bench
