// Documents of the software TEE, taken through the whole road of the format.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check_log.h"
#include "evidence/nitro/format.h"
#include "tests/softtee/nitro_evidence.h"
#include "trust/anchors.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/collateral.h"

namespace assay::nitro::test {

inline const Bytes kNonce(32, 0x5A);

inline trust::AnchorSet Anchors() {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Anchor& one : softtee::NitroPki::Shared().Anchors()) {
    trust::Anchor anchor{std::string(one.vendor), std::string(one.product), {}};
    std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), anchor.spki_sha256.begin());
    anchors.push_back(std::move(anchor));
  }
  return trust::AnchorSet(std::move(anchors), true);
}

inline Bytes Mint(softtee::NitroOptions options = {}) {
  if (options.nonce.empty()) options.nonce = kNonce;
  return softtee::MintNitro(softtee::NitroPki::Shared(), options).items.front().body;
}

// nullopt: the log says why. `nonce`: nullopt is none demanded.
inline std::optional<trust::Bundle> Take(const Bytes& document, CheckLog& log, trust::FactCaches* caches = nullptr,
                                         std::optional<Bytes> nonce = kNonce) {
  const std::vector<evidence::Item> items{{std::string(kDocumentMediaType), trust::UntrustedBytes(document)}};
  const trust::AnchorSet anchors = Anchors();
  const trust::CollateralSnapshot none;
  trust::Challenge::Values values;
  values.nonce = nonce;
  const trust::Challenge challenge = nonce ? trust::Challenge::Demanded(values) : trust::Challenge::NotDemanded(true);
  const auto authenticated =
      AuthenticateDocument(items, {.anchors = anchors, .collateral = none, .challenge = challenge, .caches = caches}, log);
  if (!authenticated) return std::nullopt;
  return trust::Bundle::Carry(*authenticated, challenge, log);
}

inline const Finding* FindingOf(const CheckLog& log, Reason reason) {
  for (const Finding& finding : log.findings()) {
    if (finding.reason == reason) return &finding;
  }
  return nullptr;
}
inline std::string Show(const CheckLog& log) {
  std::string text;
  for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
  return text;
}

}  // namespace assay::nitro::test
