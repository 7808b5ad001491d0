#include "evidence/sev_snp/authentic_documents.h"

#include <algorithm>

#include "evidence/sev_snp/authenticate.h"
#include "evidence/sev_snp/endorsement.h"
#include "trust/cached_chain.h"
#include "trust/revocation.h"

namespace assay::sev_snp {

std::vector<trust::AuthenticDocument> AuthenticDocuments(std::span<const trust::CollateralItem> documents, const trust::AnchorSet& anchors,
                                                         trust::FactCaches* caches) {
  std::vector<trust::AuthenticDocument> authentic;
  std::vector<crypto::Certificate> arks, pool;
  const auto keep = [&](const trust::CollateralItem& item) {
    authentic.push_back({item, item.certificate->not_before(), item.certificate->not_after()});
    pool.push_back(*item.certificate);
  };
  for (const trust::CollateralItem& item : documents) {
    if (item.key.kind != kArkKind || !item.certificate || item.key.scope.empty()) continue;
    const crypto::PublicKey& key = item.certificate->public_key();
    if (!anchors.Pins(kAmdProfile.vendor, item.key.scope, key.spki_sha256()) || !item.certificate->IsSignedBy(key)) continue;
    arks.push_back(*item.certificate);
    keep(item);
  }
  const auto arks_of = [&](std::string_view product) {
    std::vector<crypto::Certificate> some;
    for (const crypto::Certificate& ark : arks) {
      const auto role = RoleOf(ark);
      if (role && role->product && NameOf(*role->product) == product) some.push_back(ark);
    }
    return some;
  };
  for (const trust::CollateralItem& item : documents) {
    if ((item.key.kind != kAskKind && item.key.kind != kAsvkKind) || !item.certificate || item.key.scope.empty()) continue;
    if (crypto::BuildPath(*item.certificate, {}, arks_of(item.key.scope)).ok()) keep(item);
  }
  for (const trust::CollateralItem& item : documents) {
    if ((item.key.kind == kVcekKind || item.key.kind == kVlekKind) && item.certificate && !item.key.detail.empty()) {
      CheckLog unused;
      if (trust::VerifyChain(*item.certificate, pool, anchors, item.key.scope, kAmdProfile, caches, unused) == nullptr) continue;
      authentic.push_back({item, item.certificate->not_before(), item.certificate->not_after()});
    } else if (item.key.kind == kCrlKind && item.revocation_list) {
      const crypto::CertificateList& list = *item.revocation_list;
      const std::vector<crypto::Certificate> issuers = arks_of(item.key.scope);
      if (std::none_of(issuers.begin(), issuers.end(), [&](const crypto::Certificate& ark) { return list.IsIssuedBy(ark); })) continue;
      authentic.push_back({item, list.this_update(), list.next_update(), trust::EditionOf(list, item.key)});
    }
  }
  return authentic;
}

}  // namespace assay::sev_snp
