#include "evidence/dcap/counts_from.h"

#include <vector>

#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/signed_document.h"

namespace assay::dcap {
namespace {

// The certificates among `items` that lead to the pinned root, over roots among them.
std::vector<DocumentSigner> SignersAmong(std::span<const trust::CollateralItem> items, const trust::AnchorSet& anchors) {
  std::vector<trust::CollateralItem> certificates;
  std::vector<crypto::Certificate> roots;
  for (const trust::CollateralItem& item : items) {
    if (item.key.kind == kTcbSigningKind) certificates.push_back(item);
    if (item.key.kind == kRootKind && item.certificate) roots.push_back(*item.certificate);
  }
  CheckLog unused;
  return DocumentSigners(certificates, roots, anchors, nullptr, unused);
}

// Intel's words: the standard channel follows about twelve months after the recovery event.
constexpr Duration kStandardAfter{365 * 86'400};

}  // namespace

std::optional<Time> CountsFrom(std::span<const trust::CollateralItem> next, std::span<const trust::CollateralItem> all,
                               const trust::AnchorSet& anchors, Time at) {
  const std::vector<DocumentSigner> signers = SignersAmong(all, anchors);
  std::vector<DocumentRefusal> unused;
  std::optional<Time> first;
  for (const trust::CollateralItem& item : next) {
    if (item.key.kind != kTcbInfoKind) continue;
    const auto info = DocumentAuthenticator::Authenticate<TcbInfo>(item, signers, nullptr, unused);
    if (!info) continue;
    for (const trust::CollateralItem& listed : all) {
      if (listed.key.kind != kEvaluationNumbersKind) continue;
      const auto list = DocumentAuthenticator::Authenticate<EvaluationNumbers>(listed, signers, nullptr, unused);
      if (!list || list->value().tee != info->value().tee || at < list->value().head.issue_date || list->value().head.next_update < at) {
        continue;
      }
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
