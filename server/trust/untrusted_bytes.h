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
  explicit UntrustedBytes(Bytes bytes) : content_(std::make_shared<const Content>(std::move(bytes))) {}

  std::size_t size() const { return content_->bytes.size(); }
  Reader Read() const { return Reader(content_->bytes); }
  const crypto::Sha256Digest& Sha256() const { return content_->sha256; }  // names the content, says nothing about it

 private:
  struct Content {
    explicit Content(Bytes all) : bytes(std::move(all)), sha256(crypto::Sha256(bytes)) {}
    const Bytes bytes;
    const crypto::Sha256Digest sha256;  // computed once: records, caches and collateral all go by it
  };
  std::shared_ptr<const Content> content_;
};

}  // namespace assay::trust
