#include "evidence/dcap/authentic_documents.h"

#include <algorithm>

#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/pck.h"
#include "evidence/dcap/signed_document.h"
#include "trust/revocation.h"

namespace assay::dcap {
namespace {

trust::AuthenticDocument WithItsTime(const trust::CollateralItem& item) {
  return {item, item.certificate->not_before(), item.certificate->not_after()};
}

template <typename T>
void AddDocument(const trust::CollateralItem& item, std::span<const DocumentSigner> signers, trust::FactCaches* caches,
                 std::vector<trust::AuthenticDocument>& authentic) {
  std::vector<DocumentRefusal> unused;
  const auto document = DocumentAuthenticator::Authenticate<T>(item, signers, caches, unused);
  if (!document) return;
  const DocumentHead& head = document->value().head;
  const crypto::Certificate& signer = document->signer->certificate;
  authentic.push_back({item, std::max(head.issue_date, signer.not_before()), std::min(head.next_update, signer.not_after()),
                       trust::Edition{document->value().Series(), head.evaluation_data_number, head.issue_date}});
}

}  // namespace

std::vector<trust::AuthenticDocument> AuthenticDocuments(std::span<const trust::CollateralItem> documents, const trust::AnchorSet& anchors,
                                                         trust::FactCaches* caches) {
  std::vector<trust::AuthenticDocument> authentic;
  std::vector<crypto::Certificate> roots;
  std::vector<trust::CollateralItem> authorities, signing;
  for (const trust::CollateralItem& item : documents) {
    if (item.key.kind != kRootKind || !item.certificate) continue;
    const crypto::PublicKey& key = item.certificate->public_key();
    if (!anchors.Pins(kIntelVendor, kIntelProduct, key.spki_sha256()) || !item.certificate->IsSignedBy(key)) continue;
    roots.push_back(*item.certificate);
    authentic.push_back(WithItsTime(item));
  }
  for (const trust::CollateralItem& item : documents) {
    if ((item.key.kind != kPckCaKind && item.key.kind != kTcbSigningKind) || !item.certificate) continue;
    if (!crypto::BuildPath(*item.certificate, {}, roots).ok()) continue;
    (item.key.kind == kPckCaKind ? authorities : signing).push_back(item);
    authentic.push_back(WithItsTime(item));
  }
  CheckLog unused;
  const std::vector<DocumentSigner> signers = DocumentSigners(signing, roots, anchors, caches, unused);
  for (const trust::CollateralItem& item : documents) {
    if (item.revocation_list) {
      const crypto::CertificateList& list = *item.revocation_list;
      const bool of_root =
          item.key.kind == kRootCrlKind && std::any_of(roots.begin(), roots.end(), [&](const auto& root) { return list.IsIssuedBy(root); });
      const bool of_ca =
          item.key.kind == kPckCrlKind && std::any_of(authorities.begin(), authorities.end(), [&](const trust::CollateralItem& authority) {
            return authority.key.scope == item.key.scope && list.IsIssuedBy(*authority.certificate);
          });
      if (of_root || of_ca) authentic.push_back({item, list.this_update(), list.next_update(), trust::EditionOf(list, item.key)});
    }
    if (item.key.kind == kTcbInfoKind) AddDocument<TcbInfo>(item, signers, caches, authentic);
    if (item.key.kind == kQeIdentityKind) AddDocument<QeIdentity>(item, signers, caches, authentic);
    if (item.key.kind == kEvaluationNumbersKind) AddDocument<EvaluationNumbers>(item, signers, caches, authentic);
  }
  return authentic;
}

}  // namespace assay::dcap
