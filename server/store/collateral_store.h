// Collateral as an asset: the vendors' documents by content, what is known of each key, and what must never go back: floors,
// numbers of revocation lists among them, and the numbers of imported bundles.
//
// Promises: every call that changes something is durable when it returns OK; one document for each key in each channel; a floor
// only ever rises, and a document older than the floor of its series in its channel is not kept, whichever process or replica asks:
// both are decided in the transaction that writes; a bundle is imported whole or not at all. Does not promise that a document is
// authentic: whoever takes one out authenticates it anew. Thread-safe; every call may block on the disk.
//
// Errors: FailedPrecondition (a document, or a bundle, is older than what was kept before), AlreadyExists (this very bundle was
// imported), InvalidArgument (a filter, or a key, that is none), DataLoss (a body does not have its digest), Unavailable (as VerdictStore).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "store/sqlite_store.h"
#include "store/verdict_store.h"
#include "trust/collateral.h"
#include "trust/floors.h"

namespace assay::store {

struct KeptDocument {
  trust::CollateralKey key;
  trust::Channel channel = trust::Channel::kStandard;
  Bytes body;
  trust::CollateralSource source = trust::CollateralSource::kVendor;
  Time obtained{};
  std::optional<std::uint64_t> number = {};  // of what its vendor issues again and again
  std::optional<Time> issued = {}, next_update = {};
};

// What is known of a key in a channel; without a document where none was ever got.
struct CollateralState {
  std::int64_t sequence = 0;
  trust::CollateralKey key;
  trust::Channel channel = trust::Channel::kStandard;
  std::optional<crypto::Sha256Digest> sha256 = {};
  std::int64_t size = 0;
  std::string source = {};
  std::optional<Time> obtained = {};
  std::optional<std::uint64_t> number = {};
  std::optional<Time> issued = {}, next_update = {};
  std::optional<Time> failed = {};  // the last attempt, if it failed
  std::string failure = {};
};

// How far bundles of one signing key were imported.
struct ImportedBundle {
  std::string key_id;
  std::int64_t number = 0;
  crypto::Sha256Digest sha256{};
  Time at{};
  std::string by = {};
};

class CollateralStore {
 public:
  virtual ~CollateralStore() = default;

  // Replaces what is kept under the same key and channel, and forgets its failure. The same bytes once more: only when and whence.
  virtual absl::Status Put(const KeptDocument& document) = 0;
  // All of them in one transaction, but for those that are older than a floor.
  virtual absl::Status PutAll(std::span<const KeptDocument> documents) = 0;
  // Of documents that were never got, those that failed last are remembered, and no more than a thousand.
  virtual absl::Status NoteFailure(const trust::CollateralKey& key, trust::Channel channel, std::string_view failure, Time at) = 0;

  // What is kept under the key, in any channel.
  virtual absl::StatusOr<std::vector<KeptDocument>> Find(const trust::CollateralKey& key) = 0;
  // All documents but those of these kinds, in the order in which their keys were first seen.
  virtual absl::StatusOr<std::vector<KeptDocument>> Load(std::span<const std::string_view> but) = 0;
  virtual absl::StatusOr<Page<CollateralState>> List(const PageRequest& request) = 0;

  virtual absl::StatusOr<std::vector<trust::Floor>> LoadFloors() = 0;  // sorted as trust::Raised sorts them
  virtual absl::Status RaiseFloors(std::span<const trust::Floor> floors) = 0;

  // A number for a bundle that is greater than any before, and than those of a database that was restored.
  virtual absl::StatusOr<std::int64_t> NextBundleNumber(Time now) = 0;
  // Documents, floors and the bundle's number, in one transaction; how many documents were taken. One that is older than a floor is
  // left out: a bundle is as old as its making.
  virtual absl::StatusOr<std::int64_t> Import(const ImportedBundle& bundle, std::span<const KeptDocument> documents,
                                              std::span<const trust::Floor> floors) = 0;
  virtual absl::StatusOr<std::vector<ImportedBundle>> Imports() = 0;  // sorted by key id
};

// On a connection of its own into the database of OpenSqliteStore, with the same errors.
absl::StatusOr<std::unique_ptr<CollateralStore>> OpenSqliteCollateral(const std::string& path, const SqliteStoreOptions& options = {});

}  // namespace assay::store
