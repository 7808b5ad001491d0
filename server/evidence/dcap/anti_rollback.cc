#include "evidence/dcap/anti_rollback.h"

#include <algorithm>
#include <utility>

#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/signed_document.h"

namespace assay::dcap {
namespace {

template <typename T>
void RaiseBy(const trust::CollateralItem& item, std::span<const DocumentSigner> signers, trust::Channel channel, Time at, trust::FactCaches* caches,
             std::vector<trust::Floor>& floors) {
  std::vector<DocumentRefusal> unused;
  const auto document = DocumentAuthenticator::Authenticate<T>(item, signers, caches, unused);
  if (!document) return;
  // One from the future would lock out today's for as long as it takes.
  const auto windows = document->document->windows();
  const bool valid = std::all_of(windows.begin(), windows.end(), [at](const auto& window) { return window.not_before <= at && at <= window.not_after; });
  if (!valid || at > document->signer->certificate.not_after() || at < document->signer->certificate.not_before()) return;
  for (const trust::ValidityWindow& window : windows) {
    if (window.edition) floors = trust::Raised(std::move(floors), *window.edition, channel, item.source);
  }
}

// The certificates among `items` that lead to the pinned root, over roots among them.
std::vector<DocumentSigner> SignersAmong(std::span<const trust::CollateralItem> items, const trust::AnchorSet& anchors, trust::FactCaches* caches) {
  std::vector<trust::CollateralItem> certificates;
  std::vector<crypto::Certificate> roots;
  for (const trust::CollateralItem& item : items) {
    if (item.key.kind == kTcbSigningKind) certificates.push_back(item);
    if (item.key.kind == kRootKind && item.certificate) roots.push_back(*item.certificate);
  }
  CheckLog unused;
  return DocumentSigners(certificates, roots, anchors, caches, unused);
}

// Intel's words: the standard channel follows about twelve months after the recovery event.
constexpr Duration kStandardAfter{365 * 86'400};

}  // namespace

std::vector<trust::Floor> RaiseFloors(std::vector<trust::Floor> floors, std::span<const trust::CollateralItem> items, trust::Channel channel,
                                      const trust::AnchorSet& anchors, Time at, trust::FactCaches* caches) {
  const std::vector<DocumentSigner> signers = SignersAmong(items, anchors, caches);
  for (const trust::CollateralItem& item : items) {
    if (item.key.kind == kTcbInfoKind) RaiseBy<TcbInfo>(item, signers, channel, at, caches, floors);
    if (item.key.kind == kQeIdentityKind) RaiseBy<QeIdentity>(item, signers, channel, at, caches, floors);
  }
  return floors;
}

std::optional<Time> CountsFrom(std::span<const trust::CollateralItem> next, std::span<const trust::CollateralItem> all, const trust::AnchorSet& anchors, Time at) {
  const std::vector<DocumentSigner> signers = SignersAmong(all, anchors, nullptr);
  std::vector<DocumentRefusal> unused;
  std::optional<Time> first;
  for (const trust::CollateralItem& item : next) {
    if (item.key.kind != kTcbInfoKind) continue;
    const auto info = DocumentAuthenticator::Authenticate<TcbInfo>(item, signers, nullptr, unused);
    if (!info) continue;
    for (const trust::CollateralItem& listed : all) {
      if (listed.key.kind != kEvaluationNumbersKind) continue;
      const auto list = DocumentAuthenticator::Authenticate<EvaluationNumbers>(listed, signers, nullptr, unused);
      if (!list || list->value().tee != info->value().tee || at < list->value().head.issue_date || list->value().head.next_update < at) continue;
      for (const EvaluationNumbers::Number& number : list->value().numbers) {
        if (number.number != info->value().head.evaluation_data_number) continue;
        const Time from = number.recovery_event + kStandardAfter;
        if (!first || from < *first) first = from;
      }
    }
  }
  return first;
}

}  // namespace assay::dcap
