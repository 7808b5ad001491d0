#include <algorithm>
#include <utility>

#include "appraisal/appraiser.h"

namespace assay::appraisal {

std::vector<std::string> FittingPlatforms(const Registry& registry, std::span<const evidence::Item> items) {
  std::vector<std::string> fitting;
  for (const platform::Platform* platform : registry.platforms) {
    CheckLog unused;
    if (platform::CheckManifest(*platform, items, unused) && platform->fits(items)) fitting.emplace_back(platform->name);
  }
  return fitting;
}

std::vector<trust::CollateralItem> RecogniseCollateral(const Registry& registry, const trust::UntrustedBytes& bytes,
                                                       trust::CollateralSource source, trust::FactCaches* caches) {
  std::vector<trust::CollateralItem> all;
  for (const evidence::Format* format : registry.formats) {
    for (trust::CollateralItem& found : format->recognise(bytes, source, caches)) all.push_back(std::move(found));
  }
  return all;
}

std::vector<trust::AuthenticDocument> AuthenticCollateral(const Registry& registry, std::span<const trust::CollateralItem> documents,
                                                          const trust::AnchorSet& anchors, trust::FactCaches* caches) {
  std::vector<trust::AuthenticDocument> all;
  for (const evidence::Format* format : registry.formats) {
    if (format->authentic == nullptr) continue;
    for (trust::AuthenticDocument& document : format->authentic(documents, anchors, caches)) all.push_back(std::move(document));
  }
  return all;
}

trust::CollateralSnapshot GatherCollateral(const Registry& registry, std::span<const evidence::Item> items,
                                           std::span<const trust::CollateralItem> more, trust::FactCaches* caches) {
  std::vector<trust::CollateralItem> all(more.begin(), more.end());
  for (const evidence::Item& item : items) {
    for (trust::CollateralItem& found : RecogniseCollateral(registry, item.body, trust::CollateralSource::kNode, caches)) {
      all.push_back(std::move(found));
    }
  }
  return trust::CollateralSnapshot(std::move(all));
}

Bytes HintedIdentity(const Registry& registry, std::span<const evidence::Item> items, const trust::Challenge& challenge) {
  for (const platform::Platform* platform : registry.platforms) {
    CheckLog unused;
    if (!platform::CheckManifest(*platform, items, unused)) continue;  // before anything in the items is decoded
    if (Bytes identity = platform->identity_hint(items, challenge); !identity.empty()) return identity;
  }
  return {};
}

std::vector<trust::CollateralKey> Needs(const Registry& registry, std::span<const evidence::Item> items,
                                        const trust::CollateralSnapshot& collateral) {
  std::vector<evidence::Item> all(items.begin(), items.end());
  for (const evidence::Item& item : items) {
    for (const evidence::Format* format : registry.formats) {
      if (format->contents == nullptr) continue;
      for (evidence::Item& inner : format->contents(item)) all.push_back(std::move(inner));
    }
  }
  std::vector<trust::CollateralKey> missing;
  for (const evidence::Format* format : registry.formats) {
    for (trust::CollateralKey& key : format->needs(all, collateral)) missing.push_back(std::move(key));
  }
  for (const platform::Platform* platform : registry.platforms) {
    CheckLog unused;
    if (platform->needs == nullptr || !platform::CheckManifest(*platform, items, unused) || !platform->fits(items)) continue;
    for (trust::CollateralKey& key : platform->needs(items, collateral)) missing.push_back(std::move(key));
  }
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  return missing;
}

}  // namespace assay::appraisal
