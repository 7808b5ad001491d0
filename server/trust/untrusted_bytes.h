// Bytes from RPC, disk or network, before anybody has looked at them.
//
// Promises: the only way in is a bounds-checked Reader; nothing here interprets the bytes. Immutable, cheap to copy.
#pragma once

#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/reader.h"
#include "crypto/digest.h"

namespace assay::trust {

class UntrustedBytes {
 public:
  explicit UntrustedBytes(Bytes bytes) : bytes_(std::make_shared<const Bytes>(std::move(bytes))) {}

  std::size_t size() const { return bytes_->size(); }
  Reader Read() const { return Reader(*bytes_); }
  crypto::Sha256Digest Sha256() const { return crypto::Sha256(*bytes_); }  // names the content, says nothing about it

 private:
  std::shared_ptr<const Bytes> bytes_;
};

}  // namespace assay::trust
