// Trust anchors: roots pinned by the SHA-256 of their SubjectPublicKeyInfo. A root that comes with evidence or
// collateral is only matched against a pin, never trusted for being there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace assay::trust {

struct Anchor {
  std::string vendor;   // "amd"
  std::string product;  // "Milan"
  crypto::Sha256Digest spki_sha256;
};

class AnchorSet {
 public:
  // `simulated` marks the anchors of the software TEE: they come from start-up configuration only, and every verdict
  // made with them says so.
  AnchorSet(std::vector<Anchor> anchors, bool simulated);

  bool Pins(std::string_view vendor, std::string_view product, const crypto::Sha256Digest& spki_sha256) const;
  bool HasAnchorFor(std::string_view vendor, std::string_view product) const;
  bool simulated() const { return simulated_; }
  std::span<const Anchor> anchors() const { return anchors_; }
  const crypto::Sha256Digest& Digest() const { return digest_; }

 private:
  std::vector<Anchor> anchors_;  // sorted
  bool simulated_;
  crypto::Sha256Digest digest_;
};

}  // namespace assay::trust
