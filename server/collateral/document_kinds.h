// The vendors' documents by kind: what this folder has to know of each to move and keep it, and no more. Kinds are those that the
// formats give to what they recognise.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "trust/collateral.h"

namespace assay::collateral {

enum class Nature : std::uint8_t {
  kLeaf,       // of one machine; immutable, so never fetched again
  kAuthority,  // a vendor's CA certificate; immutable in practice
  kRenewed,    // issued again and again: lists and documents with a nextUpdate
};

// By whom it is issued: what several upstreams may serve.
enum class Vendor : std::uint8_t { kAmd, kIntel, kGoogle };
std::string_view NameOf(Vendor vendor);  // "amd", "intel", "google"

struct DocumentKind {
  std::string_view name;   // "amd.vcek"
  std::string_view label;  // for metrics: "vcek"
  Vendor vendor;
  Nature nature;
};
std::span<const DocumentKind> AllDocumentKinds();
const DocumentKind* FindKind(std::string_view name);  // nullptr: none of these

bool IsLeaf(const trust::CollateralKey& key);

// Whose detail evidence says before anything of it is authenticated: leaves, and what is issued for a model that evidence names. Of
// those anybody can invent as many as he likes; of all others there are a few dozen.
bool IsNamedByEvidence(const trust::CollateralKey& key);

// What must be at hand before a document of that key can be authenticated, beside what comes with it: its issuers.
std::vector<trust::CollateralKey> IssuersOf(const trust::CollateralKey& key);

// What evidence that needs `keys` may use as well, where it is held: no hint names it.
std::vector<trust::CollateralKey> CompanionsOf(std::span<const trust::CollateralKey> keys);

// AMD's list as it is served beside the chain of VLEKs: the same kind and issuer, another address and, perhaps, another count.
inline constexpr std::string_view kVlekListDetail = "vlek";

}  // namespace assay::collateral
