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

// A pin from its 64 lower-case hexadecimal digits; anything else does not compile.
consteval crypto::Sha256Digest SpkiPin(std::string_view hex) {
  crypto::Sha256Digest digest{};
  const auto digit = [](char c) {
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) throw "a pin has lower-case hexadecimal digits only";
    return c <= '9' ? c - '0' : c - 'a' + 10;
  };
  if (hex.size() != 2 * digest.size()) throw "a pin is 64 hexadecimal digits";
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  return digest;
}

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
