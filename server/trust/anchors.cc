#include "trust/anchors.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace assay::trust {
namespace {

crypto::Sha256Digest DigestOf(const std::vector<Anchor>& anchors, bool simulated) {
  Bytes listing{static_cast<std::uint8_t>(simulated)};
  for (const Anchor& anchor : anchors) {
    for (const std::string& text : {anchor.vendor, anchor.product}) {
      AppendU32Be(listing, static_cast<std::uint32_t>(text.size()));
      Append(listing, AsBytes(text));
    }
    Append(listing, anchor.spki_sha256);
  }
  return crypto::Sha256(listing);
}

}  // namespace

AnchorSet::AnchorSet(std::vector<Anchor> anchors, bool simulated) : anchors_(std::move(anchors)), simulated_(simulated) {
  std::sort(anchors_.begin(), anchors_.end(), [](const Anchor& a, const Anchor& b) {
    return std::tie(a.vendor, a.product, a.spki_sha256) < std::tie(b.vendor, b.product, b.spki_sha256);
  });
  digest_ = DigestOf(anchors_, simulated_);
}

bool AnchorSet::Pins(std::string_view vendor, std::string_view product, const crypto::Sha256Digest& spki_sha256) const {
  return std::any_of(anchors_.begin(), anchors_.end(), [&](const Anchor& anchor) {
    return anchor.vendor == vendor && anchor.product == product && anchor.spki_sha256 == spki_sha256;
  });
}

bool AnchorSet::HasAnchorFor(std::string_view vendor, std::string_view product) const {
  return std::any_of(anchors_.begin(), anchors_.end(),
                     [&](const Anchor& anchor) { return anchor.vendor == vendor && anchor.product == product; });
}

}  // namespace assay::trust
