#include "service/store_shelf.h"

#include <utility>

#include "collateral/document_kinds.h"

namespace assay::service {
namespace {

std::vector<collateral::KeptItem> ItemsOf(std::vector<store::KeptDocument> documents) {
  std::vector<collateral::KeptItem> items;
  for (store::KeptDocument& document : documents) {
    collateral::KeptItem& item = items.emplace_back();
    if (document.number) item.edition = trust::Edition{document.key, *document.number, document.issued.value_or(Time{})};
    item.key = std::move(document.key);
    item.channel = document.channel;
    item.body = std::move(document.body);
    item.source = document.source;
    item.obtained = document.obtained;
    item.not_before = document.issued.value_or(Time{});
    item.not_after = document.next_update.value_or(Time{});
  }
  return items;
}

}  // namespace

store::KeptDocument DocumentOf(const collateral::KeptItem& item) {
  store::KeptDocument document{
      .key = item.key, .channel = item.channel, .body = item.body, .source = item.source, .obtained = item.obtained};
  if (item.edition) document.number = item.edition->number;
  if (item.not_before != Time{}) document.issued = item.not_before;
  if (item.not_after != Time{}) document.next_update = item.not_after;
  return document;
}

absl::StatusOr<std::vector<collateral::KeptItem>> StoreShelf::Load() {
  std::vector<std::string_view> leaves;
  for (const collateral::DocumentKind& kind : collateral::AllDocumentKinds()) {
    if (kind.nature == collateral::Nature::kLeaf) leaves.push_back(kind.name);
  }
  auto documents = store_.Load(leaves);
  if (!documents.ok()) return documents.status();
  return ItemsOf(*std::move(documents));
}

absl::StatusOr<std::vector<collateral::KeptItem>> StoreShelf::Find(const trust::CollateralKey& key) {
  auto documents = store_.Find(key);
  if (!documents.ok()) return documents.status();
  return ItemsOf(*std::move(documents));
}

absl::Status StoreShelf::Put(std::span<const collateral::KeptItem> items) {
  std::vector<store::KeptDocument> documents;
  for (const collateral::KeptItem& item : items) documents.push_back(DocumentOf(item));
  return store_.PutAll(documents);
}

}  // namespace assay::service
