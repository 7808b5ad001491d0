// VerifiedKey: a public key, and why it may vouch for evidence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/public_key.h"
#include "trust/chain.h"

namespace assay::trust {

// The only ways for a key to become one that vouches. Each later way arrives with the format that needs it.
enum class KeyOrigin : std::uint8_t { kChain };

class VerifiedKey {
 public:
  // The leaf key of a chain to a pinned anchor. `component` names the certificate, e.g. "vcek".
  static VerifiedKey FromChain(std::shared_ptr<const VerifiedChain> chain, std::string_view component) {
    return VerifiedKey(std::move(chain), component);
  }

  const crypto::PublicKey& key() const { return chain_->leaf().public_key(); }
  KeyOrigin origin() const { return KeyOrigin::kChain; }
  std::string_view component() const { return component_; }
  const VerifiedChain& chain() const { return *chain_; }

 private:
  VerifiedKey(std::shared_ptr<const VerifiedChain> chain, std::string_view component)
      : chain_(std::move(chain)), component_(component) {}
  std::shared_ptr<const VerifiedChain> chain_;
  std::string_view component_;  // static storage
};

}  // namespace assay::trust
