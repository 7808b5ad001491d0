// Collateral: endorsements, revocation lists, TCB and identity lists, as fetched or supplied.
//
// Collateral is untrusted bytes too. A CollateralKey says what a document claims to be, so that it can be looked up; who
// uses it authenticates it. A CollateralSnapshot is everything one appraisal may use, frozen: appraisal never fetches.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "crypto/digest.h"
#include "trust/untrusted_bytes.h"

namespace assay::trust {

// "amd.vcek/Milan", or with what a vendor needs to find it "amd.vcek/Milan/<chip id>/<tcb>".
struct CollateralKey {
  std::string kind;    // vendor and document, e.g. "amd.vcek", "amd.vlek", "amd.ask", "amd.asvk", "amd.ark", "amd.crl"
  std::string scope;   // e.g. the product line
  std::string detail;  // e.g. chip id and TCB; empty where kind and scope suffice

  std::string ToString() const;
  auto operator<=>(const CollateralKey&) const = default;
};

enum class CollateralSource : std::uint8_t { kNode, kSupplied, kCache, kVendor, kImport };
std::string_view NameOf(CollateralSource source);  // "node", "supplied", "cache", "vendor", "import"

// One edition of a document that its vendor issues again and again. A number that rises outranks any date.
struct Edition {
  CollateralKey series;  // e.g. "intel.tcb_info/TDX/00806f050000"
  std::uint64_t number;
  Time issued;

  bool IsOlderThan(const Edition& other) const { return std::pair(number, issued) < std::pair(other.number, other.issued); }
};

// A document as its format decoded it; what it is only the format knows.
struct DecodedDocument {
  virtual ~DecodedDocument() = default;
};

struct CollateralItem {
  CollateralKey key;
  UntrustedBytes body;  // DER
  crypto::Sha256Digest sha256;
  CollateralSource source = CollateralSource::kSupplied;
  // Decoded once, when the document was recognised. Decoding proves nothing.
  std::optional<crypto::Certificate> certificate = {};
  std::optional<crypto::CertificateList> revocation_list = {};
  std::shared_ptr<const DecodedDocument> document = {};
};

class CollateralSnapshot {
 public:
  CollateralSnapshot() = default;
  // Sorted by key and digest, so that the order in which items were gathered changes nothing; equal items count once.
  explicit CollateralSnapshot(std::vector<CollateralItem> items);

  std::span<const CollateralItem> items() const { return items_; }
  // Every candidate of that kind and scope, whatever its detail.
  std::span<const CollateralItem> Candidates(std::string_view kind, std::string_view scope) const;
  std::span<const CollateralItem> CandidatesOfKind(std::string_view kind) const;  // of any scope
  // SHA-256 over the framed list of keys and digests.
  crypto::Sha256Digest Digest() const;

 private:
  std::vector<CollateralItem> items_;
};

// What parsing gives away about unauthenticated evidence: which collateral to look for. Nothing else can be had from it.
class LookupHints {
 public:
  LookupHints() = default;
  explicit LookupHints(std::vector<CollateralKey> keys) : keys_(std::move(keys)) {}
  std::span<const CollateralKey> keys() const { return keys_; }

 private:
  std::vector<CollateralKey> keys_;
};

}  // namespace assay::trust
