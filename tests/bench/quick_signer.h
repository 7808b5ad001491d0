// ECDSA P-384 signatures of which all but two multiplications is done beforehand, so that whoever drives load spends its
// time on the load.
//
// Promises: every signature verifies, at the same cost as any other. Does not promise secrecy: all are made with one
// ephemeral number, and two of them give the key away. For keys of the software TEE only.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "tests/softtee/key.h"

namespace assay::bench {

class QuickSigner {
 public:
  explicit QuickSigner(const softtee::Key& p384_key);
  ~QuickSigner();
  QuickSigner(QuickSigner&&) noexcept;

  // SHA-384. Safe to use from several threads.
  softtee::EcdsaSignature Sign(ByteView message) const;

 private:
  struct Numbers;
  std::unique_ptr<const Numbers> numbers_;
};

}  // namespace assay::bench
