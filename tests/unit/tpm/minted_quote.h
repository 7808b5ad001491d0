// Evidence of the software TEE, taken through the whole road of the format, by certificate or by enrolment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/check_log.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/format.h"
#include "evidence/tpm/unpack.h"
#include "tests/softtee/tpm_evidence.h"
#include "trust/anchors.h"
#include "trust/bundle.h"
#include "trust/challenge.h"
#include "trust/collateral.h"

namespace assay::tpm::test {

inline const Bytes kNonce(32, 0x5A);

inline trust::AnchorSet Anchors(const softtee::TpmPki& pki = softtee::TpmPki::Shared()) {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Anchor& one : pki.Anchors()) {
    trust::Anchor anchor{std::string(one.vendor), std::string(one.product), {}};
    std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), anchor.spki_sha256.begin());
    anchors.push_back(anchor);
  }
  return trust::AnchorSet(std::move(anchors), true);
}

inline std::vector<evidence::Item> ItemsOf(const softtee::TpmEvidence& evidence) {
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : evidence.items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  return items;
}

inline trust::CollateralSnapshot CollateralOf(std::span<const evidence::Item> items) {
  std::vector<trust::CollateralItem> all;
  for (const evidence::Item& item : items) {
    for (trust::CollateralItem& one : kFormat.recognise(item.body, trust::CollateralSource::kNode, nullptr)) all.push_back(std::move(one));
  }
  return trust::CollateralSnapshot(std::move(all));
}

struct Road {
  const CertificateProfile* profile = &kOperatorProfile;
  const trust::EnrolledKeys* enrolled = nullptr;
  bool demand_selection = true;
  std::optional<Bytes> nonce = kNonce;  // nullopt: not demanded
  trust::FactCaches* caches = nullptr;
  std::optional<trust::AnchorSet> anchors = {};  // nullopt: the software TEE's, as the operator's
  const trust::Activation* activation = nullptr;
  const trust::EnrolledKeys* enrolled_endorsement_keys = nullptr;
  const evidence::NamedEndorsementKey* endorsement_key = nullptr;
};

// nullopt: the log says why.
inline std::optional<trust::Bundle> Take(std::span<const evidence::Item> items, const Road& road, CheckLog& log) {
  const trust::AnchorSet anchors = road.anchors ? *road.anchors : Anchors();
  const trust::CollateralSnapshot collateral = CollateralOf(items);
  trust::Challenge::Values values;
  values.nonce = road.nonce;
  const trust::Challenge challenge = road.nonce ? trust::Challenge::Demanded(values) : trust::Challenge::NotDemanded(true);
  const evidence::AuthenticationContext context{.anchors = anchors,
                                                .collateral = collateral,
                                                .challenge = challenge,
                                                .caches = road.caches,
                                                .enrolled = road.enrolled,
                                                .activation = road.activation,
                                                .enrolled_endorsement_keys = road.enrolled_endorsement_keys,
                                                .endorsement_key = road.endorsement_key};
  std::optional<TpmItems> parsed = ParseItems(items, road.caches, log);
  if (!parsed) return std::nullopt;
  std::optional<VouchedAk> ak = VouchForAk(*parsed, road.profile, context, log);
  if (!ak) return std::nullopt;
  const std::vector<PcrSelection> demanded = AllOfSha256();
  return CarryQuote(*std::move(parsed), *std::move(ak), road.demand_selection ? &demanded : nullptr, context, log);
}
inline std::optional<trust::Bundle> Take(const softtee::TpmEvidence& evidence, CheckLog& log, const Road& road = {}) {
  return Take(ItemsOf(evidence), road, log);
}

inline softtee::TpmEvidence Mint(softtee::TpmOptions options = {}) {
  if (options.extra_data.empty()) options.extra_data = kNonce;
  return softtee::MintTpm(softtee::TpmPki::Shared(), options);
}

inline const Finding* FindingOf(const CheckLog& log, Reason reason) {
  for (const Finding& finding : log.findings()) {
    if (finding.reason == reason) return &finding;
  }
  return nullptr;
}

}  // namespace assay::tpm::test
