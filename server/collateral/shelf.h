// Where collateral and floors outlive the process.
//
// Promises nothing about the documents: whoever takes one off the shelf authenticates it anew. Floors are the exception; they are this
// verifier's own memory. Thread-safe; calls may wait for the disk, never for the network.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "trust/collateral.h"
#include "trust/floors.h"

namespace assay::collateral {

struct KeptItem {
  trust::CollateralKey key;  // what it is, never which bytes: a document that is issued anew replaces the former
  trust::Channel channel = trust::Channel::kStandard;
  Bytes body;  // DER or JSON, one document
  trust::CollateralSource source = trust::CollateralSource::kVendor;
  Time obtained{};
  std::optional<trust::Edition> edition = {};  // of what its vendor issues again and again
  Time not_before{}, not_after{};
};

class Shelf {
 public:
  virtual ~Shelf() = default;
  // Everything but leaves (IsLeaf of document_kinds.h): those are one for each machine, and looked up one by one.
  virtual absl::StatusOr<std::vector<KeptItem>> Load() = 0;
  // What is kept under the key, in any channel; empty: nothing.
  virtual absl::StatusOr<std::vector<KeptItem>> Find(const trust::CollateralKey& key) = 0;
  // Each replaces what is kept under the same key and channel. All of them or none.
  virtual absl::Status Put(std::span<const KeptItem> items) = 0;

  virtual absl::StatusOr<std::vector<trust::Floor>> LoadFloors() = 0;
  // Each floor only ever rises: a lower one than is kept changes nothing, whichever process kept it.
  virtual absl::Status RaiseFloors(std::span<const trust::Floor> floors) = 0;
};

}  // namespace assay::collateral
