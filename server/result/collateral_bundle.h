// Collateral for a verifier without a network: everything that one verifier holds, as one signed file for another.
//
// The file is a head and a body, with one line feed between them. The head is a JWS (ES256, typ "assay-collateral-bundle") over
// {"number", "made", "sha256"}: the body's digest. The body is JSON: documents with key, channel, when they were got and their bytes, and
// anti-rollback floors.
//
// Promises: of what did not verify nothing is read but the head; a member that is unknown, missing, of another type or there twice, and
// two documents of one key and channel, are refused; sizes are bounded before memory is spent. Does not promise that the documents are
// their vendors' own: whoever imports checks that of each; nor that the bundle is new: its number says so to whoever remembers the last.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "crypto/digest.h"
#include "result/signing_key.h"
#include "token/jwk.h"
#include "trust/collateral.h"
#include "trust/floors.h"

namespace assay::result {

inline constexpr std::size_t kMostBundleBytes = std::size_t{1000} * 1024;  // fits into one request
inline constexpr std::size_t kMostBundleDocuments = 4096;

struct BundleDocument {
  trust::CollateralKey key;
  trust::Channel channel = trust::Channel::kStandard;
  Time obtained{};
  Bytes body;
};

struct CollateralBundle {
  std::int64_t number = 0;  // a later one of the same key has a higher
  Time made{};
  std::vector<BundleDocument> documents;
  std::vector<trust::Floor> floors;
};

// nullopt: it would be larger than a bundle may be.
std::optional<std::string> SignBundle(const CollateralBundle& bundle, const SigningKey& key);

struct SignedBundle {
  CollateralBundle bundle;
  std::string key_id;             // RFC 7638 thumbprint of the key that signed it
  crypto::Sha256Digest sha256{};  // of the file
};
// Findings: bundle_malformed, bundle_key_unknown, bundle_not_authentic. `keys` are those that the operator configured for import.
std::optional<SignedBundle> OpenBundle(std::string_view file, std::span<const token::Jwk> keys, CheckLog& log);

}  // namespace assay::result
