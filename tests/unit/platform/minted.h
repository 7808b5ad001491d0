// What the software TEE mints, in the verifier's types.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "crypto/binding_transcript.h"
#include "evidence/format.h"
#include "tests/softtee/gce_evidence.h"
#include "trust/anchors.h"
#include "trust/challenge.h"

namespace assay::test {

inline std::vector<evidence::Item> ItemsOf(const std::vector<softtee::Item>& minted) {
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : minted) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  return items;
}

inline trust::AnchorSet AnchorsOf(const std::vector<softtee::Anchor>& minted) {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Anchor& one : minted) {
    trust::Anchor anchor{std::string(one.vendor), std::string(one.product), {}};
    std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), anchor.spki_sha256.begin());
    anchors.push_back(std::move(anchor));
  }
  return {std::move(anchors), /*simulated=*/true};
}

// As the transcript demands it.
inline trust::Challenge ChallengeOf(const softtee::GceEvidence& minted) {
  const auto transcript = crypto::BindingTranscript::Decode(minted.transcript);
  ASSAY_CHECK(transcript.has_value());
  trust::Challenge::Values values{.report_data = transcript->ReportData(), .nonce = ToBytes(transcript->ExtraData())};
  values.node_key_sha256 = crypto::Sha256(transcript->node_spki);
  if (!transcript->tpm_ak.empty()) values.tpm_ak_sha256 = crypto::Sha256(transcript->tpm_ak);
  return trust::Challenge::Demanded(values);
}

// SEC1, as guests write it.
inline Bytes PointOf(const softtee::Key& key) {
  Bytes point{4};
  Append(point, key.Coordinates());
  return point;
}

}  // namespace assay::test
