#include "collateral/memory_shelf.h"

#include "collateral/document_kinds.h"

namespace assay::collateral {

absl::StatusOr<std::vector<KeptItem>> MemoryShelf::Load() {
  const std::lock_guard lock(mutex_);
  std::vector<KeptItem> all;
  for (const auto& [key, item] : items_) {
    if (!IsLeaf(item.key)) all.push_back(item);
  }
  return all;
}

absl::StatusOr<std::vector<KeptItem>> MemoryShelf::Find(const trust::CollateralKey& key) {
  const std::lock_guard lock(mutex_);
  std::vector<KeptItem> found;
  for (const trust::Channel channel : {trust::Channel::kStandard, trust::Channel::kEarly}) {
    if (const auto at = items_.find({key, channel}); at != items_.end()) found.push_back(at->second);
  }
  return found;
}

absl::Status MemoryShelf::Put(std::span<const KeptItem> items) {
  const std::lock_guard lock(mutex_);
  for (const KeptItem& item : items) items_.insert_or_assign({item.key, item.channel}, item);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<trust::Floor>> MemoryShelf::LoadFloors() {
  const std::lock_guard lock(mutex_);
  return floors_;
}

absl::Status MemoryShelf::RaiseFloors(std::span<const trust::Floor> floors) {
  const std::lock_guard lock(mutex_);
  for (const trust::Floor& floor : floors) {
    floors_ = trust::Raised(std::move(floors_), floor.edition, floor.channel, trust::CollateralSource::kImport);
  }
  return absl::OkStatus();
}

}  // namespace assay::collateral
