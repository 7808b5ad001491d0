// A shelf that ends with the process: for tests, and for a verifier that may forget.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "collateral/shelf.h"

namespace assay::collateral {

class MemoryShelf final : public Shelf {
 public:
  absl::StatusOr<std::vector<KeptItem>> Load() override;
  absl::StatusOr<std::vector<KeptItem>> Find(const trust::CollateralKey& key) override;
  absl::Status Put(std::span<const KeptItem> items) override;
  absl::StatusOr<std::vector<trust::Floor>> LoadFloors() override;
  absl::Status RaiseFloors(std::span<const trust::Floor> floors) override;

 private:
  std::mutex mutex_;
  std::map<std::pair<trust::CollateralKey, trust::Channel>, KeptItem> items_;  // guarded by mutex_
  std::vector<trust::Floor> floors_;                                           // guarded by mutex_
};

}  // namespace assay::collateral
