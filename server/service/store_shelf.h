// The store as the shelf of a keeper: where collateral and floors outlive the process.
#pragma once

#include "collateral/shelf.h"
#include "store/collateral_store.h"

namespace assay::service {

class StoreShelf final : public collateral::Shelf {
 public:
  explicit StoreShelf(store::CollateralStore& store) : store_(store) {}  // which outlives it

  absl::StatusOr<std::vector<collateral::KeptItem>> Load() override;
  absl::StatusOr<std::vector<collateral::KeptItem>> Find(const trust::CollateralKey& key) override;
  absl::Status Put(std::span<const collateral::KeptItem> items) override;
  absl::StatusOr<std::vector<trust::Floor>> LoadFloors() override { return store_.LoadFloors(); }
  absl::Status RaiseFloors(std::span<const trust::Floor> floors) override { return store_.RaiseFloors(floors); }

 private:
  store::CollateralStore& store_;
};

store::KeptDocument DocumentOf(const collateral::KeptItem& item);

}  // namespace assay::service
