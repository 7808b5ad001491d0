#include "trust/collateral.h"

#include <algorithm>
#include <tuple>

#include "base/strings.h"

namespace assay::trust {

std::string CollateralKey::ToString() const { return detail.empty() ? Cat(kind, "/", scope) : Cat(kind, "/", scope, "/", detail); }

std::string_view NameOf(CollateralSource source) {
  switch (source) {
    case CollateralSource::kNode: return "node";
    case CollateralSource::kSupplied: return "supplied";
    case CollateralSource::kCache: return "cache";
    case CollateralSource::kVendor: return "vendor";
    case CollateralSource::kImport: return "import";
  }
  return "unknown";
}

CollateralSnapshot::CollateralSnapshot(std::vector<CollateralItem> items) : items_(std::move(items)) {
  // The source is no part of the order: whose copy of the same bytes is used must not matter. It only breaks ties.
  const auto rank = [](const CollateralItem& item) { return std::tie(item.key, item.sha256, item.source); };
  std::sort(items_.begin(), items_.end(), [&](const CollateralItem& a, const CollateralItem& b) { return rank(a) < rank(b); });
  items_.erase(std::unique(items_.begin(), items_.end(),
                           [](const CollateralItem& a, const CollateralItem& b) { return a.key == b.key && a.sha256 == b.sha256; }),
               items_.end());
}

std::span<const CollateralItem> CollateralSnapshot::Candidates(std::string_view kind, std::string_view scope) const {
  const auto place = [](const CollateralItem& item) {
    return std::pair<std::string_view, std::string_view>(item.key.kind, item.key.scope);
  };
  const std::pair wanted(kind, scope);
  const auto first = std::lower_bound(items_.begin(), items_.end(), wanted,
                                      [&](const CollateralItem& item, const auto& key) { return place(item) < key; });
  const auto last =
      std::upper_bound(first, items_.end(), wanted, [&](const auto& key, const CollateralItem& item) { return key < place(item); });
  return {first, last};
}

std::span<const CollateralItem> CollateralSnapshot::CandidatesOfKind(std::string_view kind) const {
  const auto first = std::lower_bound(items_.begin(), items_.end(), kind,
                                      [](const CollateralItem& item, std::string_view wanted) { return item.key.kind < wanted; });
  const auto last = std::upper_bound(first, items_.end(), kind,
                                     [](std::string_view wanted, const CollateralItem& item) { return wanted < item.key.kind; });
  return {first, last};
}

crypto::Sha256Digest CollateralSnapshot::Digest() const {
  Bytes listing;
  listing.reserve(items_.size() * 96);
  for (const CollateralItem& item : items_) {
    // Field by field: as text, "a/b" and "c" is the same key as "a" and "b/c".
    for (const std::string& field : {item.key.kind, item.key.scope, item.key.detail}) {
      AppendU32Be(listing, static_cast<std::uint32_t>(field.size()));
      Append(listing, AsBytes(field));
    }
    Append(listing, item.sha256);
  }
  return crypto::Sha256(listing);
}

}  // namespace assay::trust
