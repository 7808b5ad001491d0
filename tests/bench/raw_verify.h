// The yardstick: one ECDSA P-384 verification of a report's 672 signed bytes with OpenSSL, key and signature decoded
// beforehand. No appraisal of that report can cost less.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace assay::bench {

class RawVerify {
 public:
  // A signed SEV-SNP report, and the DER SubjectPublicKeyInfo of the key that signed it. Aborts if one does not decode.
  RawVerify(const Bytes& report, const Bytes& spki);
  ~RawVerify();
  RawVerify(const RawVerify&) = delete;

  // Whether the signature verifies. For one thread at a time.
  bool Once();

 private:
  struct Decoded;
  std::unique_ptr<Decoded> decoded_;
};

}  // namespace assay::bench
